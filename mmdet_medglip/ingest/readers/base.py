"""The contract of readers, and what all of them share."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.structures import Box, Instance, Record

from ..masks import instances_from_mask
from ..paths import match_files
from ..similarity import group_similar
from ..splits import SplitPolicy

__all__ = ['Item', 'Reader', 'RecipeError', 'SkippedItem']

_T = TypeVar('_T')

Item = tuple[Record, np.ndarray | Path]


@dataclass(frozen=True)
class SkippedItem:
    """Something of the source that no record was made of.

    Args:
        item: Its name, such as a file relative to the data set.
        reason: Why, in words that other items may share.
        detail: What exactly, for this item.
    """

    item: str
    reason: str
    detail: str = ''


class RecipeError(ValueError):
    """An option is wrong, not an item: the reading cannot go on."""


class Reader(ABC):
    """Iterate over a data set as ``(record, image)``.

    The contract of a subclass:

    * ``__iter__`` yields a valid :class:`Record` and its image: the pixels, uint8 (H, W) or
      (H, W, 3) RGB or uint16 (H, W), or the path of an image file. Boxes are half-open pixels of
      that image. Order and content depend on the files and options only.
    * What one item lacks (a missing or damaged file, a box outside) is noted by :meth:`skip`, and
      the reading goes on. What is wrong with the whole (no folder, no file at all, a label that
      the mapping does not know) is raised as one error.
    * Files named by annotation files are opened through ``ingest.paths.inside`` only, and image
      sizes are known before pixels are read.

    Args:
        root: Folder of the data set.
        modality: Any name of a modality.
        source: Name of the data set; prefixes image and patient ids.
        labels: Label id (or any name) by name in the source; None drops that name on purpose.
            A name not listed here must be known to the ontology.
        licence: Licence of the data, as its source states it.
        body_region: Region shown, in words.
        view: Projection or plane, such as ``axial``.
        patient_id: Regular expression searched in the item's name (a file name without
            extension); its first group, or the whole match, is the patient. If None, each item
            is its own patient.
        similar: ``{'images': pattern, 'max_difference': share}`` for sets that hide their
            patients and hold near copies: items that look alike are one patient, see
            ``ingest.similarity``; the pattern's ``{stem}`` is the item's name. Excludes
            ``patient_id``. The groups depend on all images: they may change when data grows.
        split: Options of :class:`mmdet_medglip.ingest.splits.SplitPolicy`.
        min_area: Smallest component of a mask in pixels.
        keep_masks: Whether regions carry masks where the source has them.
        clip_tolerance: How far in pixels a box may leave the image and be clipped; an item with a
            box further out is skipped.
        ontology: Known names; the packaged ontology if None.

    Raises:
        FileNotFoundError: If ``root`` does not exist.
        ValueError: If an option names something unknown.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        modality: str,
        source: str,
        labels: Mapping[str, str | None] | None = None,
        licence: str | None = None,
        body_region: str | None = None,
        view: str | None = None,
        patient_id: str | None = None,
        similar: Mapping[str, Any] | None = None,
        split: Mapping[str, Any] | None = None,
        min_area: int = 1,
        keep_masks: bool = True,
        clip_tolerance: float = 1.0,
        ontology: Ontology | None = None,
    ) -> None:
        self.root = Path(root).absolute()
        if not self.root.is_dir():
            raise FileNotFoundError(
                f'Data set {source!r}: folder {self.root} does not exist; check the data root.'
            )
        self.ontology = ontology or Ontology.default()
        self.modality = self.ontology.parse_modality(modality)
        self.source = source
        self.labels = {
            str(name): None if label is None else self.ontology.parse_label(label)
            for name, label in (labels or {}).items()
        }
        self.licence = licence
        self.body_region = body_region
        self.view = view
        self.min_area = min_area
        self.keep_masks = keep_masks
        self.clip_tolerance = clip_tolerance
        self.skipped: list[SkippedItem] = []
        self._patient = _compile(patient_id)
        self._similar = dict(similar or {})
        self._groups: dict[str, str] = {}
        if self._similar and set(self._similar) != {'images', 'max_difference'}:
            raise RecipeError(
                f"Data set {self.source!r}: 'similar' needs 'images' and 'max_difference', "
                f'got {self._similar!r}.'
            )
        if self._similar and self._patient is not None:
            raise RecipeError(
                f"Data set {self.source!r}: give 'patient_id' or 'similar', not both."
            )
        self._split = SplitPolicy(split or {})

    @abstractmethod
    def __iter__(self) -> Iterator[Item]:
        """Yield records and images; see the contract of the class."""

    def skip(self, item: str | Path, reason: str, detail: str = '') -> None:
        """Note an item that no record is made of; see :class:`SkippedItem`."""
        name = item.relative_to(self.root).as_posix() if isinstance(item, Path) else item
        self.skipped.append(SkippedItem(f'{self.source}/{name}', reason, detail))

    def read_each(
        self, sources: Iterable[_T], read: Callable[[_T], Item | None], name: Callable[[_T], str]
    ) -> Iterator[Item]:
        """Read one item after the other; an item that cannot be read is skipped and noted.

        Args:
            sources: What the items are read from.
            read: Makes the item; None if it has noted itself why there is none.
            name: Names the source in the note.

        Yields:
            The items that could be read.

        Raises:
            RecipeError: If an option turns out wrong.
        """
        for source in sources:
            try:
                item = read(source)
            except RecipeError:
                raise
            except FileNotFoundError as error:
                self.skip(name(source), 'a file is missing', str(error))
                continue
            except (ValueError, OSError) as error:
                self.skip(name(source), 'not readable or not valid', str(error))
                continue
            if item is not None:
                yield item

    def label_of(self, name: str) -> str | None:
        """Map a name of the source.

        Args:
            name: Class name as written in the source.

        Returns:
            The label id; None if the mapping drops the name.

        Raises:
            RecipeError: If neither the mapping nor the ontology knows the name.
        """
        if name in self.labels:
            return self.labels[name]
        try:
            return self.ontology.parse_label(name)
        except ValueError as error:
            raise RecipeError(
                f"Data set {self.source!r}: {error} Map the name under 'labels' of the recipe, "
                'to null if it is to be dropped.'
            ) from None

    def patient_of(self, name: str) -> str:
        """Find the patient of an item by its name.

        Raises:
            RecipeError: If the pattern does not fit the name.
        """
        if self._similar and not self._groups:
            self._groups = self._group_names(**self._similar)
        if self._patient is None:
            return f'{self.source}/{self._groups.get(name, name)}'
        match = self._patient.search(name)
        if match is None:
            raise RecipeError(
                f'Data set {self.source!r}: patient_id pattern {self._patient.pattern!r} does '
                f'not fit {name!r}; correct the recipe.'
            )
        return f'{self.source}/{match[1] if self._patient.groups else match[0]}'

    def _group_names(self, images: str, max_difference: float) -> dict[str, str]:
        matches = match_files(self.root, images)
        groups = group_similar([match.path for match in matches], max_difference)
        names = [match.fields['stem'] for match in matches]
        return {name: names[first] for name, first in zip(names, groups, strict=True)}

    def split_of(self, patient_id: str, folder: str | None = None) -> str:
        """Choose the split of an item.

        Args:
            patient_id: Its patient.
            folder: Split name in the source, for the policy ``folders``.

        Raises:
            RecipeError: If the policy is ``folders`` and does not list ``folder``.
        """
        try:
            return self._split.choose(patient_id, folder)
        except ValueError as error:
            raise RecipeError(f'Data set {self.source!r}: {error}') from None

    def record(
        self,
        name: str,
        size: tuple[int, int],
        instances: Sequence[Instance],
        *,
        folder: str | None = None,
        patient: str | None = None,
        **fields: Any,
    ) -> Record:
        """Make a record with what all items of this data set have in common.

        Args:
            name: Name of the item, unique in the data set.
            size: ``(height, width)`` in pixels.
            instances: Its regions.
            folder: Split name in the source.
            patient: Name to search the patient in; ``name`` if None.
            **fields: Further fields of the record.

        Raises:
            ValueError: If the record is not valid.
        """
        patient_id = self.patient_of(patient or name)
        common = {'licence': self.licence, 'body_region': self.body_region, 'view': self.view}
        return Record(
            image_id=f'{self.source}/{name}',
            height=size[0],
            width=size[1],
            modality=self.modality,
            source=self.source,
            patient_id=patient_id,
            split=self.split_of(patient_id, folder),
            instances=tuple(instances),
            **(common | fields),
        )

    def regions(self, mask: np.ndarray, label: str, item: str, **fields: Any) -> list[Instance]:
        """Make the regions of one label's mask by the ontology's box policy."""
        found = instances_from_mask(
            mask,
            label,
            policy=self.ontology.box_policy(label),
            min_area=self.min_area,
            keep_mask=self.keep_masks,
            **fields,
        )
        if found.dropped:
            detail = f'{found.dropped} of {label}, below {self.min_area} pixels'
            self.skip(item, 'component smaller than min_area', detail)
        return list(found.instances)

    def clip(self, box: Box, size: tuple[int, int]) -> Box:
        """Clip a box that leaves the image by rounding; leave any other as it is.

        Args:
            box: Half-open box in pixels.
            size: ``(height, width)`` of the image.

        Returns:
            The box, clipped if it was outside by at most ``clip_tolerance``.
        """
        limits = (size[1], size[0], size[1], size[0])
        x1, y1, x2, y2 = (min(max(v, 0.0), float(m)) for v, m in zip(box, limits, strict=True))
        clipped = (x1, y1, x2, y2)
        near = all(abs(a - b) <= self.clip_tolerance for a, b in zip(box, clipped, strict=True))
        return clipped if near else box


def _compile(pattern: str | None) -> re.Pattern[str] | None:
    try:
        return None if pattern is None else re.compile(pattern)
    except re.error as error:
        raise ValueError(f"'patient_id' {pattern!r} is not a regular expression: {error}") from None
