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

    Images of one size are one batch, those of each size another: padding would be seen by the
    network, so that an image beside a larger one would be answered otherwise than alone.

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
        found: dict[int, Detections] = {}
        for rows, batch in _batches(images):
            sizes = np.array([batch.shape[2:]] * len(rows), np.int64)
            boxes, scores, labels = self._session.run(
                ['boxes', 'scores', 'labels'], {'images': batch, 'sizes': sizes}
            )
            for row, *of_one in zip(rows, boxes, scores, labels, strict=True):
                found[row] = self._detections(*of_one)
        return [found[row] for row in range(len(images))]

    def _detections(
        self,
        boxes: npt.NDArray[np.float32],
        scores: npt.NDArray[np.float32],
        labels: npt.NDArray[np.int64],
    ) -> Detections:
        found = labels >= 0
        phrases = tuple(self.phrases[label] for label in labels[found])
        return Detections(boxes[found], scores[found], labels[found], phrases)


def _batches(
    images: Sequence[npt.NDArray[Any]],
) -> list[tuple[list[int], npt.NDArray[np.float32]]]:
    """Rows of the images of each size, and these images (B, 3, H, W)."""
    rows_of: dict[tuple[int, int], list[int]] = {}
    for index, image in enumerate(images):
        shape, kind = np.shape(image), np.asarray(image).dtype
        if len(shape) != 3 or shape[2] != 3 or 0 in shape or kind.kind not in 'uif':
            raise ValueError(
                f'images[{index}] has shape {shape} and type {kind}; expected (H, W, 3) of '
                'numbers from 0 to 255 (repeat a grey image three times).'
            )
        rows_of.setdefault((shape[0], shape[1]), []).append(index)
    return [
        (rows, np.stack([np.asarray(images[row], np.float32).transpose(2, 0, 1) for row in rows]))
        for rows in rows_of.values()
    ]
