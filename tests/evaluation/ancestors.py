"""Answers by classes and regions, written in a line."""

import torch

__all__ = ['above']


def above(*answers: tuple[str, float, list[float]]) -> dict:
    """``pred_ancestors`` of (node, score, box)."""
    return {
        'bboxes': torch.tensor([box for _, _, box in answers]).float().reshape(-1, 4),
        'scores': torch.tensor([score for _, score, _ in answers]).float(),
        'nodes': [node for node, _, _ in answers],
    }
