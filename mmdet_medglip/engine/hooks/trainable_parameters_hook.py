"""Say before training what is trained."""

from collections.abc import Iterable

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from mmdet_medglip.registry import HOOKS
from mmdet_medglip.visualization.table import render_table

__all__ = ['TrainableParametersHook', 'count_parameters']


@HOOKS.register_module()
class TrainableParametersHook(Hook):
    """Log a table of total and trainable parameters per top-level module and per expert."""

    def before_train(self, runner: Runner) -> None:
        """Log the table once, after the weights were loaded and frozen."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        rows = [
            (name, total, trained, _percent(trained, total))
            for name, total, trained in count_parameters(model)
        ]
        columns = ('module', 'parameters', 'trainable', 'share')
        print_log(render_table('Parameters', columns, rows), logger='current')


def count_parameters(model: nn.Module) -> list[tuple[str, int, int]]:
    """Parameters per child of a model, per expert of children with ``experts``, and in total.

    Args:
        model: Any module. A child with an attribute ``experts`` (name -> module, as the modality
            router has) gets one line per expert, indented.

    Returns:
        (name, parameters, trainable parameters) per line, 'total' last. A parameter shared by
        two modules counts in both lines and once in their sum.

    Example:
        >>> model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1).requires_grad_(False))
        >>> count_parameters(model)
        [('0', 9, 9), ('1', 4, 0), ('total', 13, 9)]
    """
    lines = []
    for name, child in model.named_children():
        lines.append((name, *_count(child.parameters())))
        experts = getattr(child, 'experts', None)
        if isinstance(experts, nn.ModuleDict):
            lines += [(f'  {key}', *_count(expert.parameters())) for key, expert in experts.items()]
    direct = list(model.parameters(recurse=False))
    if direct:
        lines.append(('(own)', *_count(direct)))
    return [*lines, ('total', *_count(model.parameters()))]


def _count(parameters: Iterable[nn.Parameter]) -> tuple[int, int]:
    parameters = list(parameters)
    total = sum(item.numel() for item in parameters)
    return total, sum(item.numel() for item in parameters if item.requires_grad)


def _percent(part: int, whole: int) -> str:
    return f'{100 * part / whole:.1f} %' if whole else '-'
