"""Where in an image the phrases of a prompt are seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mmdet_medglip.visualization import draw_heat_maps

from .question import Question
from .result import ImageSource

__all__ = ['HeatMaps']


@dataclass(frozen=True, eq=False)
class HeatMaps:
    """Alignment of an image with phrases.

    Args:
        source: Which image.
        question: What was asked.
        maps: (P, h, w) in [0, 1], one for each phrase, over the whole image.
        view: uint8 (H, W, 3) RGB, the image as the network's window shows it.
    """

    source: ImageSource
    question: Question
    maps: npt.NDArray[np.float32]
    view: npt.NDArray[np.uint8]

    def draw(self, *, side: int = 384, columns: int = 3) -> npt.NDArray[np.uint8]:
        """Draw them in a grid, see :func:`~mmdet_medglip.visualization.draw_heat_maps`."""
        return draw_heat_maps(
            self.view, self.maps, self.question.phrases, side=side, columns=columns
        )
