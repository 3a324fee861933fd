"""Run an exported detector with ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .detections import Detections
from .file_info import FileInfo

__all__ = ['OnnxDetector']


class OnnxDetector:
    """Detect the phrases of an exported file in images; neither PyTorch nor mm* is imported.

    Images of one call are one batch: smaller ones are padded below and to the right, which the
    graph tells from the images by their sizes, as ``MedGLIP.predict`` does. As there, the padding
    is seen by the network, so that an image beside a larger one may score a little differently
    than alone.

    Args:
        path: File that ``export_onnx`` or tools/export_onnx.py wrote.
        num_threads: Threads of one call; None leaves it to ONNX Runtime.
        providers: Where to run, the first that is there; names as in ONNX Runtime.

    Raises:
        ImportError: ONNX Runtime is not installed; the message has the command.
        FileNotFoundError: There is no such file.
        ValueError: It is no ONNX file, or none of ours.
    """

    def __init__(
        self,
        path: str | Path,
        num_threads: int | None = None,
        providers: Sequence[str] = ('CPUExecutionProvider',),
    ) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise ImportError(
                'OnnxDetector needs ONNX Runtime; install it with `pip install onnxruntime`.'
            ) from error
        if not Path(path).is_file():
            raise FileNotFoundError(
                f'There is no exported file {path}; write it with tools/export_onnx.py.'
            )
        options = onnxruntime.SessionOptions()
        if num_threads is not None:
            options.intra_op_num_threads = num_threads
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, list(providers))
            properties = self._session.get_modelmeta().custom_metadata_map
            self.info = FileInfo.from_properties(properties)
        except Exception as error:  # ONNX Runtime's own errors have no common type.
            raise ValueError(f'{path} is not an exported detector: {error}') from error

    @property
    def phrases(self) -> tuple[str, ...]:
        """What each label means."""
        return self.info.phrases

    def __call__(self, images: Sequence[npt.NDArray[Any]]) -> list[Detections]:
        """Detect.

        Args:
            images: Each (H, W, 3), uint8 or another real type, 0 to 255, channels in the order of
                the training pipeline (BGR; a grey image three times). Sizes may differ; an array
                (B, H, W, 3) will do; may be none.

        Returns:
            What was found in each image.

        Raises:
            ValueError: An image of another shape or type.
        """
        if not len(images):
            return []
        batch, sizes = _stack(images)
        boxes, scores, labels = self._session.run(
            ['boxes', 'scores', 'labels'], {'images': batch, 'sizes': sizes}
        )
        return [self._detections(*rows) for rows in zip(boxes, scores, labels, strict=True)]

    def _detections(
        self,
        boxes: npt.NDArray[np.float32],
        scores: npt.NDArray[np.float32],
        labels: npt.NDArray[np.int64],
    ) -> Detections:
        found = labels >= 0
        phrases = tuple(self.phrases[label] for label in labels[found])
        return Detections(boxes[found], scores[found], labels[found], phrases)


def _stack(
    images: Sequence[npt.NDArray[Any]],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Images (B, 3, H, W) padded with zeros, and their heights and widths (B, 2)."""
    for index, image in enumerate(images):
        shape, kind = np.shape(image), np.asarray(image).dtype
        if len(shape) != 3 or shape[2] != 3 or 0 in shape or kind.kind not in 'uif':
            raise ValueError(
                f'images[{index}] has shape {shape} and type {kind}; expected (H, W, 3) of '
                'numbers from 0 to 255 (repeat a grey image three times).'
            )
    sizes = np.array([np.shape(image)[:2] for image in images], np.int64)
    height, width = sizes.max(axis=0)
    batch = np.zeros((len(images), 3, height, width), np.float32)
    for row, image in zip(batch, images, strict=True):
        row[:, : image.shape[0], : image.shape[1]] = image.transpose(2, 0, 1)
    return batch, sizes
