"""How images are read and how the model answers, as two small records."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from mmengine.config import ConfigDict
from torch import nn

from mmdet_medglip.datasets.transforms import DEFAULT_WINDOWS, WINDOW_PRESETS
from mmdet_medglip.ingest.volumes import PLANES
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.routing import AUTO

__all__ = ['SCORE_THR', 'AnswerOptions', 'ReadOptions', 'Window', 'check_whole', 'use_options']

SCORE_THR = 0.3
"""Least score of a box where neither the caller nor the model names one."""

Window = str | Sequence[float] | Mapping[str, str | Sequence[float]]


@dataclass(frozen=True)
class ReadOptions:
    """How images are read.

    Args:
        modality: Any name of a modality, for all inputs; ``'auto'`` takes that of the DICOM header,
            else what the classifier says.
        window: ``'soft_tissue'``, ``'lung'``, ``'brain'`` or ``'bone'``, of CT; ``'percentile'``,
            ``'keep'`` or ``(width, level)`` in physical values, of all modalities; or a mapping
            from modality to one of these. None is as in training.
        plane: Plane that volume files are cut in; DICOM slices stay as they are.
        slice_step: Every so many slices of volumes.
        view: Whether results have a picture of what was seen.

    Raises:
        ValueError: A value that is unknown, of another type or out of range.
    """

    modality: str = AUTO
    window: Window | None = None
    plane: str = 'axial'
    slice_step: int = 1
    view: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.modality, str):
            raise ValueError(f'modality must be a name, got {self.modality!r}.')
        if self.modality != AUTO:
            known = Ontology.default().parse_modality(self.modality)
            object.__setattr__(self, 'modality', known)
        if self.plane not in PLANES:
            raise ValueError(f'plane must be one of {", ".join(PLANES)}, got {self.plane!r}.')
        check_whole('slice_step', self.slice_step, 1)
        _check_window(self.window)

    @property
    def windows(self) -> dict[str, Any] | None:
        """The window of each modality that is named; None if none is."""
        if self.window is None:
            return None
        if isinstance(self.window, Mapping):
            ontology = Ontology.default()
            return {ontology.parse_modality(k): v for k, v in self.window.items()}
        if isinstance(self.window, str) and self.window in WINDOW_PRESETS:
            return {'ct': self.window}
        return dict.fromkeys(DEFAULT_WINDOWS, self.window)


@dataclass(frozen=True)
class AnswerOptions:
    """Which of the boxes are answered.

    Args:
        score_thr: Least score of a box, 0..1; None for that of a packed model, else 0.3.
        nms_iou: Boxes of one phrase that overlap more are one, (0, 1]; None as in the config.
        max_boxes: Most boxes of an image; None as in the config.
        level: Answer by ``'label'``, ``'class'`` or ``'region'``; None by the phrases.
        hierarchy: All options of ``test_cfg.hierarchy``, with ``level`` put in; None as in the
            config.
        presence: Options of ``test_cfg.presence``; None as in the config.

    Raises:
        ValueError: A number out of range, or a value of another type.
    """

    score_thr: float | None = None
    nms_iou: float | None = None
    max_boxes: int | None = None
    level: Literal['label', 'class', 'region'] | None = None
    hierarchy: Mapping[str, Any] | None = None
    presence: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.score_thr is not None and not 0 <= _number(self.score_thr) <= 1:
            raise ValueError(f'score_thr must be in [0, 1], got {self.score_thr!r}.')
        if self.nms_iou is not None and not 0 < _number(self.nms_iou) <= 1:
            raise ValueError(f'nms_iou must be in (0, 1], got {self.nms_iou!r}.')
        if self.max_boxes is not None:
            check_whole('max_boxes', self.max_boxes, 1)
        for name in ('hierarchy', 'presence'):
            options = getattr(self, name)
            if options is not None and not isinstance(options, Mapping):
                raise ValueError(f'{name} must be a dict of options, got {options!r}.')


def check_whole(name: str, value: Any, least: int) -> None:
    """Check a count.

    Args:
        name: Of the option.
        value: What was given.
        least: Smallest number that is allowed.

    Raises:
        ValueError: It is no whole number, or too small.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f'{name} must be at least {least}, a whole number, got {value!r}.')


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _number(value: Any) -> float:
    """Return a number as it is; what is none lies in no range."""
    return value if _is_number(value) else math.nan


def _check_window(window: Any) -> None:
    """Check the types; names and ranges are checked by ``IntensityWindow``."""
    named = window if isinstance(window, Mapping) else {AUTO: window}
    if window is not None and not all(
        isinstance(modality, str) and _is_window(one) for modality, one in named.items()
    ):
        raise ValueError(
            'window must be a name, (width, level) in two numbers, or a dict from modality to one '
            f'of these, got {window!r}.'
        )


def _is_window(value: Any) -> bool:
    if isinstance(value, str):
        return True
    return isinstance(value, Sequence | np.ndarray) and all(map(_is_number, value))


def use_options(model: nn.Module, trained: Mapping[str, Any], options: AnswerOptions) -> None:
    """Make a model answer as the options say, until other ones are used.

    Args:
        model: The detector.
        trained: Its ``test_cfg`` as the config has it; perhaps with ``ontology``, the label file
            of a packed model.
        options: What to change.

    Raises:
        ValueError: The model has no such option, or it does not fit.
    """
    changed = ConfigDict(copy.deepcopy(dict(trained)))
    least = SCORE_THR if options.score_thr is None else options.score_thr
    changed.score_thr = min(changed.get('score_thr', 0.0), least)
    if options.nms_iou is not None:
        changed.nms = ConfigDict(changed.get('nms') or dict(type='nms'))
        changed.nms.iou_threshold = options.nms_iou
    if options.max_boxes is not None:
        changed.max_per_img = options.max_boxes
    for owner in (model, getattr(model, 'bbox_head', None)):
        if owner is not None and hasattr(owner, 'test_cfg'):
            owner.test_cfg = changed
    hierarchy = dict(options.hierarchy or trained.get('hierarchy') or {})
    if options.level is not None:
        hierarchy['level'] = options.level
    if hierarchy and trained.get('ontology') is not None:
        hierarchy.setdefault('ontology', trained['ontology'])
    _call(model, 'set_hierarchy', hierarchy or None)
    _call(model, 'set_presence', options.presence or trained.get('presence'))


def _call(model: nn.Module, name: str, options: Mapping[str, Any] | None) -> None:
    method = getattr(model, name, None)
    if method is not None:
        method(None if options is None else dict(options))
    elif options:
        raise ValueError(
            f'A {type(model).__name__} has no {name.removeprefix("set_")}; leave its options out.'
        )
