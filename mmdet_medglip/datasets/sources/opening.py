"""Choose the source by the annotation file's suffix."""

from collections.abc import Mapping
from pathlib import Path

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.store import GroundingStore

from .base import RecordSource
from .coco import CocoSource
from .odvg import OdvgSource, read_label_map
from .store import StoreSource

__all__ = ['open_source']


def open_source(
    data_root: Path,
    ann_file: Path | None = None,
    *,
    ontology: Ontology,
    image_root: Path | None = None,
    label_map: Mapping[str, str] | Path | None = None,
    modality: str | None = None,
    bad_boxes: str = 'error',
) -> RecordSource:
    """Open the records of a data set.

    Args:
        data_root: Folder of the store; used without ``ann_file`` only.
        ann_file: ``*.jsonl`` (ODVG) or ``*.json`` (COCO); None reads the store.
        ontology: Names that an annotation file's modalities and labels are parsed by.
        image_root: Folder that an annotation file's image names are relative to; by default
            ``data_root``.
        label_map: The annotation file's label numbers or names to names of the ontology, or a JSON
            file of that.
        modality: Modality of images whose annotation file names none.
        bad_boxes: ``'error'`` or ``'drop'``, for annotation files; a store has no bad boxes.

    Returns:
        The source.

    Raises:
        FileNotFoundError: If a file or the store does not exist.
        ValueError: If the suffix is unknown or the content is bad.
    """
    if ann_file is None:
        return StoreSource(GroundingStore(data_root))
    if not ann_file.is_file():
        raise FileNotFoundError(
            f'Annotation file {ann_file} does not exist: check data_root and ann_file.'
        )
    if isinstance(label_map, Path):
        label_map = read_label_map(label_map)
    where = (ann_file, image_root or data_root, ontology, modality, bad_boxes, label_map)
    if ann_file.suffix == '.jsonl':
        return OdvgSource(*where)
    if ann_file.suffix == '.json':
        return CocoSource(*where)
    raise ValueError(
        f'Annotation file {ann_file} must end in .jsonl (ODVG) or .json (COCO); leave ann_file '
        'empty to read a store.'
    )
