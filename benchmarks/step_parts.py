"""Where a step spends its time: parts of a detector, watched from outside.

Parts are found by attribute and type and their methods wrapped, so the model's code knows nothing
of it. Time counts for the innermost part that is running.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers.models.bert.modeling_bert import BertLayer

from mmdet_medglip.models.language_models import TextFeatures
from mmdet_medglip.models.layers import BiAttention, DynamicPyramidConv

__all__ = ['Gradients', 'Recorder', 'watch_model']


class Recorder:
    """Add up what nested parts spend, each without the parts inside it.

    Args:
        clock: A number that grows with what is spent, such as seconds or operations.

    Example:
        >>> ticks = iter(range(0, 100, 10))
        >>> recorder = Recorder(lambda: next(ticks))
        >>> with recorder.part('outer'):
        ...     with recorder.part('inner'):
        ...         pass
        >>> recorder.spent
        Counter({'outer': 20, 'inner': 10})
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.spent: Counter[str] = Counter()
        self._running: list[str] = []
        self._since = 0.0

    def _charge(self) -> None:
        now = self.clock()
        if self._running:
            self.spent[self._running[-1]] += now - self._since
        self._since = now

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Charge what is spent inside to ``name``."""
        self._charge()
        self._running.append(name)
        try:
            yield
        finally:
            self._charge()
            self._running.pop()


class Gradients:
    """Cut the graph between parts, so that the backward pass can be timed part by part.

    A value that passes :meth:`cut` goes on as leaves of its own; :meth:`run` hands their
    gradients to what came before the cut. The gradients are those of the uncut graph.
    """

    def __init__(self) -> None:
        self._cuts: list[tuple[str, list[tuple[Tensor, Tensor]]]] = []

    def cut(self, name: str, value: Any) -> Any:
        """Replace the tensors of a value (nested lists, tuples, text features) by leaves.

        Args:
            name: The part that made the value.
            value: What it made.
        """
        pairs: list[tuple[Tensor, Tensor]] = []
        cut = _leaves(value, pairs)
        if pairs:
            self._cuts.append((name, pairs))
        return cut

    def run(self, total: Tensor, recorder: Recorder) -> None:
        """Go back from the loss, and forget the cuts."""
        with recorder.part('backward: losses'):
            total.backward()
        for name, pairs in reversed(self._cuts):
            reached = [(made, leaf.grad) for made, leaf in pairs if leaf.grad is not None]
            if reached:
                with recorder.part(f'backward: {name}'):
                    torch.autograd.backward(*zip(*reached, strict=True))
        self._cuts.clear()


def _leaves(value: Any, pairs: list[tuple[Tensor, Tensor]]) -> Any:
    if isinstance(value, TextFeatures):
        return value.with_hidden(_leaves(value.hidden, pairs))
    if isinstance(value, (list, tuple)):
        return type(value)(_leaves(item, pairs) for item in value)
    if not (isinstance(value, Tensor) and value.requires_grad):
        return value
    leaf = value.detach().requires_grad_()
    pairs.append((value, leaf))
    return leaf


def watch_model(model: nn.Module, recorder: Recorder, gradients: Gradients) -> None:
    """Charge the parts of a MedGLIP to the recorder and cut its graph between them.

    Raises:
        AttributeError: The model has no such part; its list here must follow the model.
    """
    neck, head = model.neck, model.bbox_head
    _watch(model.data_preprocessor, 'forward', 'preprocessing', recorder)
    _watch(model.language_model, 'forward', 'language model', recorder, gradients)
    _watch(model.backbone, 'forward', 'backbone', recorder, gradients)
    for method in ('forward', 'pyramid', 'fuse'):
        _watch(neck, method, 'neck: rest', recorder)
    _watch(neck.fpn, 'forward', 'neck: FPN', recorder)
    kinds = {
        BiAttention: 'neck: fusion',
        BertLayer: 'neck: text layer',
        DynamicPyramidConv: 'neck: dynamic convolution',
    }
    for module in neck.modules():
        if type(module) in kinds:
            _watch(module, 'forward', kinds[type(module)], recorder)
    _watch(head, 'forward', 'head', recorder, gradients, before='neck')
    _watch(head.assigner, 'assign', 'assignment', recorder)
    _watch(head, 'loss_by_feat', 'losses', recorder)
    _watch(head, 'predict_by_feat', 'post-processing: decoding', recorder)
    _watch(head, '_best_boxes', 'post-processing: NMS', recorder)


def _watch(
    owner: Any,
    method: str,
    name: str,
    recorder: Recorder,
    gradients: Gradients | None = None,
    before: str | None = None,
) -> None:
    """Wrap a method; with gradients cut its result, and with ``before`` its arguments too."""
    original = getattr(owner, method, None)
    if original is None:
        raise AttributeError(
            f'{type(owner).__name__} has no {method}, which was the part {name!r}; name its new '
            'place in benchmarks/step_parts.py.'
        )

    def timed(*args: Any, **kwargs: Any) -> Any:
        if gradients is not None and before is not None:
            args = gradients.cut(before, args)
        with recorder.part(name):
            result = original(*args, **kwargs)
        return result if gradients is None else gradients.cut(name, result)

    setattr(owner, method, timed)
