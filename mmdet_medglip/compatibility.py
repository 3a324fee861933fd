"""Check that the installed OpenMMLab packages are a tested combination.

Two lines of OpenMMLab packages share their import names: ``upstream`` (``mmdet``, ``mmcv``...) and
``maintained`` (``onedl-mmdetection``, ``onedl-mmcv``...). pip does not know that they exclude each
other, so what is installed is judged here, by the distributions' metadata and without importing
them.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

__all__ = [
    'FIX',
    'LINES',
    'TESTED',
    'IncompatibleVersionsError',
    'Requirement',
    'check_versions',
    'find_problems',
    'installed_version',
]


class IncompatibleVersionsError(ImportError):
    """The installed packages do not fit; the message names found, required and the fix."""


@dataclass(frozen=True)
class Requirement:
    """One package of a line: accepted versions are ``minimum <= version < below``."""

    module: str
    distribution: str
    tested: str
    minimum: str
    below: str

    def accepts(self, version: str) -> bool:
        """Tell whether a version is in the accepted range; an unreadable version is not."""
        try:
            return Version(self.minimum) <= Version(version) < Version(self.below)
        except InvalidVersion:
            return False

    def __str__(self) -> str:
        """Return it as pip would write it."""
        return f'{self.distribution}>={self.minimum},<{self.below}'


LINES: dict[str, tuple[Requirement, ...]] = {
    'maintained': (
        Requirement('mmengine', 'onedl-mmengine', '0.10.12', '0.10.8', '0.11'),
        Requirement('mmcv', 'onedl-mmcv', '2.3.6', '2.3', '2.4'),
        Requirement('mmdet', 'onedl-mmdetection', '3.5.1', '3.5', '3.6'),
        Requirement('mmpretrain', 'onedl-mmpretrain', '1.3.6', '1.3', '1.4'),
    ),
    'upstream': (
        Requirement('mmengine', 'mmengine', '0.10.7', '0.10.3', '0.11'),
        Requirement('mmcv', 'mmcv', '2.1.0', '2.0.1', '2.2'),
        Requirement('mmdet', 'mmdet', '3.3.0', '3.3', '3.4'),
        Requirement('mmpretrain', 'mmpretrain', '1.2.0', '1.2', '1.3'),
    ),
}
"""Accepted versions of both lines; the tested ones are pinned in ``requirements/``."""

_TORCH = (
    Requirement('torch', 'torch', '2.11.0', '2.1', '3'),
    Requirement('torchvision', 'torchvision', '0.26.0', '0.16', '1'),
)
TESTED: dict[str, tuple[Requirement, ...]] = {
    'maintained': (
        *_TORCH,
        Requirement('transformers', 'transformers', '4.53.3', '4.40', '5'),
    ),
    # mmpretrain 1.2 imports names that transformers 4.50 removed.
    'upstream': (
        *_TORCH,
        Requirement('transformers', 'transformers', '4.49.0', '4.40', '4.50'),
    ),
}
"""Accepted versions of what each line needs besides; distributions that both lines share."""

FIX = (
    'Fix: `make setup` builds an environment with tested versions (`make setup-upstream` for the '
    'upstream line); by hand, in a fresh environment, install requirements/build.txt, torch.txt, '
    'one of openmmlab.txt or openmmlab-upstream.txt (with --no-build-isolation), runtime.txt, in '
    'this order. `python tools/check_env.py` prints the tested versions beside yours.'
)
"""What the message of :func:`check_versions` advises."""

FindVersion = Callable[[str], 'str | None']


def installed_version(distribution: str) -> str | None:
    """Return a distribution's installed version, None if it is not installed."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def find_problems(find: FindVersion = installed_version) -> list[str]:
    """List what is wrong with the installed packages, one sentence each.

    Args:
        find: Returns the installed version of a distribution, None if absent.

    Returns:
        The problems; empty if a line is complete, alone and within its versions.

    Example:
        >>> versions = {r.distribution: r.tested for r in LINES['upstream'] + TESTED['upstream']}
        >>> find_problems(versions.get)
        []
        >>> find_problems({**versions, 'mmcv': '2.2.0'}.get)
        ['mmcv 2.2.0 is installed, required is mmcv>=2.0.1,<2.2.']
    """
    problems = []
    found = {
        line: [r for r in requirements if find(r.distribution) is not None]
        for line, requirements in LINES.items()
    }
    line = max(found, key=lambda name: len(found[name]))
    other = next(name for name in LINES if name != line)
    if found[other]:
        names = ' and '.join(
            ', '.join(f'{r.distribution} {find(r.distribution)}' for r in found[name])
            for name in (line, other)
        )
        problems.append(
            f'Two OpenMMLab lines are installed over each other: {names}. They share import '
            'names, so only one may be in an environment.'
        )
    for requirement in (*LINES[line], *TESTED[line]):
        version = find(requirement.distribution)
        if version is None:
            problems.append(
                f'{requirement.distribution} is not installed, required is {requirement}.'
            )
        elif not requirement.accepts(version):
            problems.append(
                f'{requirement.distribution} {version} is installed, required is {requirement}.'
            )
    for lite in ('mmcv-lite', 'onedl-mmcv-lite'):
        if find(lite) is not None:
            problems.append(f'{lite} {find(lite)} is installed; it has no compiled ops.')
    return problems


def check_versions(find: FindVersion = installed_version) -> None:
    """Check the installed packages.

    Args:
        find: Returns the installed version of a distribution, None if absent.

    Raises:
        IncompatibleVersionsError: If a package is missing, out of range or of two lines at once.
    """
    problems = find_problems(find)
    if problems:
        listed = '\n'.join(f'  - {problem}' for problem in problems)
        raise IncompatibleVersionsError(
            f'mmdet_medglip cannot run with the installed packages:\n{listed}\n{FIX}'
        )
