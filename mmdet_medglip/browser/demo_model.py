"""A model of the demo, and its name."""

from __future__ import annotations

from dataclasses import dataclass

from mmdet_medglip.apis import MedGLIPInferencer

__all__ = ['DemoModel']


@dataclass(frozen=True)
class DemoModel:
    """A model that answers in the demo.

    Args:
        name: Shown above its answers, another one for each model.
        inferencer: The model.
    """

    name: str
    inferencer: MedGLIPInferencer

    @property
    def has_levels(self) -> bool:
        """Whether it can answer by a level of the hierarchy."""
        return hasattr(self.inferencer.model, 'set_hierarchy')

    @property
    def has_heat_maps(self) -> bool:
        """Whether it can show where words are seen."""
        return hasattr(self.inferencer.model, 'alignment_maps')
