"""ODVG, MMDetection's format for grounding detectors: one JSON object per line."""

import json
import os
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Literal, get_args

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.structures import SPLITS, Instance, Record
from mmdet_medglip.text import prompt_from_phrases

from ..captions import with_caption
from .fields import instance_fields, record_fields
from .images import ImageMode, ImagePlacer
from .report import ExportReport

__all__ = ['LABEL_MAP_FILE', 'OdvgKind', 'export_odvg']

LABEL_MAP_FILE = 'label_map.json'
OdvgKind = Literal['OD', 'VG']

_NO_LABEL = 'region without label (OD needs one; write VG)'
_NO_LABELS = 'image whose regions have no label (it would be a false negative; write VG)'
_NO_SPAN = 'region that the caption of its image does not name'
_NO_SPANS = 'image whose own caption names none of its regions (it would be a false negative)'


def export_odvg(
    store: GroundingStore,
    out_dir: str | Path,
    kind: OdvgKind = 'OD',
    *,
    split: str | None = None,
    modality: str | None = None,
    images: ImageMode = 'none',
    ontology: Ontology | None = None,
) -> ExportReport:
    """Write a store as ODVG files ``train_od.jsonl``, ``train_vg.jsonl`` and so on.

    ``OD`` writes ``detection`` lines and ``label_map.json``, from number (0-based, ontology order,
    all labels of the store) to display name. ``VG`` writes ``grounding`` lines, one region per
    box: with the record's own caption where it has one, else with one made of its labels (see
    :func:`mmdet_medglip.ingest.captions.with_caption`) or of its phrases. Images without regions
    stay, as negatives. Lines also carry the record's fields, regions ``mask``, ``is_crowd`` and the
    ``category`` of their label, which MMDetection passes over.

    Args:
        store: The store.
        out_dir: Folder to write to; files of the same names are replaced when all are complete.
        kind: ``OD`` or ``VG``.
        split: Write this split only; None writes each that has a record.
        modality: Write this modality id only; None writes all.
        images: ``none``: ``filename`` is relative to the store; ``link`` or ``copy``: the images
            are also put below ``out_dir``.
        ontology: Names of the labels; the packaged one if None.

    Returns:
        What was written.

    Raises:
        ValueError: If nothing is selected, or a name is unknown.
        OSError: If a file cannot be written.
    """
    if kind not in get_args(OdvgKind):
        raise ValueError(f"'kind' must be 'OD' or 'VG', got {kind!r}.")
    out_dir = Path(out_dir)
    rows = store.indices(split=split, modality=modality)
    if not len(rows):
        raise ValueError(f'{store.root} has no record of split {split!r}, modality {modality!r}.')
    placer = ImagePlacer(store, out_dir, images)
    out_dir.mkdir(parents=True, exist_ok=True)
    writer = (
        _Detections(store) if kind == 'OD' else _Groundings(store, ontology or Ontology.default())
    )
    files: dict[str, _LineFile] = {}
    records = 0
    with ExitStack() as stack:
        for row in rows:
            record = store[int(row)]
            content = writer.content(record)
            if content is None:
                continue
            if record.split not in files:
                path = out_dir / f'{record.split}_{kind.lower()}.jsonl'
                files[record.split] = _LineFile(path, stack)
            files[record.split].write(_line(record) | content)
            placer.place(record)
            records += 1
        done = [files[name] for name in SPLITS if name in files]
        if kind == 'OD':
            label_map = _LineFile(out_dir / LABEL_MAP_FILE, stack)
            names = enumerate(store.display_names[label] for label in store.labels)
            label_map.write({str(number): name for number, name in names})
            done.append(label_map)
        for file in done:
            file.publish()
    return ExportReport(
        tuple(file.path for file in done), records, writer.regions, dict(writer.left_out)
    )


def _line(record: Record) -> dict[str, Any]:
    own = {'filename': record.image_path, 'height': record.height, 'width': record.width}
    licence = {} if record.licence is None else {'licence': record.licence}
    return own | record_fields(record) | licence


def _extras(instance: Instance) -> dict[str, Any]:
    extras: dict[str, Any] = {} if instance.mask is None else {'mask': dict(instance.mask)}
    return extras | ({'is_crowd': True} if instance.is_crowd else {}) | instance_fields(instance)


class _Detections:
    """Make the ``detection`` part of lines."""

    def __init__(self, store: GroundingStore) -> None:
        self.regions = 0
        self.left_out: Counter[str] = Counter()
        self._numbers = {label: number for number, label in enumerate(store.labels)}
        self._names = store.display_names

    def content(self, record: Record) -> dict[str, Any] | None:
        """Return the part for a record; None if it cannot be told from a negative."""
        labelled = [i for i in record.instances if i.label is not None]
        if record.instances and not labelled:
            self.left_out[_NO_LABELS] += 1
            return None
        if len(labelled) < len(record.instances):
            self.left_out[_NO_LABEL] += len(record.instances) - len(labelled)
        self.regions += len(labelled)
        return {'detection': {'instances': [self._entry(instance) for instance in labelled]}}

    def _entry(self, instance: Instance) -> dict[str, Any]:
        label = str(instance.label)
        entry = {'bbox': instance.bbox, 'label': self._numbers[label]}
        return entry | {'category': self._names[label]} | _extras(instance)


class _Groundings:
    """Make the ``grounding`` part of lines."""

    def __init__(self, store: GroundingStore, ontology: Ontology) -> None:
        self.regions = 0
        self.left_out: Counter[str] = Counter()
        self._names = store.display_names
        self._ontology = ontology

    def content(self, record: Record) -> dict[str, Any] | None:
        """Return the part for a record; None if it cannot be told from a negative."""
        caption, spans = self._grounding(record)
        named = [pair for pair in zip(record.instances, spans, strict=True) if pair[1]]
        if record.instances and not named:
            self.left_out[_NO_SPANS] += 1
            return None
        if len(named) < len(record.instances):
            self.left_out[_NO_SPAN] += len(record.instances) - len(named)
        self.regions += len(named)
        regions = [self._region(caption, instance, of_one) for instance, of_one in named]
        return {'grounding': {'caption': caption, 'regions': regions}}

    def _region(
        self, caption: str, instance: Instance, spans: tuple[tuple[int, int], ...]
    ) -> dict[str, Any]:
        words = ' / '.join(caption[start:end] for start, end in spans)
        region = {'bbox': instance.bbox, 'phrase': words, 'tokens_positive': spans}
        if instance.label is not None:
            region['category'] = self._names[instance.label]
        return _extras(instance) | region

    def _grounding(self, record: Record) -> tuple[str, list[tuple[tuple[int, int], ...]]]:
        """Return the caption and the spans of each instance."""
        phrases = [' '.join((i.phrase or '').split()).strip(' .') for i in record.instances]
        unlabelled = all(i.label is None for i in record.instances)
        if record.caption is None and phrases and unlabelled and all(phrases):
            prompt = prompt_from_phrases(list(dict.fromkeys(phrases)))
            found = dict(zip(prompt.phrases, prompt.spans, strict=True))
            return prompt.caption, [found[phrase] for phrase in phrases]
        record = with_caption(record, self._ontology)
        return str(record.caption), [i.tokens_positive for i in record.instances]


class _LineFile:
    """A file of JSON lines that takes its name when it is published."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        self.path = path
        self._partial = path.with_name(f'.{path.name}.partial-{os.getpid()}')
        stack.callback(self._partial.unlink, missing_ok=True)
        self._file: IO[str] = stack.enter_context(self._partial.open('w', encoding='utf-8'))

    def write(self, line: dict[str, Any]) -> None:
        """Append one line."""
        self._file.write(json.dumps(line, allow_nan=False) + '\n')

    def publish(self) -> None:
        """Close the file and give it its name."""
        self._file.close()
        os.replace(self._partial, self.path)
