"""Map physical values to the 0..255 range the network sees."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmdet_medglip.registry import TRANSFORMS

from .percentiles import percentiles_of

__all__ = ['DEFAULT_WINDOWS', 'WINDOW_PRESETS', 'IntensityWindow']

WINDOW_PRESETS: dict[str, tuple[float, float]] = {
    'soft_tissue': (400.0, 40.0),
    'lung': (1500.0, -160.0),
    'brain': (80.0, 40.0),
    'bone': (1800.0, 400.0),
}
"""CT windows by name: (width, level) in Hounsfield units."""

DEFAULT_WINDOWS: dict[str, str] = {
    'ct': 'soft_tissue',
    'mri': 'percentile',
    'xray': 'percentile',
    'ultrasound': 'percentile',
    'endoscopy': 'keep',
    'dermoscopy': 'keep',
    'fundus': 'keep',
    'unrouted': 'percentile',
}
"""The window of each modality where a config names none; ``'unrouted'`` is what
``RouteModality`` found none for."""

_SAMPLE_SIDE = 512

Window = str | Sequence[float]


@TRANSFORMS.register_module()
class IntensityWindow(BaseTransform):
    """Clip to a window and scale it to 0..255 in three channels.

    A window is one of

    - a name in ``WINDOW_PRESETS`` or a ``(width, level)`` pair, in the record's physical values:
      ``level - width / 2`` becomes 0 and ``level + width / 2`` becomes 255;
    - ``'percentile'``: the 0.5 and 99.5 percentiles of this image become 0 and 255, one range for
      all channels (images larger than 512 x 512 are sampled on a regular grid);
    - ``'keep'``: the stored values, 16-bit ones divided by 257.

    A record may name its own ``window``, ``(centre, width)`` in its physical values. It is used
    instead of its modality's default, but not where ``windows`` names the modality.

    A named preset is in Hounsfield units, so a record whose ``rescale_type`` is not ``'HU'`` (a CT
    slice that someone exported as an 8-bit picture) gets ``'percentile'`` instead. Training and
    test use the same transform; only ``jitter`` differs.

    Required keys: ``img``, ``modality``; optional: ``window``, ``rescale_type``, ``rescale_slope``,
    ``rescale_intercept``, ``img_bits``. Changed: ``img``, float32 ``(H, W, 3)`` in 0..255. Added:
    ``intensity_range``, the physical values ``(low, high)`` shown as 0 and 255.

    Args:
        windows: Modality to window; modalities that are not named keep ``DEFAULT_WINDOWS``.
        percentiles: Low and high percentile of ``'percentile'``, in 0..100.
        jitter: Training only, 0..1. The width is multiplied by a factor drawn from
            ``[1 - jitter, 1 + jitter]`` and the level moved by up to ``jitter / 2`` of the
            width. ``'keep'`` is not jittered.
        use_record_window: Whether a record's own window is used; if False, only ``windows`` are.

    Example:
        >>> window = IntensityWindow(windows=dict(ct='lung'))
        >>> image = np.array([[-910., -160., 590.]], np.float32)
        >>> out = window(dict(img=image, modality='ct', rescale_type='HU'))
        >>> out['img'][0, :, 0].tolist()
        [0.0, 127.5, 255.0]
    """

    def __init__(
        self,
        windows: Mapping[str, Window] | None = None,
        percentiles: Sequence[float] = (0.5, 99.5),
        jitter: float = 0.0,
        use_record_window: bool = True,
    ) -> None:
        low, high = percentiles
        if not 0 <= low < high <= 100:
            raise ValueError(
                f'percentiles must satisfy 0 <= low < high <= 100, got {tuple(percentiles)!r}.'
            )
        if not 0 <= jitter < 1:
            raise ValueError(f'jitter must be in [0, 1), got {jitter!r}.')
        self.windows = {**DEFAULT_WINDOWS, **(windows or {})}
        for modality, window in self.windows.items():
            _check_window(modality, window)
        self.percentiles = (float(low), float(high))
        self.jitter = jitter
        self.use_record_window = use_record_window
        self._explicit = frozenset(windows or {})

    def transform(self, results: dict) -> dict:
        """Window ``results['img']``.

        Args:
            results: The record after ``LoadMedImage``.

        Returns:
            The same dict with ``img`` in 0..255 and ``intensity_range``.

        Raises:
            ValueError: If the record's modality has no window.
        """
        image = results['img']
        low, high = self._range(image, results)
        if (low, high) != (0.0, 255.0) or (low, high) != _stored_range(results):
            scale = 255.0 / (high - low) if high > low else 0.0
            image = image - np.float32(low)
            image *= np.float32(scale)
            np.clip(image, 0.0, 255.0, out=image)
        if image.ndim == 2:
            image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
        results['img'] = np.ascontiguousarray(image, dtype=np.float32)
        results['intensity_range'] = (low, high)
        return results

    def _range(self, image: np.ndarray, results: dict) -> tuple[float, float]:
        """Choose the physical values that become 0 and 255."""
        modality = results['modality']
        if modality not in self.windows:
            raise ValueError(
                f'Record {results.get("img_id", "?")!r} has modality {modality!r} and '
                f'IntensityWindow has windows for {sorted(self.windows)}: add it to windows, or '
                'put RouteModality before IntensityWindow to find the modality.'
            )
        window = self.windows[modality]
        own = results.get('window')
        if own is not None and self.use_record_window and modality not in self._explicit:
            window = (own[1], own[0])
        if window == 'keep':
            return _stored_range(results)
        if window in WINDOW_PRESETS and results.get('rescale_type') != 'HU':
            window = 'percentile'
        if window == 'percentile':
            low, high = _percentile_range(image, self.percentiles)
            width, level = high - low, (low + high) / 2
        else:
            width, level = WINDOW_PRESETS[window] if isinstance(window, str) else window
        if self.jitter:
            level += width * np.random.uniform(-self.jitter, self.jitter) / 2
            width *= np.random.uniform(1 - self.jitter, 1 + self.jitter)
        return float(level - width / 2), float(level + width / 2)

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(windows={self.windows}, percentiles={self.percentiles}, '
            f'jitter={self.jitter}, use_record_window={self.use_record_window})'
        )


def _check_window(modality: str, window: Window) -> None:
    known = [*WINDOW_PRESETS, 'percentile', 'keep']
    if isinstance(window, str):
        if window not in known:
            raise ValueError(
                f'windows[{modality!r}] must be one of {known} or a (width, level) pair, '
                f'got {window!r}.'
            )
    elif len(window) != 2 or not window[0] > 0 or not np.isfinite(window).all():
        raise ValueError(
            f'windows[{modality!r}] must be a finite (width, level) pair with width > 0, '
            f'got {tuple(window)!r}.'
        )


def _stored_range(results: dict) -> tuple[float, float]:
    """Return the physical values of the smallest and the largest value the file can store."""
    slope = float(results.get('rescale_slope', 1.0))
    intercept = float(results.get('rescale_intercept', 0.0))
    largest = 2 ** results.get('img_bits', 8) - 1
    return intercept, slope * largest + intercept


def _percentile_range(image: np.ndarray, percentiles: tuple[float, float]) -> tuple[float, float]:
    step_y, step_x = (max(1, -(-side // _SAMPLE_SIDE)) for side in image.shape[:2])
    low, high = percentiles_of(image[::step_y, ::step_x], percentiles)
    return low, high
