"""The size of heads that answer by a fixed list of labels: as many as the training data has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmdet_medglip.registry import DATASETS

__all__ = ['AUTO', 'dicts_of', 'fill_num_classes']

AUTO = 'auto'
"""What ``num_classes`` of a head says to be filled in."""


def fill_num_classes(config: Config) -> None:
    """Replace ``num_classes='auto'`` in the model by the number of labels of the training data.

    The data set is the first of ``train_dataloader`` that is a data set of ours, which may lie in
    wrappers; it is opened to count. Where its folder does not exist, 'auto' stays, and the check of
    the data says so.

    Args:
        config: Changed in place; one whose model has no ``'auto'`` stays as it is.

    Raises:
        ValueError: If there is no such data set, or it has no labels.
    """
    heads = [node for node in dicts_of(config.get('model')) if node.get('num_classes') == AUTO]
    if not heads:
        return
    settings = next(_data_sets(config.get('train_dataloader')), None)
    if settings is None:
        raise ValueError(
            "num_classes='auto' of the model needs a MedGroundingDataset in train_dataloader to "
            'count the labels of; write the number.'
        )
    if not Path(settings.get('data_root') or '.').exists():
        return
    count = len(DATASETS.build(dict(settings, pipeline=[])).metainfo['classes'])
    if not count:
        raise ValueError(
            f"num_classes='auto': the training data at {settings.get('data_root')} have no labels, "
            'only words to ground; a detector of fixed labels cannot learn those.'
        )
    for head in heads:
        head['num_classes'] = count


def _data_sets(node: Any) -> Iterator[dict[str, Any]]:
    for found in dicts_of(node):
        if str(found.get('type')).rpartition('.')[2] == 'MedGroundingDataset':
            yield found


def dicts_of(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every dict of a nested config value."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from dicts_of(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from dicts_of(value)
