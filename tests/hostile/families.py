"""All targets, by family; a family is imported when it is asked for."""

from importlib import import_module

from .target import Target

__all__ = ['FAMILIES', 'find_target', 'targets_of']

FAMILIES = ('documents', 'stores', 'ingested', 'real_files')


def targets_of(family: str) -> tuple[Target, ...]:
    """Return the targets of a family."""
    found: tuple[Target, ...] = import_module(f'tests.hostile.targets.{family}').TARGETS
    return found


def find_target(name: str) -> Target:
    """Return a target by its name.

    Raises:
        ValueError: There is none of this name.
    """
    known = []
    for family in FAMILIES:
        for target in targets_of(family):
            if target.name == name:
                return target
            known.append(target.name)
    raise ValueError(f'There is no target {name!r}; there are {", ".join(known)}.')
