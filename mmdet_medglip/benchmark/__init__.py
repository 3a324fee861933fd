"""One command that trains, tests and compares the models of a suite; see tools/benchmark.py."""

from .suite import Suite, SuiteError, available_suites, load_suite

__all__ = ['Suite', 'SuiteError', 'available_suites', 'load_suite']
