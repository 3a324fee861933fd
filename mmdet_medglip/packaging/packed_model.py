"""A packed model, checked before anything of it is built."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import Tensor, nn

from mmdet_medglip.engine.hooks.checkpoint_match_hook import check_state_dict
from mmdet_medglip.engine.weights_file import weight_shapes
from mmdet_medglip.ontology import DEFAULT_LABELS
from mmdet_medglip.registry import MODELS

from .config_check import check_config
from .contents import LANGUAGE_FOLDER, LIST_NAME, Contents
from .language_files import check_language_files
from .plain_values import value_of

__all__ = ['LANGUAGE_PREFIX', 'PackedModel', 'is_packed']

LANGUAGE_PREFIX = 'language_model.model.'
"""How the names of the language model's own weights begin."""


def is_packed(path: str | Path) -> bool:
    """Whether a path is a packed model rather than a config file."""
    return Path(path).is_dir()


@dataclass(frozen=True, eq=False)
class PackedModel:
    """A packed model whose files are those of its list, and whose config only makes a detector.

    Attributes:
        folder: Where it is.
        contents: What it holds.
        config: With ``model``, ``test_pipeline``, and ``packed_folder``, where it came from.
    """

    folder: Path
    contents: Contents
    config: Config = field(repr=False)

    @classmethod
    def open(cls, folder: str | Path) -> PackedModel:
        """Read and check a folder.

        Every file is compared with the list; types, texts and numbers of the config are checked,
        and the shapes of the weights against the model, before memory is taken for it. Nothing
        that the folder holds is run. The list is no signature: a stranger may write a whole model
        of other weights.

        Args:
            folder: Of ``medglip pack``.

        Raises:
            FileNotFoundError: The folder has no list, or lacks a file.
            ValueError: A file was changed, is of a newer format, or says what it must not.
        """
        folder = Path(folder).expanduser()
        contents = Contents.read(folder)
        contents.check(folder)
        plain = _read_json(folder / 'config.json')
        if set(plain) != {'model', 'test_pipeline'}:
            raise ValueError(
                f'{folder / "config.json"} must have model and test_pipeline, got '
                f'{", ".join(sorted(plain)[:5])}.'
            )
        where = str(folder / 'config.json')
        if not isinstance(plain['model'], dict) or not isinstance(plain['test_pipeline'], list):
            raise ValueError(f'{where} must have an object as model and a list as test_pipeline.')
        for kind, name in (('model', 'model'), ('transform', 'test_pipeline')):
            try:
                check_config(plain[name], kind, name)  # type: ignore[arg-type] # a literal
            except ValueError as error:
                raise ValueError(f'{where}: {error}') from None
        config = Config(
            dict(
                model=value_of(plain['model']),
                test_pipeline=value_of(plain['test_pipeline']),
                default_scope='mmdet_medglip',
                packed_folder=str(folder),
            )
        )
        packed = cls(folder, contents, config)
        packed._complete()
        packed._check_shapes()
        return packed

    @classmethod
    def of_config(cls, config: Config) -> PackedModel:
        """Return the packed model that a config came from, which was checked then.

        Args:
            config: Of :meth:`open`.

        Raises:
            FileNotFoundError: The folder has gone.
            ValueError: Its list was changed.
        """
        folder = Path(config.packed_folder)
        return cls(folder, Contents.read(folder), config)

    @property
    def weights(self) -> Path:
        """File of the weights."""
        return self.folder / 'weights.safetensors'

    @property
    def prompts(self) -> Path | None:
        """File of encoded prompts; None without."""
        return self._part('prompts.safetensors')

    @property
    def ontology(self) -> Path | None:
        """Its label file; None if that is the one of this package."""
        path = self.folder / 'ontology.yaml'
        return None if path.read_bytes() == DEFAULT_LABELS.read_bytes() else path

    def all_weights(self, model: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Add the weights of a bundled language model, which are not packed.

        Args:
            model: Built of the config, with its language model loaded.
            weights: Of :attr:`weights`.

        Raises:
            ValueError: The package of the language model has other weights.
        """
        if self.contents.language_model != 'bundled':
            return dict(weights)
        if model.language_model.digest() != self.contents.language_digest:
            raise ValueError(
                f'{self.folder} was trained with other weights of the bundled language model than '
                'are installed; pack it with --include-language-model.'
            )
        own = model.state_dict()
        return {k: v for k, v in own.items() if k.startswith(LANGUAGE_PREFIX)} | dict(weights)

    def _part(self, name: str) -> Path | None:
        return self.folder / name if name in self.contents.files else None

    def _complete(self) -> None:
        """Put in what the folder alone knows: the places of its files."""
        model = self.config.model
        kind = self.contents.language_model
        if (kind != 'none') != ('language_model' in model):
            raise ValueError(
                f'{self.folder / LIST_NAME} says that there is {kind} language model, '
                'its config.json does not.'
            )
        if kind == 'packed':
            folder = self.folder / LANGUAGE_FOLDER
            check_language_files(folder)
            model.language_model.merge(dict(name=str(folder), pretrained=False))
        elif kind == 'bundled':
            model.language_model.merge(dict(name='bundled', pretrained=True))
        test_cfg = model.setdefault('test_cfg', {})
        presence = self._part('presence.json')
        if presence is not None:
            test_cfg.presence = {**(test_cfg.get('presence') or {}), 'calibration': str(presence)}
        ontology = self.ontology
        if ontology is not None and test_cfg.get('hierarchy'):
            test_cfg.hierarchy.ontology = str(ontology)

    def _check_shapes(self) -> None:
        """Compare names and shapes of the weights with the model, without memory for either."""
        model = self.config.model.copy()
        if 'language_model' in model:
            model.language_model = {**model.language_model, 'pretrained': False}
        with DefaultScope.overwrite_default_scope('mmdet_medglip'), torch.device('meta'):
            built = MODELS.build(model)
        shapes = weight_shapes(self.weights)
        if self.contents.language_model == 'bundled':
            own = built.state_dict()
            shapes = {k: v for k, v in own.items() if k.startswith(LANGUAGE_PREFIX)} | shapes
        check_state_dict(built, shapes, str(self.weights))


def _read_json(path: Path) -> dict[str, Any]:
    def constant(text: str) -> Any:
        raise ValueError(f'{text} is no number')

    try:
        plain = json.loads(path.read_bytes(), parse_constant=constant)
    except (ValueError, RecursionError) as error:
        raise ValueError(f'{path} is damaged ({error}); get the model again.') from error
    if not isinstance(plain, dict):
        raise ValueError(f'{path} is damaged (no entries); get the model again.')
    return plain
