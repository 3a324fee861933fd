"""Train one encoder for all modalities first, then let every expert go on from it."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import Tensor, nn
from torch.optim import Optimizer

from mmdet_medglip.registry import HOOKS

__all__ = ['SharedStartHook']

_LOADED = 'shared_start_loaded'
"""Key of the message hub, which checkpoints keep: whether training started from weights."""


@HOOKS.register_module()
class SharedStartHook(Hook):
    """Let the first expert serve all modalities for a part of the epochs; then all start from it.

    An expert sees the images of its modality alone, which is little to learn edges and textures
    from. First the images of all modalities train one encoder; then each expert takes its weights
    and the optimizer's moments, and they part. The schedule goes on as it is, and no step costs
    more than without.

    Weights in checkpoints are those of all experts at any time, so that a test needs no hook, and
    training resumes as it would have gone on. A training that starts from weights
    (``load_from``) is left alone: its experts have parted already.

    Args:
        fraction: Share of the epochs with one encoder, in (0, 1], rounded down to whole epochs.
            If that is none, the experts are each for themselves from the beginning.
        backbone: Name of the router in the model.

    Raises:
        ValueError: ``fraction`` is out of its range, training does not count epochs, the model has
            no router there, or its experts differ in architecture.
    """

    def __init__(self, fraction: float, backbone: str = 'backbone') -> None:
        if not 0 < fraction <= 1:
            raise ValueError(
                f'SharedStartHook: fraction must be above 0 and at most 1, got {fraction!r}.'
            )
        self.fraction = fraction
        self.backbone = backbone
        self.epochs = 0

    def before_train(self, runner: Runner) -> None:
        """Find out how many epochs are shared."""
        if not isinstance(runner.train_loop, EpochBasedTrainLoop):
            raise ValueError(
                'SharedStartHook: training has no epochs to share; use EpochBasedTrainLoop, or '
                'take the hook out of custom_hooks.'
            )
        if runner.epoch == 0:
            runner.message_hub.update_info(_LOADED, runner._load_from is not None)
        if runner.message_hub.get_info(_LOADED, False):
            self.epochs = 0
            print_log(
                'SharedStartHook: training starts from weights, experts go on as they are.',
                logger='current',
            )
            return
        self.epochs = int(self.fraction * runner.max_epochs)

    def before_train_epoch(self, runner: Runner) -> None:
        """Choose who serves, and part the experts when their time has come."""
        if self.epochs == 0:
            return
        router = self._router(runner)
        first = next(iter(router.experts))
        if runner.epoch < self.epochs:
            router.serve_all_by(first)
            return
        router.serve_all_by(None)
        if runner.epoch == self.epochs:
            self._copy(router)
            part_moments(runner.optim_wrapper.optimizer, router.experts)
            print_log(f'Experts go on from {first!r}, each for itself.', logger='current')

    def after_train_epoch(self, runner: Runner) -> None:
        """Give all experts the weights that were trained."""
        if runner.epoch < self.epochs:
            self._copy(self._router(runner))

    def after_train(self, runner: Runner) -> None:
        """Every modality has its own expert from here on."""
        if self.epochs:
            self._router(runner).serve_all_by(None)

    @staticmethod
    def _copy(router: nn.Module) -> None:
        first, *others = router.experts.values()
        for expert in others:
            expert.load_state_dict(first.state_dict())

    def _router(self, runner: Runner) -> nn.Module:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        router = getattr(model, self.backbone, None)
        if not hasattr(router, 'serve_all_by'):
            raise ValueError(
                f'SharedStartHook: the model has no ModalityRouter named {self.backbone!r}.'
            )
        first, *others = (
            {key: value.shape for key, value in expert.state_dict().items()}
            for expert in router.experts.values()
        )
        for name, shapes in zip(list(router.experts)[1:], others, strict=True):
            if shapes != first:
                raise ValueError(
                    f'SharedStartHook: expert {name!r} differs in architecture from '
                    f'{next(iter(router.experts))!r}; give all experts one config.'
                )
        return router


def part_moments(optimizer: Optimizer, experts: nn.ModuleDict) -> None:
    """Give the parameters of all experts what the optimizer knows of the first one's.

    Args:
        optimizer: Of all of them; its state is changed.
        experts: Of one architecture.
    """
    first, *others = experts.values()
    for expert in others:
        for known, parameter in zip(first.parameters(), expert.parameters(), strict=True):
            if known is not parameter and known in optimizer.state:
                optimizer.state[parameter] = {
                    key: value.clone() if isinstance(value, Tensor) else value
                    for key, value in optimizer.state[known].items()
                }
