"""The error of an image that cannot be used, apart from errors of settings."""

__all__ = ['MissingImageError', 'UnreadableImageError']


class UnreadableImageError(ValueError):
    """An image file is damaged, of another kind, too large, or of another size than was told."""


class MissingImageError(UnreadableImageError, FileNotFoundError):
    """An image file is not there."""
