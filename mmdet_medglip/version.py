"""Version of the package, read by setup.py without importing it."""

__all__ = ['__version__']

__version__ = '0.1.0'
