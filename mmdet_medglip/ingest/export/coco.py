"""COCO: one json per split, written image by image."""

import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.structures import SPLITS, Instance, Record
from mmdet_medglip.structures.run_lengths import checked_runs

from .fields import instance_fields, record_fields
from .images import ImageMode, ImagePlacer
from .report import ExportReport

__all__ = ['PHRASE_CATEGORY', 'export_coco']

PHRASE_CATEGORY = 'phrase of the caption'
"""Category of regions that have no label, only words of the caption."""

_NO_NAME = 'region without label and without a span of the caption (COCO needs a category)'


def export_coco(
    store: GroundingStore,
    out_dir: str | Path,
    *,
    split: str | None = None,
    modality: str | None = None,
    images: ImageMode = 'none',
    ontology: Ontology | None = None,
) -> ExportReport:
    """Write a store as COCO files ``train.json``, ``val.json`` and ``test.json``.

    Memory does not depend on the number of records. Categories are all labels of the store in
    ontology order, the same in each file: ``name`` is the label id, ``supercategory`` its class. A
    box ``[x, y, width, height]`` gives back the same float32 corners as ``x + width`` and
    ``y + height``. Masks stay compressed RLE. An image also has ``image_id`` (that of the record;
    ``id`` is a number), ``modality``, ``source``, ``patient_id``, ``split`` and what else the
    record knows; ``caption`` and ``tokens_positive`` ground parts of a caption.

    Args:
        store: The store.
        out_dir: Folder to write to; files of the same names are replaced when all are complete.
        split: Write this split only; None writes each that has a record.
        modality: Write this modality id only; None writes all.
        images: ``none``: ``file_name`` is relative to the store; ``link`` or ``copy``: the images
            are also put below ``out_dir``.
        ontology: Classes of the labels; the packaged one if None.

    Returns:
        What was written.

    Raises:
        ValueError: If nothing is selected, or a name is unknown.
        OSError: If a file cannot be written.
    """
    out_dir = Path(out_dir)
    rows = store.indices(split=split, modality=modality)
    if not len(rows):
        raise ValueError(f'{store.root} has no record of split {split!r}, modality {modality!r}.')
    categories = _categories(store, ontology or Ontology.default())
    placer = ImagePlacer(store, out_dir, images)
    out_dir.mkdir(parents=True, exist_ok=True)
    files: dict[str, _CocoFile] = {}
    with ExitStack() as stack:
        for row in rows:
            record = store[int(row)]
            if record.split not in files:
                path = out_dir / f'{record.split}.json'
                files[record.split] = stack.enter_context(_coco_file(path, store.name, categories))
            files[record.split].add(record)
            placer.place(record)
    done = [files[name] for name in SPLITS if name in files]
    return ExportReport(
        files=tuple(file.path for file in done),
        records=sum(file.records for file in done),
        regions=sum(file.regions for file in done),
        left_out=sum((file.left_out for file in done), Counter()),
    )


def _categories(store: GroundingStore, ontology: Ontology) -> dict[str, dict[str, Any]]:
    return {
        label: {
            'id': number,
            'name': label,
            'supercategory': ontology.parent_class(label),
            'display_name': store.display_names[label],
        }
        for number, label in enumerate(store.labels, start=1)
    }


class _CocoFile:
    """The two long lists of a COCO file, each in a file of its own until the end."""

    def __init__(
        self, path: Path, images: IO[str], annotations: IO[str], categories: Mapping[str, Any]
    ) -> None:
        self.path = path
        self.records = 0
        self.regions = 0
        self.left_out: Counter[str] = Counter()
        self.licences: dict[str, int] = {}
        self.has_phrases = False
        self._images = images
        self._annotations = annotations
        self._categories = categories

    def add(self, record: Record) -> None:
        """Append an image and its annotations."""
        entry = {
            'id': self.records + 1,
            'file_name': record.image_path,
            'height': record.height,
            'width': record.width,
        } | record_fields(record)
        if record.caption is not None:
            entry['caption'] = record.caption
        if record.licence is not None:
            entry['license'] = self.licences.setdefault(record.licence, len(self.licences) + 1)
        _append(self._images, entry, first=self.records == 0)
        self.records += 1
        for instance in record.instances:
            category = self._category_id(instance)
            if category is None:
                self.left_out[_NO_NAME] += 1
                continue
            annotation = {'id': self.regions + 1, 'image_id': self.records}
            annotation |= {'category_id': category} | _annotation(instance)
            _append(self._annotations, annotation, first=self.regions == 0)
            self.regions += 1

    def _category_id(self, instance: Instance) -> int | None:
        if instance.label is not None:
            return self._categories[instance.label]['id']
        if not instance.tokens_positive:
            return None
        self.has_phrases = True
        return len(self._categories) + 1

    def categories(self) -> list[dict[str, Any]]:
        """Return the categories of the file."""
        found = list(self._categories.values())
        if self.has_phrases:
            name = PHRASE_CATEGORY
            found.append({'id': len(found) + 1, 'name': name, 'supercategory': 'phrase'})
        return found


def _annotation(instance: Instance) -> dict[str, Any]:
    x1, y1, x2, y2 = instance.bbox
    entry: dict[str, Any] = {'bbox': [x1, y1, x2 - x1, y2 - y1]}
    entry['area'] = (x2 - x1) * (y2 - y1)
    entry['iscrowd'] = int(instance.is_crowd)
    if instance.mask is not None:
        # Of the runs, as the second, fourth and so on are inside.
        entry['area'] = float(checked_runs(instance.mask)[1::2].sum())
        entry['segmentation'] = dict(instance.mask)
    if instance.tokens_positive:
        entry['tokens_positive'] = instance.tokens_positive
    return entry | instance_fields(instance)


@contextmanager
def _coco_file(path: Path, name: str, categories: Mapping[str, Any]) -> Iterator[_CocoFile]:
    """Open a COCO file; it takes its name when the block ends well."""
    partial = path.with_name(f'.{path.name}.partial-{os.getpid()}')
    with ExitStack() as stack:
        stack.callback(partial.unlink, missing_ok=True)
        out = stack.enter_context(partial.open('w', encoding='utf-8'))
        annotations = stack.enter_context(
            tempfile.TemporaryFile('w+', encoding='utf-8', dir=path.parent)
        )
        out.write('{"info": ' + json.dumps({'description': name}) + ',\n"images": [')
        file = _CocoFile(path, out, annotations, categories)
        yield file
        out.write('],\n"annotations": [')
        annotations.seek(0)
        shutil.copyfileobj(annotations, out)
        licences = [{'id': i, 'name': name, 'url': ''} for name, i in file.licences.items()]
        out.write('],\n"categories": ' + json.dumps(file.categories()))
        out.write(',\n"licenses": ' + json.dumps(licences) + '}\n')
        out.close()
        os.replace(partial, path)


def _append(file: IO[str], entry: Mapping[str, Any], *, first: bool) -> None:
    file.write(('\n' if first else ',\n') + json.dumps(entry, allow_nan=False))
