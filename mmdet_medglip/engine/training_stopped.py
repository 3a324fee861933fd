"""The error by which training ends, with one sentence for who started it."""

__all__ = ['TrainingStoppedError']


class TrainingStoppedError(RuntimeError):
    """Training cannot go on; the message says why and what to do."""
