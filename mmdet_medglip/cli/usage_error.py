"""The command line is wrong, not an input."""

__all__ = ['UsageError']


class UsageError(ValueError):
    """A file, prompt or option that was named is wrong; nothing was done. Exit status 2."""
