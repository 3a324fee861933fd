"""The test pipeline of a config, for images that no data set lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import mmcv
import numpy as np
import numpy.typing as npt
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmdet_medglip.datasets.transforms import RouteModality
from mmdet_medglip.registry import TRANSFORMS

from .config_faults import config_faults

__all__ = ['InferencePipeline', 'test_steps']

_OF_TRUTH = ('LoadAnnotations', 'SamplePrompt', 'ClosedSetPrompt', 'ModalityThumbnail')
_VIEW_SIDE = 2048
"""Longer side in pixels of the picture that is kept; a larger image is shrunk to it."""


def test_steps(config: Config) -> list[dict[str, Any]]:
    """Return the steps of the test pipeline that do not need truth.

    Args:
        config: With ``test_dataloader``, or ``test_pipeline``.

    Raises:
        ValueError: There is no pipeline, or it does not read images as this package does.
    """
    found = _pipeline_in(config.get('test_dataloader')) or config.get('test_pipeline')
    if not found:
        raise ValueError(
            'The config has no test pipeline; give it test_dataloader or test_pipeline.'
        )
    if not isinstance(found, list | tuple) or not all(map(_is_step, found)):
        raise ValueError(
            'The test pipeline of the config must be a list of steps, each a dict with a type, '
            f'got {found!r:.80}; correct the config or what overrides it (--cfg-options).'
        )
    steps = [dict(step) for step in found if _kind(step) not in _OF_TRUTH]
    kinds = [_kind(step) for step in steps]
    missing = [name for name in ('LoadMedImage', 'IntensityWindow') if name not in kinds]
    if missing:
        raise ValueError(
            f'The test pipeline of the config has no {missing[0]} but {", ".join(kinds)}; '
            'medical images need both, see configs/_base_/datasets/med_grounding.py.'
        )
    return steps


class InferencePipeline:
    """Load, route, window, resize and pack one image.

    Args:
        steps: Of :func:`test_steps`.
        router: Decides the modality; takes the place of the config's own ``RouteModality``.
        windows: Window of modalities, instead of the config's and of what files say.

    Raises:
        ValueError: A step that is unknown or has wrong options.
    """

    def __init__(
        self,
        steps: Sequence[Mapping[str, Any]],
        router: RouteModality,
        windows: Mapping[str, Any] | None = None,
    ) -> None:
        before, after = [], []
        reached = False
        for step in steps:
            kind, options = _kind(step), dict(step)
            if kind == 'RouteModality':
                continue
            if kind == 'IntensityWindow':
                reached = True
                options['windows'] = {**(options.get('windows') or {}), **(windows or {})}
                before.append(options)
            else:
                (after if reached else before).append(options)
        first = [_transform(step) for step in before]
        self._after = [_transform(step) for step in after]
        at = [_kind(step) for step in before].index('LoadMedImage') + 1
        self._before = [*first[:at], router, *first[at:]]

    def __call__(
        self, fields: Mapping[str, Any], *, view: bool = False
    ) -> tuple[dict[str, Any], npt.NDArray[np.uint8] | None]:
        """Prepare one image.

        Args:
            fields: ``img_path`` or ``pixels``, what they mean, and ``modality``.
            view: Whether to keep a picture.

        Returns:
            ``inputs`` and ``data_samples``; and uint8 (h, w, 3) RGB, the windowed image, if wanted.

        Raises:
            FileNotFoundError: If the file does not exist.
            ValueError: If it cannot be read, its modality is unknown, or it is too thin to be
                shrunk to the network's size.
        """
        results: Any = dict(fields)
        for transform in self._before:
            results = transform(results)
        picture = _picture(results['img']) if view else None
        for transform in self._after:
            _check_side(transform, results['img'])
            results = transform(results)
        return results, picture


def _check_side(transform: Any, image: npt.NDArray[np.float32]) -> None:
    """Refuse an image of which a resize that keeps the ratio would leave no row or column."""
    scale = getattr(transform, 'scale', None)
    if not getattr(transform, 'keep_ratio', False) or not isinstance(scale, tuple):
        return
    height, width = image.shape[:2]
    if min(mmcv.rescale_size((width, height), scale)) < 1:
        raise ValueError(
            f"{width} x {height} px is too thin for the network's {max(scale)} px; crop it."
        )


def _transform(step: Mapping[str, Any]) -> Any:
    with (
        config_faults(f'Step {_kind(step)} of the test pipeline cannot be built'),
        DefaultScope.overwrite_default_scope('mmdet_medglip'),
    ):
        return TRANSFORMS.build(step)


def _is_step(step: Any) -> bool:
    return isinstance(step, Mapping) and bool(step.get('type'))


def _kind(step: Mapping[str, Any]) -> str:
    kind = step['type']
    name = kind if isinstance(kind, str) else kind.__name__
    return name.rpartition('.')[2]


def _pipeline_in(node: Any) -> Any:
    """The first pipeline in a data loader, whatever wraps its data set."""
    if isinstance(node, Mapping):
        if node.get('pipeline'):
            return node['pipeline']
        node = [node[key] for key in ('dataset', 'datasets') if key in node]
    if isinstance(node, list | tuple):
        return next(filter(None, map(_pipeline_in, node)), None)
    return None


def _picture(image: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    scale = _VIEW_SIDE / max(image.shape[:2])
    if scale < 1:
        size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(np.rint(image).clip(0, 255).astype(np.uint8)[..., ::-1])
