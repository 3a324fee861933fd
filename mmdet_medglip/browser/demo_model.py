"""A model of the demo, and its name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mmdet_medglip.apis import MedGLIPInferencer
from mmdet_medglip.apis.writers import WriteOptions

__all__ = ['DemoModel']


@dataclass(frozen=True)
class DemoModel:
    """A model that answers in the demo.

    Args:
        name: Shown above its answers, another one for each model.
        inferencer: The model.
        model: What files to keep call it, no path; by default the last part of its name.
        weights: What they call its weights; may be empty.
    """

    name: str
    inferencer: MedGLIPInferencer
    model: str = ''
    weights: str = ''

    @property
    def write_options(self) -> WriteOptions:
        """What files to keep say of the model."""
        model = self.model or re.split(r'[/\\]', self.name.rstrip('/\\'))[-1][:64].strip()
        return WriteOptions(model or 'medglip', self.weights, ontology=self.inferencer.ontology)

    @property
    def has_levels(self) -> bool:
        """Whether it can answer by a level of the hierarchy."""
        return hasattr(self.inferencer.model, 'set_hierarchy')

    @property
    def has_heat_maps(self) -> bool:
        """Whether it can show where words are seen."""
        return hasattr(self.inferencer.model, 'alignment_maps')
