"""Registries of the plugin: children of MMDetection's, so each sees the other's types.

A config with ``default_scope = 'mmdet_medglip'`` names mmdet's, mmengine's and our types without
a prefix. A stock MMDetection config reaches ours with ``custom_imports=['mmdet_medglip.registry']``
and the ``mmdet_medglip.`` prefix.
"""

import mmdet.registry
from mmengine.registry import Registry

__all__ = [
    'ADAPTATIONS',
    'DATASETS',
    'DATA_SAMPLERS',
    'EVALUATOR',
    'HOOKS',
    'LOG_PROCESSORS',
    'LOOPS',
    'METRICS',
    'MODELS',
    'MODEL_WRAPPERS',
    'OPTIMIZERS',
    'OPTIM_WRAPPERS',
    'OPTIM_WRAPPER_CONSTRUCTORS',
    'PARAM_SCHEDULERS',
    'READERS',
    'RUNNERS',
    'RUNNER_CONSTRUCTORS',
    'TASK_UTILS',
    'TRANSFORMS',
    'VISBACKENDS',
    'VISUALIZERS',
    'WEIGHT_INITIALIZERS',
]

_SCOPE = 'mmdet_medglip'


def _child(name: str, *locations: str) -> Registry:
    """Child of mmdet's registry of the same name; ``locations`` hold our types, if any."""
    parent = getattr(mmdet.registry, name)
    own = [f'mmdet_medglip.{location}' for location in locations]
    return Registry(parent.name, parent=parent, scope=_SCOPE, locations=[*parent._locations, *own])


MODELS = _child('MODELS', 'models', 'downstream.small')
DATASETS = _child('DATASETS', 'datasets', 'downstream.small')
TRANSFORMS = _child('TRANSFORMS', 'datasets.transforms', 'downstream.small')
DATA_SAMPLERS = _child('DATA_SAMPLERS', 'datasets.samplers')
METRICS = _child('METRICS', 'evaluation', 'downstream.small')
HOOKS = _child('HOOKS', 'engine')
LOOPS = _child('LOOPS', 'engine')
RUNNERS = _child('RUNNERS', 'engine')
VISUALIZERS = _child('VISUALIZERS', 'visualization')

EVALUATOR = _child('EVALUATOR')
LOG_PROCESSORS = _child('LOG_PROCESSORS')
MODEL_WRAPPERS = _child('MODEL_WRAPPERS')
OPTIMIZERS = _child('OPTIMIZERS')
OPTIM_WRAPPERS = _child('OPTIM_WRAPPERS')
OPTIM_WRAPPER_CONSTRUCTORS = _child('OPTIM_WRAPPER_CONSTRUCTORS')
PARAM_SCHEDULERS = _child('PARAM_SCHEDULERS')
RUNNER_CONSTRUCTORS = _child('RUNNER_CONSTRUCTORS')
TASK_UTILS = _child('TASK_UTILS')
VISBACKENDS = _child('VISBACKENDS')
WEIGHT_INITIALIZERS = _child('WEIGHT_INITIALIZERS')

READERS = Registry('reader', scope=_SCOPE, locations=['mmdet_medglip.ingest.readers'])
"""Readers of source data sets; no counterpart in mmdet."""

ADAPTATIONS = Registry('adaptation', scope=_SCOPE, locations=['mmdet_medglip.engine.adaptation'])
"""Ways to adapt a detector to a new task; no counterpart in mmdet."""
