"""Which types a packed config may name: registered parts of detectors, from known packages.

MMEngine builds whatever a ``type`` names, any importable function if it has dots, and some
registered types read files, load from hubs or evaluate text. So a type counts only if it is
registered under its plain name, in the registry of a known scope, and its code is in one of
:data:`HOMES` and none of :data:`_NOT`.
"""

from __future__ import annotations

import importlib
import re
from typing import Any, Literal

from mmengine.registry import Registry

__all__ = ['HOMES', 'Kind', 'check_type']

Kind = Literal['model', 'transform']

SCOPES = ('mmdet_medglip', 'mmdet', 'mmpretrain', 'mmengine')
HOMES: dict[Kind, tuple[str, ...]] = {
    'model': (
        'mmdet_medglip.models',
        *(
            f'mmdet.models.{part}'
            for part in (
                *('backbones', 'data_preprocessors', 'dense_heads', 'detectors', 'layers'),
                *('losses', 'necks', 'roi_heads', 'seg_heads', 'task_modules'),
            )
        ),
        *(f'mmpretrain.models.{part}' for part in ('backbones', 'necks')),
        'mmcv.cnn.bricks',
        'mmcv.ops',
        'mmengine.model',
        'torch.nn.modules',
    ),
    'transform': (
        'mmdet_medglip.datasets.transforms',
        'mmdet.datasets.transforms',
        'mmcv.transforms',
    ),
}
"""Packages whose registered types may be built."""

_NOT = (
    'mmdet.models.detectors.kd_one_stage',  # runs a config file
    'mmdet.models.detectors.lad',
    'mmdet.models.dense_heads.atss_vlfusion_head',  # loads from a hub by name
    'mmdet.models.task_modules.tracking',  # evaluates text
    'mmpretrain.models.backbones.timm_backbone',  # downloads
)
_SUPPRESSIONS = ('nms', 'soft_nms')
"""Types of ``nms``: MMCV evaluates what is named there, so it is no registered name."""

_NAME = re.compile(r'[A-Za-z_][A-Za-z0-9_]{0,80}')


def check_type(name: Any, kind: Kind, where: str) -> None:
    """Refuse a type that must not be built.

    Args:
        name: What ``type`` says.
        kind: Whether it is a part of a model or a step of a pipeline.
        where: Place in the config, for the message; its last part is the key of the dict.

    Raises:
        ValueError: It is none of the known types.
    """
    if where.rpartition('.')[2] == 'nms':
        if name not in _SUPPRESSIONS:
            raise ValueError(f'{where}.type must be one of {_SUPPRESSIONS}, got {name!r:.80}.')
        return
    found = _find(name, kind) if isinstance(name, str) else None
    module = getattr(found, '__module__', '')
    if found is None or not _is_in(module, HOMES[kind]) or _is_in(module, _NOT):
        told = f', which is of {module}' if module else ''
        raise ValueError(
            f'{where}.type is {name!r:.80}{told}; a packed model may name registered parts of '
            "mmdet_medglip, mmdet's and mmpretrain's detectors alone. Whoever packed it has to "
            'leave it out, or give you the config to run as code.'
        )


def _find(name: str, kind: Kind) -> Any:
    scope, _, plain = name.rpartition('.')
    if not _NAME.fullmatch(plain) or (scope and scope not in SCOPES):
        return None
    for registry in _registries(scope or 'mmdet_medglip', kind):
        one: Registry | None = registry
        while one is not None:
            one.import_from_location()
            if plain in one.module_dict:
                return one.module_dict[plain]
            one = None if scope else one.parent
    return None


def _registries(scope: str, kind: Kind) -> list[Registry]:
    module = importlib.import_module(f'{scope}.registry')
    names = ('TRANSFORMS',) if kind == 'transform' else ('MODELS', 'TASK_UTILS')
    return [getattr(module, name) for name in names]


def _is_in(module: str, homes: tuple[str, ...]) -> bool:
    return any(module == home or module.startswith(f'{home}.') for home in homes)
