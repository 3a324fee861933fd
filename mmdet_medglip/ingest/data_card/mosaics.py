"""Sheets of example images: per modality, per label, per flag, and images without region."""

import hashlib
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PIL import Image

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.structures import Record

from .drawing import draw_grid, draw_record, network_view, regions_of
from .sampling import HashSample, image_hash, round_robin

__all__ = ['Mosaic', 'MosaicPlan', 'draw_mosaics', 'file_stem']

_UNSAFE = re.compile(r'[^A-Za-z0-9_-]+')
_TILE, _COLUMNS = 240, 4
_QUALITY = 82


@dataclass(frozen=True)
class Mosaic:
    """A sheet of images.

    Args:
        kind: ``modality``, ``label``, ``flag`` or ``negative``.
        name: Modality, label or flag; empty for negatives.
        picture: The sheet, RGB.
    """

    kind: str
    name: str
    picture: Image.Image

    def jpeg(self) -> bytes:
        """Encode the sheet small, to be embedded in a page."""
        stream = io.BytesIO()
        self.picture.save(stream, format='JPEG', quality=_QUALITY)
        return stream.getvalue()

    def png(self) -> bytes:
        """Encode the sheet without loss."""
        stream = io.BytesIO()
        self.picture.save(stream, format='PNG', optimize=False)
        return stream.getvalue()


class MosaicPlan:
    """Choose the images of all sheets in one walk over the records.

    Args:
        per_modality: Images on the sheet of a modality, spread over its sources.
        per_label: Images on the sheet of a label; also of a flag, and of the negatives.

    Raises:
        ValueError: If a number is negative.
    """

    def __init__(self, per_modality: int, per_label: int) -> None:
        self._per_modality = per_modality
        self._per_label = per_label
        self._by_source = HashSample(per_modality)
        self._others = HashSample(per_label)

    def add(self, record: Record, position: int) -> None:
        """Offer a record to the sheets it may stand on."""
        number = image_hash(record.image_id)
        if record.instances:
            self._by_source.add((record.modality, record.source), number, position)
        else:
            self._others.add(('negative', record.modality), number, position)
        for label in dict.fromkeys(i.label for i in record.instances):
            if label is not None:
                self._others.add(('label', label), number, position)
        for flag in record.flags:
            self._others.add(('flag', flag), number, position)

    def of_modality(self, modality: str) -> list[int]:
        """Return positions of images of a modality that have regions, source by source."""
        groups = sorted(group for group in self._by_source.groups() if group[0] == modality)
        lists = [self._by_source.positions(group) for group in groups]
        return round_robin(lists, self._per_modality)

    def of_label(self, label: str) -> list[int]:
        """Return positions of images with a label."""
        return self._others.positions(('label', label))

    def of_flag(self, flag: str) -> list[int]:
        """Return positions of images with a flag."""
        return self._others.positions(('flag', flag))

    def negatives(self, modalities: tuple[str, ...]) -> list[int]:
        """Return positions of images without region, modality by modality."""
        lists = [self._others.positions(('negative', modality)) for modality in modalities]
        return round_robin(lists, 2 * self._per_label)

    def flags(self) -> list[str]:
        """Return the flags met, sorted."""
        return sorted(group[1] for group in self._others.groups() if group[0] == 'flag')


def draw_mosaics(
    store: GroundingStore,
    plan: MosaicPlan,
    ontology: Ontology,
    on_mosaic: Callable[[str], None] | None = None,
) -> Iterator[Mosaic]:
    """Draw the sheets: modalities, labels, flags, negatives; empty ones are left out.

    Args:
        store: The store.
        plan: Which images.
        ontology: Display names of the labels.
        on_mosaic: Called with the name of each sheet before it is drawn.

    Yields:
        One sheet at a time.
    """
    wanted = [('modality', name, plan.of_modality(name)) for name in store.modalities]
    wanted += [('label', name, plan.of_label(name)) for name in store.labels]
    wanted += [('flag', name, plan.of_flag(name)) for name in plan.flags()]
    wanted += [('negative', '', plan.negatives(store.modalities))]
    for kind, name, positions in wanted:
        if not positions:
            continue
        if on_mosaic is not None:
            on_mosaic(name or kind)
        only = name if kind == 'label' else None
        tiles = [_tile(store, position, ontology, only) for position in positions]
        yield Mosaic(kind, name, draw_grid(tiles, _COLUMNS))


def file_stem(kind: str, name: str) -> str:
    """Return a file name without suffix that is safe and differs for different names."""
    stem = _UNSAFE.sub('_', name)[:60]
    if stem != name:
        stem += '-' + hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]
    return f'{kind}-{stem}' if name else kind


def _tile(
    store: GroundingStore, position: int, ontology: Ontology, only: str | None
) -> Image.Image:
    record = store[position]
    title = (record.image_id, f'{record.source} · {record.split}')
    regions = regions_of(record, ontology, only)
    return draw_record(network_view(store, record), regions, side=_TILE, title=title)
