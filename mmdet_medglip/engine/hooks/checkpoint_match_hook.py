"""Refuse a checkpoint of another architecture before its weights are loaded."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import BaseLoop, Runner
from torch import Tensor, nn
from torch.nn.parameter import UninitializedTensorMixin

from mmdet_medglip.registry import HOOKS

__all__ = ['CheckpointMatchHook', 'check_state_dict']

_REQUIREMENTS = ('all', 'modules', 'any')


@HOOKS.register_module()
class CheckpointMatchHook(Hook):
    """Compare the weights of a checkpoint with the model, see :func:`check_state_dict`.

    MMEngine loads what fits and warns about the rest, so a checkpoint of another model trains or
    tests with random weights. Here testing and resuming need every weight of the model; starting
    a training from a checkpoint (``load_from``) needs some weights for each top-level module.

    Args:
        require: 'auto' for the rule above, or 'all', 'modules', 'any' for every occasion.

    Raises:
        ValueError: If ``require`` is another word.
    """

    priority = 'VERY_LOW'  # after hooks that rewrite the weights, such as EMA

    def __init__(self, require: str = 'auto') -> None:
        if require not in ('auto', *_REQUIREMENTS):
            raise ValueError(
                f"Expected `require` 'auto' or one of {_REQUIREMENTS}, got {require!r}."
            )
        self.require = require

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Check the weights that are about to be loaded into the model."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        require = self.require
        if require == 'auto':
            # The runner builds its train loop from the config before it loads, in train() alone.
            fine_tuning = isinstance(runner._train_loop, BaseLoop) and not runner._resume
            require = 'modules' if fine_tuning else 'all'
        name = str(runner._load_from or f'The latest checkpoint in {runner.work_dir}')
        check_state_dict(model, checkpoint.get('state_dict', checkpoint), name, require)


def check_state_dict(
    model: nn.Module, state_dict: Mapping[str, Any], name: str, require: str = 'all'
) -> None:
    """Check that weights are for this model; weights that the model lacks are only reported.

    Args:
        model: The model to fill.
        state_dict: Weights; a 'module.' prefix of the keys is not looked at.
        name: File name for messages.
        require: What the weights must give: 'all' every weight of the model, 'modules' at least
            one for each of its children that has weights, 'any' at least one.

    Raises:
        ValueError: If no weight fits, a weight has another shape, a required one is missing, or
            updates of LoRA find no place. The message has the numbers and some keys.
    """
    expected = {key: value for key, value in model.state_dict().items() if _is_tensor(value)}
    given = {key.removeprefix('module.'): value for key, value in state_dict.items()}
    common = [key for key in expected if key in given]
    _check_found(expected, given, common, name)
    _check_shapes(expected, given, common, name)
    missing = [key for key in expected if key not in given]
    if require == 'all' and missing:
        raise ValueError(
            f'{name} is not complete for this model: {len(missing)} of {len(expected)} weights '
            f'are missing ({_some(missing)}); test with the config that it was trained with.'
        )
    if require == 'modules':
        _check_modules(expected, common, name)
    extra = [key for key in given if key not in expected and not _is_taken(model, key)]
    _check_updates(extra, name)
    if missing or extra:
        print_log(
            f'{name}: {len(common)} of {len(expected)} weights found; new: {_some(missing)}; '
            f'not used: {_some(extra)}.',
            logger='current',
        )


def _check_found(expected: dict, given: dict, common: Sequence[str], name: str) -> None:
    if not common:
        raise ValueError(
            f'{name} is a checkpoint of another architecture: none of its {len(given)} keys '
            f'({_some(list(given))}) is one of the {len(expected)} weights of the model '
            f'({_some(list(expected))}).'
        )


def _check_shapes(expected: dict, given: dict, common: Sequence[str], name: str) -> None:
    unequal = [key for key in common if _shape(given[key]) != _shape(expected[key])]
    if unequal:
        pairs = [
            f'{key} {_shape(given[key])} instead of {_shape(expected[key])}' for key in unequal
        ]
        raise ValueError(
            f'{name} is a checkpoint of another architecture: {len(unequal)} of {len(common)} '
            f'common weights have another shape ({_some(pairs)}).'
        )


def _check_modules(expected: dict, common: Sequence[str], name: str) -> None:
    found = {key.split('.')[0] for key in common}
    absent = list(dict.fromkeys(key.split('.')[0] for key in expected))
    absent = [module for module in absent if module not in found]
    if absent:
        raise ValueError(
            f'{name} is a checkpoint of another architecture: it has no weight for '
            f'{", ".join(absent)}; {len(common)} of {len(expected)} weights of the model were '
            'found. Convert it first with tools/model_converters, or set require="any" in '
            'CheckpointMatchHook.'
        )


def _check_updates(extra: Sequence[str], name: str) -> None:
    updates = [key for key in extra if '.lora_' in key]
    if updates:
        raise ValueError(
            f'{name} was adapted by LoRA ({_some(updates)}) and this model was not: use the config '
            'it was trained with, or merge it first with '
            'tools/model_converters/merge_adaptation.py.'
        )


def _is_taken(model: nn.Module, key: str) -> bool:
    """Whether a module takes an entry over that it does not have yet."""
    path, _, last = key.rpartition('.')
    try:
        accepts = getattr(model.get_submodule(path), 'accepts', None)
    except AttributeError:
        return False
    return accepts is not None and accepts(last)


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor) and not isinstance(value, UninitializedTensorMixin)


def _shape(value: Any) -> list[int] | None:
    return list(value.shape) if hasattr(value, 'shape') else None


def _some(names: Sequence[str], limit: int = 3) -> str:
    if not names:
        return 'none'
    return ', '.join(names[:limit]) + (f' and {len(names) - limit} more' * (len(names) > limit))
