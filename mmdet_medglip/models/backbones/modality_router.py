"""One image encoder for each imaging modality, behind the interface of a backbone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmdet_medglip.registry import MODELS

from ..data_preprocessors import current_modalities

__all__ = ['ModalityRouter']


@MODELS.register_module()
class ModalityRouter(BaseModule):
    """Send each image to the expert of its modality.

    The batch is grouped by modality, each group runs through one expert, and the maps return in
    the order of the images. A batch of one modality is one plain forward pass. Experts that a
    batch does not need take no part: they get no gradient, so optimizers leave them as they are.

    Args:
        experts: Name -> config of a backbone from mmdet (``ResNet``, ``SwinTransformer``, ...) or
            mmpretrain (``mmpretrain.ConvNeXt``, ...). All give the same number of maps with the
            same channels. A modality is served by the expert of its name.
        routes: Further modalities -> expert, for experts that serve several.
        shared_stages: Names of submodules (``'layer1'``, ``'stages.0'``) that all experts share;
            they must have the same architecture in each.
        unknown: What to do with a modality without an expert or route, or an image of unstated
            modality (None): ``'error'``, or the name of the expert to use.
        only: Build these experts alone; weights of others in a checkpoint are passed over. A
            deployment for CT loads one encoder with ``only=['ct']``.
        init_cfg: As in mmengine.

    Raises:
        ValueError: No expert; a route, ``unknown`` or ``only`` that names none; a shared stage
            that an expert lacks or that differs.

    Example:
        >>> router = ModalityRouter(
        ...     experts=dict(
        ...         ct=dict(type='mmdet.ResNet', depth=18),
        ...         mri=dict(type='mmdet.ResNet', depth=18),
        ...     )
        ... )
        >>> maps = router(torch.zeros(3, 3, 64, 64), ['ct', 'mri', 'ct'])
        >>> [tuple(m.shape) for m in maps][0]
        (3, 64, 16, 16)
    """

    def __init__(
        self,
        experts: Mapping[str, dict],
        routes: Mapping[str, str] | None = None,
        shared_stages: Sequence[str] = (),
        unknown: str = 'error',
        only: Sequence[str] | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if not experts:
            raise ValueError('ModalityRouter: experts is empty; expected at least one backbone.')
        declared = tuple(experts)
        self._check_names('only', only or (), declared)
        kept = tuple(only) if only is not None else declared
        if not kept:
            raise ValueError(
                f'ModalityRouter: only is empty; expected some of {", ".join(declared)}, or None.'
            )
        self._check_names('unknown', () if unknown == 'error' else (unknown,), kept)
        self._check_names('routes', (routes or {}).values(), declared)
        self.unknown = unknown
        self._declared_routes = {name: name for name in declared} | dict(routes or {})
        self.routes: dict[str, str] = {}
        self._configs = {name: dict(experts[name]) for name in declared}
        self.shared_stages = tuple(shared_stages)
        self._server: str | None = None
        self.experts = nn.ModuleDict()
        for name in kept:
            self.load_expert(name)

    @staticmethod
    def _check_names(argument: str, names: Any, declared: Sequence[str]) -> None:
        lost = [name for name in names if name not in declared]
        if lost:
            raise ValueError(
                f'ModalityRouter: {argument} names {lost[0]!r}, which is no expert; '
                f'experts: {", ".join(declared)}.'
            )

    def load_expert(self, name: str, state_dict: Mapping[str, Tensor] | None = None) -> None:
        """Build one declared expert with the routes to it, and load its weights if they are given.

        Args:
            name: A key of ``experts``.
            state_dict: Weights with the expert's own keys (``'layer1.0.conv1.weight'``); those of
                a shared stage replace it in all experts.

        Raises:
            ValueError: The name is not declared.
            RuntimeError: The weights do not fit.
        """
        self._check_names('load_expert', (name,), tuple(self._configs))
        expert = MODELS.build(self._configs[name])
        if self.experts:
            self._share(expert, next(iter(self.experts.values())), name)
        if state_dict is not None:
            expert.load_state_dict(state_dict)
        present = next(self.parameters(), None)
        if present is not None:
            expert.to(present.device)
        expert.train(self.training)
        self.experts[name] = expert
        self.routes.update((m, e) for m, e in self._declared_routes.items() if e == name)

    def unload_expert(self, name: str) -> None:
        """Drop one expert and the routes to it."""
        self._check_names('unload_expert', (name,), tuple(self.experts))
        if name == self.unknown:
            raise ValueError(f'ModalityRouter: {name!r} serves unknown modalities; keep it.')
        del self.experts[name]
        self.routes = {m: e for m, e in self.routes.items() if e != name}

    def _share(self, expert: nn.Module, owner: nn.Module, name: str) -> None:
        for stage in self.shared_stages:
            try:
                own, shared = expert.get_submodule(stage), owner.get_submodule(stage)
            except AttributeError as error:
                raise ValueError(
                    f'ModalityRouter: shared stage {stage!r} is not in expert {name!r}; '
                    f'its stages: {", ".join(key for key, _ in expert.named_children())}.'
                ) from error
            shapes = [{k: v.shape for k, v in m.state_dict().items()} for m in (own, shared)]
            if shapes[0] != shapes[1]:
                raise ValueError(
                    f'ModalityRouter: shared stage {stage!r} of expert {name!r} has another '
                    'architecture than that of the first expert.'
                )
            parent, _, leaf = stage.rpartition('.')
            setattr(expert.get_submodule(parent), leaf, shared)

    def serve_all_by(self, name: str | None) -> None:
        """Send all images to one expert, whatever their modality; None ends it.

        Training uses it, see :class:`~mmdet_medglip.engine.hooks.SharedStartHook`.

        Raises:
            ValueError: There is no such expert.
        """
        self._check_names('serve_all_by', () if name is None else (name,), tuple(self.experts))
        self._server = name

    def expert_of(self, modality: str | None) -> str:
        """Name of the expert for a modality, by the routes and the policy for unknown ones.

        Raises:
            ValueError: No route, and the policy is ``'error'``.
        """
        if modality in self.routes:
            return self.routes[modality]
        if self.unknown != 'error':
            return self.unknown
        near = get_close_matches(str(modality), self.routes, n=1)
        hint = f' Did you mean {near[0]!r}?' if near else ''
        raise ValueError(
            f'No expert for modality {modality!r} (metainfo field modality). Known: '
            f'{", ".join(sorted(self.routes))}.{hint} Add an expert or a route, put RouteModality '
            'in the pipeline to find it, or set backbone.unknown to the expert that serves it.'
        )

    def forward(self, x: Tensor, modalities: Sequence[str | None] | None = None) -> tuple:
        """Encode a batch.

        Args:
            x: Images (B, 3, H, W).
            modalities: Modality of each image. Without it, those that
                :class:`ModalityDataPreprocessor` has announced for this batch, which is how a
                stock MMDetection detector carries a router.

        Returns:
            Maps of the experts, fine to coarse, each (B, C_i, H_i, W_i), in the images' order.

        Raises:
            ValueError: A modality without expert, or not one modality per image.
        """
        if modalities is None:
            modalities = current_modalities() or [None] * len(x)
        if len(modalities) != len(x):
            raise ValueError(
                f'ModalityRouter: {len(x)} images but {len(modalities)} modalities; expected one '
                'for each image.'
            )
        names = [self.expert_of(modality) for modality in modalities]
        if self._server is not None:
            names = [self._server] * len(names)
        groups: dict[str, list[int]] = {}
        for index, name in enumerate(names):
            groups.setdefault(name, []).append(index)
        if len(groups) == 1:
            return tuple(self.experts[names[0]](x))
        return self._forward_mixed(x, groups)

    def _forward_mixed(self, x: Tensor, groups: Mapping[str, list[int]]) -> tuple:
        maps = {
            name: tuple(self.experts[name](x[torch.tensor(rows, device=x.device)]))
            for name, rows in groups.items()
        }
        shapes = {name: [tuple(m.shape[1:]) for m in of_one] for name, of_one in maps.items()}
        if len(set(map(tuple, shapes.values()))) > 1:
            raise ValueError(
                f'ModalityRouter: experts give maps of different shapes (C, H, W): {shapes}; '
                'they must agree, see out_indices and the widths of the experts.'
            )
        order = torch.tensor([row for rows in groups.values() for row in rows], device=x.device)
        back = order.argsort()
        return tuple(torch.cat(level)[back] for level in zip(*maps.values(), strict=True))

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args: Any) -> None:
        """Pass over weights of declared experts that are not built."""
        absent = tuple(f'{prefix}experts.{n}.' for n in self._configs if n not in self.experts)
        if absent:
            for key in [key for key in state_dict if key.startswith(absent)]:
                del state_dict[key]
        super()._load_from_state_dict(state_dict, prefix, *args)
