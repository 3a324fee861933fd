"""One image and its regions."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any

from .instance import Instance

if TYPE_CHECKING:
    from mmdet_medglip.ontology import Ontology

__all__ = ['SPLITS', 'Record']

SPLITS = ('train', 'val', 'test')


@dataclass(frozen=True)
class Record:
    """One 2-D image and its regions; an image without regions is a negative, not an error.

    The stored pixels mean ``rescale_slope * stored + rescale_intercept``, as in DICOM.

    Args:
        image_id: Unique name of the image within a store.
        height: Height in pixels, >= 1.
        width: Width in pixels, >= 1.
        modality: Modality id of the ontology.
        source: Name of the data set.
        patient_id: Patient (or, where unknown, the group that must not be split).
        image_path: File relative to the store; the writer sets it.
        split: ``train``, ``val`` or ``test``.
        instances: Regions, possibly none.
        caption: Sentence that ``tokens_positive`` of the regions point into.
        body_region: Region shown, in words.
        licence: Licence of the source, as stated there.
        study_id: Study within the patient.
        series_id: Series (volume) within the study.
        slice_index: Position of the slice in its volume, from 0 in storage order.
        spacing_mm: Distance of pixel centres ``(between rows, between columns)`` in mm.
        view: Projection or plane, such as ``axial`` or ``PA``.
        rescale_slope: Physical value per stored unit, not 0.
        rescale_intercept: Physical value of a stored 0.
        rescale_type: Unit of the physical value, ``HU`` for CT; None without a unit.
        flags: Suspicions to look into, such as ``burned_in_text``.
        window: ``(centre, width)`` in physical values to show the image with, as its source says.

    Raises:
        ValueError: If a value is missing or impossible; names the image and the field.

    Example:
        >>> liver = Instance((2, 3, 6, 8), label='liver')
        >>> record = Record('a', 8, 10, 'ct', 'demo', 'p1', instances=(liver,))
        >>> record.instances[0].bbox
        (2.0, 3.0, 6.0, 8.0)
    """

    image_id: str
    height: int
    width: int
    modality: str
    source: str
    patient_id: str
    image_path: str = ''
    split: str = 'train'
    instances: tuple[Instance, ...] = ()
    caption: str | None = None
    body_region: str | None = None
    licence: str | None = None
    study_id: str | None = None
    series_id: str | None = None
    slice_index: int | None = None
    spacing_mm: tuple[float, float] | None = None
    view: str | None = None
    rescale_slope: float = 1.0
    rescale_intercept: float = 0.0
    rescale_type: str | None = None
    flags: tuple[str, ...] = ()
    window: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Check everything that needs no ontology."""
        object.__setattr__(self, 'instances', tuple(self.instances))
        for field in ('image_id', 'modality', 'source', 'patient_id'):
            if not isinstance(getattr(self, field), str) or not getattr(self, field).strip():
                self._fail(field, 'must be a non-empty string', getattr(self, field))
        for field in ('height', 'width'):
            value = getattr(self, field)
            if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
                self._fail(field, 'must be a positive integer', value)
            object.__setattr__(self, field, int(value))
        if self.split not in SPLITS:
            self._fail('split', f'must be one of {", ".join(SPLITS)}', self.split)
        if not math.isfinite(self.rescale_slope) or self.rescale_slope == 0:
            self._fail('rescale_slope', 'must be finite and not 0', self.rescale_slope)
        if not math.isfinite(self.rescale_intercept):
            self._fail('rescale_intercept', 'must be finite', self.rescale_intercept)
        if self.spacing_mm is not None:
            self._check_spacing()
        if self.window is not None:
            self._check_window()
        self._check_flags()
        for index, instance in enumerate(self.instances):
            self._check_instance(f'instances[{index}]', instance)

    def validate(self, ontology: 'Ontology', *, open_modality: bool = False) -> 'Record':
        """Check the modality and every label against an ontology.

        Args:
            ontology: Names that may occur.
            open_modality: Whether the modality may be ``'auto'``, to be found from the image.

        Returns:
            The record itself.

        Raises:
            ValueError: If the modality or a label is not an id of the ontology.
        """
        is_open = open_modality and self.modality == 'auto'
        if self.modality not in ontology.modalities and not is_open:
            known = ', '.join(ontology.modalities)
            self._fail('modality', f'must be one of {known}', self.modality)
        for index, instance in enumerate(self.instances):
            if instance.label is not None:
                try:
                    ontology.info(instance.label)
                except ValueError as error:
                    raise ValueError(
                        f'Record {self.image_id!r}: instances[{index}].label: {error}'
                    ) from None
        return self

    def _fail(self, field: str, expected: str, value: object) -> None:
        raise ValueError(f'Record {self.image_id!r}: {field} {expected}, got {value!r}.')

    def _check_spacing(self) -> None:
        spacing = _as_floats(self.spacing_mm)
        if len(spacing) != 2 or not all(math.isfinite(v) and v > 0 for v in spacing):
            self._fail(
                'spacing_mm', 'must be two positive numbers (rows, columns)', self.spacing_mm
            )
        object.__setattr__(self, 'spacing_mm', spacing)

    def _check_window(self) -> None:
        window = _as_floats(self.window)
        if len(window) != 2 or not all(math.isfinite(v) for v in window) or window[1] <= 0:
            expected = 'must be two finite numbers (centre, width) with width > 0'
            self._fail('window', expected, self.window)
        object.__setattr__(self, 'window', window)

    def _check_flags(self) -> None:
        flags = () if isinstance(self.flags, str) else tuple(self.flags or ())
        if isinstance(self.flags, str) or not all(isinstance(f, str) and f for f in flags):
            self._fail('flags', 'must be a tuple of non-empty strings', self.flags)
        object.__setattr__(self, 'flags', flags)

    def _check_instance(self, where: str, instance: Instance) -> None:
        if instance.label is None and not instance.phrase and not instance.tokens_positive:
            raise ValueError(
                f'Record {self.image_id!r}: {where} has neither a label, a phrase nor a caption '
                'span; give one of them.'
            )
        self._check_box(f'{where}.bbox', instance)
        self._check_spans(f'{where}.tokens_positive', instance)
        self._check_mask(f'{where}.mask', instance)

    def _check_box(self, where: str, instance: Instance) -> None:
        box = instance.bbox
        x1, y1, x2, y2 = box
        if not all(math.isfinite(value) for value in box):
            self._fail(where, 'must be finite', box)
        if x2 <= x1 or y2 <= y1:
            self._fail(where, 'must have x1 < x2 and y1 < y2', box)
        if x1 < 0 or y1 < 0 or x2 > self.width or y2 > self.height:
            size = f'{self.width} x {self.height} px (width x height)'
            self._fail(where, f'must lie inside the image of {size}', box)

    def _check_spans(self, where: str, instance: Instance) -> None:
        length = len(self.caption or '')
        for start, end in instance.tokens_positive:
            if not 0 <= start < end <= length:
                expected = f'must lie inside the caption of {length} characters'
                self._fail(where, expected, (start, end))

    def _check_mask(self, where: str, instance: Instance) -> None:
        mask = instance.mask
        if mask is None:
            return
        if not isinstance(mask, Mapping) or not isinstance(mask.get('counts'), str):
            self._fail(where, "must be a COCO compressed RLE {'size': ..., 'counts': str}", mask)
        if list(mask.get('size', ())) != [self.height, self.width]:
            expected = f"must have 'size' [{self.height}, {self.width}]"
            self._fail(where, expected, mask.get('size'))


def _as_floats(values: Any) -> tuple[float, ...]:
    try:
        return tuple(float(value) for value in values)
    except (TypeError, ValueError):
        return ()
