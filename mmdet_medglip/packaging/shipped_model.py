"""The small trained model that comes with the package."""

from __future__ import annotations

from pathlib import Path

from mmdet_medglip.installed_folder import installed_folder

__all__ = ['DEMO', 'shipped_model']

DEMO = 'demo'
"""Name that stands for the shipped model where a model is asked for."""


def shipped_model() -> Path:
    """Return the folder of the demo model: a packed detector of organs in CT phantoms.

    Raises:
        FileNotFoundError: It is neither in the installed package nor in the checkout.
    """
    return installed_folder('demo_model', 'medglip.json')
