"""Sphinx settings."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

_scope = {}
exec((ROOT / 'mmdet_medglip' / 'version.py').read_text(), _scope)

project = 'mmdet-medglip'
author = 'the mmdet-medglip authors'
copyright = author
release = _scope['__version__']
extensions = [
    'myst_parser',
    'sphinx.ext.autodoc',
    'sphinx.ext.autosummary',
    'sphinx.ext.napoleon',
    'sphinx.ext.viewcode',
]
myst_enable_extensions = ['colon_fence', 'deflist']
myst_heading_anchors = 3
exclude_patterns = ['_build']
html_theme = 'furo'
html_title = f'mmdet-medglip {release}'

# The reference is read from the docstrings of what each package names in __all__.
autodoc_default_options = {'members': True, 'imported-members': True, 'show-inheritance': True}
autodoc_member_order = 'groupwise'
autodoc_typehints = 'signature'
autodoc_typehints_format = 'short'
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 90
autosummary_generate = False
autosummary_ignore_module_all = False
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
