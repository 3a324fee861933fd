"""What happens to one item of a source: read, labels, boxes, quality, identity, split, write."""

import errno
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path

import msgspec
import numpy as np

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.store.layout import encode_record
from mmdet_medglip.structures import Record

from .deidentify import pseudonym, scrub, text_suspected
from .image_files import store_image
from .images import read_image
from .label_map import LabelMap
from .quality import check_regions, fingerprint, grey_levels, pixel_fault
from .readers import Reader, RecipeError
from .recipe import Recipe
from .regions import Left, Regions, label_regions, make_instances
from .rejects import Reject, one_line
from .source import SourceImage, SourceItem
from .splits import SplitPolicy

__all__ = ['Entry', 'ItemOutcome', 'SourceSetup', 'SourceStages']

_MACHINE_FAULTS = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
}
_ON_PURPOSE = {'dropped by the recipe', 'region is marked twice'}
_UNSUSPICIOUS = {*_ON_PURPOSE, 'component smaller than min_area', 'box shorter than min_size_mm'}


@dataclass(frozen=True)
class SourceSetup:
    """What a process needs to work on a source; small, and made of plain values.

    Args:
        recipe: The source.
        data_root: Folder that the recipe's root is relative to.
        store_root: Folder of the store.
        key: Key of the pseudonyms; None if names are kept.
        groups: Patient group by image name, for sources split by similarity.
        imports: Modules that register readers.
    """

    recipe: Recipe
    data_root: Path
    store_root: Path
    key: bytes | None = None
    groups: Mapping[str, str] = field(default_factory=dict)
    imports: tuple[str, ...] = ()


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """A record on its way into a shard.

    Args:
        record: The encoded record.
        fingerprint: See ``ingest.quality.fingerprint``.
    """

    record: bytes
    fingerprint: bytes


@dataclass
class ItemOutcome:
    """What became of an item.

    Args:
        entries: Its records.
        rejects: What was left out of it.
        names: ``(kind, pseudonym, original)`` for each name that was replaced.
    """

    entries: list[Entry] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    names: set[tuple[str, str, str]] = field(default_factory=set)


class SourceStages:
    """The stages of one source, in one process.

    Args:
        setup: The source.
        ontology: Known names; the packaged ontology if None.

    Raises:
        FileNotFoundError: If the folder of the source does not exist.
        RecipeError: If the recipe is wrong.
    """

    def __init__(self, setup: SourceSetup, ontology: Ontology | None = None) -> None:
        self.setup = setup
        self.recipe = setup.recipe
        self.ontology = ontology or Ontology.default()
        self.label_map = self.recipe.label_map(self.ontology)
        self._label_maps = {self.label_map.modality: self.label_map}
        self._splits = SplitPolicy(self.recipe.split)
        self._patient = re.compile(self.recipe.patient_id) if self.recipe.patient_id else None
        self._root = Path(setup.data_root).absolute() / self.recipe.root

    @cached_property
    def reader(self) -> Reader:
        """The reader of the source."""
        for module in self.setup.imports:
            import_module(module)
        return self.recipe.build_reader(self.setup.data_root, self.label_map)

    def process(self, item: SourceItem) -> ItemOutcome:
        """Take one item through all stages; its images are written, its records returned.

        An item that cannot be read gives no record and one reject, whatever the fault.

        Args:
            item: Item of the reader.

        Returns:
            Its records and rejects.

        Raises:
            RecipeError: If an option turns out wrong.
            OSError: If the machine is at its limit, such as a full disk.
        """
        outcome = ItemOutcome()
        written: list[Path] = []
        try:
            for image in self.reader.read(item):
                self._take(item, image, outcome, written)
        except RecipeError:
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno in _MACHINE_FAULTS:
                raise
            for path in written:
                path.unlink(missing_ok=True)
            outcome.entries.clear()
            self._reject(outcome, item, Left('read', _reason(error), str(error)))
        for reject in self.reader.take_rejects():
            left = Left(reject.stage, reject.reason, reject.detail)
            self._reject(outcome, item, left, reject.file, reject.count)
        return outcome

    def adopt(self, rejects: Iterable[Reject]) -> ItemOutcome:
        """Return rejects that were noted outside of any item, with names replaced as elsewhere."""
        outcome = ItemOutcome()
        for reject in rejects:
            left = Left(reject.stage, reject.reason, reject.detail)
            self._reject(outcome, SourceItem(reject.file), left, reject.file, reject.count)
        return outcome

    def _take(
        self, item: SourceItem, image: SourceImage, outcome: ItemOutcome, written: list[Path]
    ) -> None:
        pixels = image.image if isinstance(image.image, np.ndarray) else read_image(image.image)
        if pixels.shape[:2] != image.size:
            raise ValueError(
                f'{image.name}: {pixels.shape[0]} rows and {pixels.shape[1]} columns were '
                f'decoded, {image.size[0]} and {image.size[1]} were announced.'
            )
        grey = grey_levels(pixels)
        fault = pixel_fault(grey)
        if fault is not None:
            self._reject(outcome, item, Left('quality', fault), image.name)
            return
        made = self._regions(image)
        for left in made.left:
            self._reject(outcome, item, left, image.name)
        if not made.instances and any(left.reason not in _ON_PURPOSE for left in made.left):
            left = Left('quality', 'no valid region is left', 'it would pass for a negative')
            self._reject(outcome, item, left, image.name)
            return
        flags = made.flags | set(image.flags)
        if text_suspected(grey):
            flags.add('burned_in_text')
        try:
            record = self._record(image, made, flags, outcome)
        except _NoPatientError as error:
            left = Left('identity', 'patient_id does not fit the name', str(error))
            self._reject(outcome, item, left, image.name)
            return
        relative = store_image(self.setup.store_root, record, image.image, pixels)
        written.append(self.setup.store_root / relative)
        data = encode_record(replace(record, image_path=relative))
        outcome.entries.append(Entry(data, fingerprint(pixels, grey, record.instances)))

    def _regions(self, image: SourceImage) -> Regions:
        label_map = self._map_of(image)
        labelled, left = label_regions(image.regions, label_map)
        made = make_instances(labelled, image, label_map, self.recipe.boxes)
        if any(item.reason == 'name is not mapped' for item in left):
            made.flags.add('unmapped_name')
        if any(item.reason not in _UNSUSPICIOUS for item in made.left):
            made.flags.add('region_left_out')
        made.left = left + made.left
        return check_regions(made, image.size)

    def _map_of(self, image: SourceImage) -> LabelMap:
        modality = self._modality(image)
        found = self._label_maps.get(modality)
        if found is None:
            recipe = msgspec.structs.replace(self.recipe, modality=modality)
            found = self._label_maps[modality] = recipe.label_map(self.ontology)
        return found

    def _modality(self, image: SourceImage) -> str:
        if image.modality is None:
            return self.label_map.modality
        return self.ontology.parse_modality(image.modality)

    def _record(
        self, image: SourceImage, made: Regions, flags: set[str], outcome: ItemOutcome
    ) -> Record:
        recipe = self.recipe
        scope = recipe.patient_scope or recipe.name
        patient = self._patient_of(image)
        split = self._splits.choose(f'{scope}/{patient}', image.folder)

        def told(kind: str, name: str | None) -> str | None:
            return None if name is None else self._told(outcome, kind, name)

        return Record(
            image_id=f'{recipe.name}/{told("image", image.name)}',
            height=image.size[0],
            width=image.size[1],
            modality=self._modality(image),
            source=recipe.name,
            patient_id=f'{scope}/{told("patient", patient)}',
            split=split,
            instances=tuple(made.instances),
            caption=image.caption,
            body_region=image.body_region or recipe.body_region,
            licence=recipe.licence,
            study_id=told('study', image.study),
            series_id=told('series', image.series),
            slice_index=image.slice_index,
            spacing_mm=image.spacing_mm,
            view=image.view or recipe.view,
            window=recipe.window_values or image.window,
            rescale_slope=image.rescale_slope,
            rescale_intercept=image.rescale_intercept,
            rescale_type=image.rescale_type,
            flags=tuple(sorted(flags)),
        ).validate(self.ontology)

    def _patient_of(self, image: SourceImage) -> str:
        name = image.patient or image.series or image.name.rsplit('/', 1)[-1]
        if self._patient is None:
            return self.setup.groups.get(name, name)
        match = self._patient.search(name)
        if match is None:
            raise _NoPatientError(f'{self._patient.pattern!r} in {name!r}')
        return match[1] if self._patient.groups else match[0]

    def _told(self, outcome: ItemOutcome, kind: str, name: str) -> str:
        """Return the name that the store uses for a name of the source."""
        if self.setup.key is None:
            return name
        told = pseudonym(
            self.setup.key, kind, f'{self.recipe.patient_scope or self.recipe.name}/{name}'
        )
        outcome.names.add((kind, told, name))
        return told

    def _reject(
        self,
        outcome: ItemOutcome,
        item: SourceItem,
        left: Left,
        file: str | None = None,
        count: int = 1,
    ) -> None:
        name, detail = file or item.name, left.detail.replace(f'{self._root}/', '')
        if self.setup.key is not None:
            names = {name, item.name, str(self.setup.data_root.absolute()), *item.files}
            detail = scrub(detail, names)
            name = self._told(outcome, 'file', name)
        detail = one_line(detail)
        reject = Reject(self.recipe.name, name, left.stage, left.reason, detail, count)
        outcome.rejects.append(reject)


class _NoPatientError(ValueError):
    """The patient cannot be told from the name."""


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return 'a file is missing'
    if isinstance(error, (ValueError, OSError, EOFError)):
        return 'not readable or not valid'
    return f'the reader failed ({type(error).__name__})'
