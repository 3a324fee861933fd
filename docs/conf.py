"""Sphinx settings."""

from pathlib import Path

_scope = {}
exec((Path(__file__).parents[1] / 'mmdet_medglip' / 'version.py').read_text(), _scope)

project = 'mmdet-medglip'
author = 'the mmdet-medglip authors'
copyright = author
release = _scope['__version__']
extensions = ['myst_parser']
myst_enable_extensions = ['colon_fence', 'deflist']
myst_heading_anchors = 3
exclude_patterns = ['_build']
html_theme = 'furo'
html_title = f'mmdet-medglip {release}'
