"""The small model and images of the inferencer's tests."""

from tests.apis.conftest import make_model, make_picture, model_files, picture

__all__ = ['make_model', 'make_picture', 'model_files', 'picture']
