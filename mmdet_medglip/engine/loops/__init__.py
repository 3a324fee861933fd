"""Loops of the runner."""

from .multi_task_test_loop import MultiTaskTestLoop

__all__ = ['MultiTaskTestLoop']
