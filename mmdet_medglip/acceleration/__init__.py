"""The fast exact layers for models of stock MMDetection.

    from mmdet_medglip import accelerate

    accelerate(model)  # in place: same weights, same results

A layer is made fast by giving it a subclass of its own class, which computes the same from the
same parameters; state dicts, hooks, copies and ``isinstance`` stay as they are, and :func:`restore`
gives the class back.
"""

from .accelerate import ACCELERATED, accelerate, restore

__all__ = ['ACCELERATED', 'accelerate', 'restore']
