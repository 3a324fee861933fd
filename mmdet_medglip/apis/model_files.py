"""The files a model is made of, and the model in a worker process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmdet_medglip.engine.config import default_work_dir, load_config
from mmdet_medglip.engine.launch import find_checkpoint
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.packaging.packed_model import PackedModel, is_packed
from mmdet_medglip.packaging.shipped_model import DEMO, shipped_model

from .config_faults import config_faults

__all__ = ['ModelFiles', 'model_names', 'packed_ontology']


@dataclass(frozen=True)
class ModelFiles:
    """A config and its weights, or a packed model.

    Args:
        config: Config file, such as ``configs/medglip/ct.py``, or the folder of a packed model;
            ``demo`` is the one that comes with the package, unless there is a file of that name.
        weights: Checkpoint; None for the newest in the work folder of the config. A packed model
            has its own.
        work_dir: That folder; None for the config's own, else the default one.
        cfg_options: Overrides of the config, keys dotted.

    Raises:
        FileNotFoundError: The model of the package is asked for and is not there.
    """

    config: str
    weights: str | None = None
    work_dir: str | None = None
    cfg_options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.config == DEMO and not Path(DEMO).exists():
            object.__setattr__(self, 'config', str(shipped_model()))

    def read(self) -> tuple[Config, str]:
        """Read the config and find the weights.

        Returns:
            The config, and the file of the weights. The config of a packed model has the entry
            ``packed_folder``.

        Raises:
            FileNotFoundError: The config or the weights are missing; the message has the command
                that makes them.
            ValueError: An override does not fit, or a packed model is damaged or not allowed.
        """
        if is_packed(self.config):
            return self._read_packed()
        with config_faults(f'Config {self.config} cannot be read'):
            config = load_config(self.config, dict(self.cfg_options))
        folder = self.work_dir or config.get('work_dir') or default_work_dir(self.config)
        config.work_dir = str(Path(folder))
        return config, find_checkpoint(config, self.weights, self.config)

    def _read_packed(self) -> tuple[Config, str]:
        if self.weights is not None:
            raise ValueError(
                f'{self.config} is a packed model, which has its weights; leave {self.weights} out.'
            )
        packed = PackedModel.open(self.config)
        with config_faults(f'The config of {self.config} cannot be changed'):
            packed.config.merge_from_dict(dict(self.cfg_options))
        return packed.config, str(packed.weights)


def packed_ontology(config: Config) -> Ontology | None:
    """Return the ontology of a packed model; None if it is that of this package.

    Args:
        config: Of :meth:`ModelFiles.read`.
    """
    if config.get('packed_folder') is None:
        return None
    path = PackedModel.of_config(config).ontology
    return None if path is None else Ontology.from_yaml(path)


def model_names(path: str, config: Config, weights: str) -> tuple[str, str]:
    """Return short names of a model and of its weights, for files that say what made them.

    Args:
        path: Config file or folder of a packed model.
        config: Of :meth:`ModelFiles.read`.
        weights: Likewise.

    Returns:
        At most 64 characters each; of a packed model its name and the beginning of the SHA-256 of
        its weights.
    """
    if config.get('packed_folder') is None:
        return Path(path).stem[:64] or 'medglip', Path(weights).stem[:64]
    contents = PackedModel.of_config(config).contents
    return contents.name, contents.files['weights.safetensors'].sha256[:16]
