"""The files a model is made of, and the model in a worker process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmdet_medglip.engine.config import default_work_dir, load_config
from mmdet_medglip.engine.launch import find_checkpoint

__all__ = ['ModelFiles']


@dataclass(frozen=True)
class ModelFiles:
    """A config and its weights.

    Args:
        config: Config file, such as ``configs/medglip/ct.py``.
        weights: Checkpoint; None for the newest in the work folder of the config.
        work_dir: That folder; None for the config's own, else the default one.
        cfg_options: Overrides of the config, keys dotted.
    """

    config: str
    weights: str | None = None
    work_dir: str | None = None
    cfg_options: Mapping[str, Any] = field(default_factory=dict)

    def read(self) -> tuple[Config, str]:
        """Read the config and find the weights.

        Raises:
            FileNotFoundError: The config or the weights are missing; the message has the command
                that makes them.
            ValueError: An override does not fit.
        """
        config = load_config(self.config, dict(self.cfg_options))
        folder = self.work_dir or config.get('work_dir') or default_work_dir(self.config)
        config.work_dir = str(Path(folder))
        return config, find_checkpoint(config, self.weights, self.config)
