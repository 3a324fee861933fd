"""Suites: which models a benchmark compares, on which data and at which budget, as YAML files.

To add a suite, write a YAML file in this layout and name its path; see ``suites/demo.yaml``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from mmdet_medglip.ontology.plain_yaml import load_yaml

__all__ = ['Demo', 'Entry', 'Source', 'Suite', 'SuiteError', 'available_suites', 'load_suite']

_FOLDER = Path(__file__).with_name('suites')
_NAME = re.compile(r'[a-z0-9][a-z0-9_.-]{0,63}')
_BYTES_LIMIT = 1_000_000

Natural = Annotated[int, msgspec.Meta(ge=0)]


class SuiteError(ValueError):
    """A suite that cannot be run as it stands; the message names the key."""


class Demo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Phantoms, as tools/make_demo_data.py makes them.

    Args:
        modalities: Modality ids; all if None.
        patients: Patients of each modality; each modality's own number if None.
        seed: Another seed draws other phantoms.
    """

    modalities: tuple[str, ...] | None = None
    patients: Annotated[int, msgspec.Meta(ge=1)] | None = None
    seed: Natural = 0


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a store comes from; one of the three ways.

    Args:
        demo: Phantoms.
        recipes: Recipes that tools/ingest.py runs on the folder of ``--data-root``.
        store: How a store that must be there is obtained, in words; ``--store NAME=FOLDER``
            names it.
    """

    demo: Demo | None = None
    recipes: tuple[str, ...] | None = None
    store: str | None = None


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One model of a suite.

    Args:
        name: Its name in the table.
        config: Config file, relative to the root of the checkout.
        train_on: Name of the data it is trained on; None trains nothing, so that it needs
            ``weights`` or ``after``.
        weights: Checkpoint to start from, relative to the current folder.
        after: Name of an entry whose last checkpoint of the same seed it starts from.
        weights_command: How the weights are obtained. Where they are not there, the entry is left
            out and the report says so with this command.
        cfg_options: Overrides, after those of the suite.
        environment: Variables that the config reads; ``bundled`` becomes the folder of the
            bundled language model.
        note: What a reader of the table has to know.
    """

    name: str
    config: str
    train_on: str | None = None
    weights: str | None = None
    after: str | None = None
    weights_command: str | None = None
    cfg_options: dict[str, Any] = {}
    environment: dict[str, str] = {}
    note: str = ''


class Suite(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Models that are compared on the test split of one store.

    Args:
        title: What it compares, in one line.
        description: Scale, time and needs.
        data: Stores by name.
        test_on: Name of the store that all entries are tested on.
        entries: The models, in the order of the table.
        reference: Entry that the others are compared with.
        seeds: Each entry runs once with each.
        cfg_options: Overrides of all configs.
        image_size: Side in pixels that all pipelines resize and pad images to; None leaves them.
        name: Of the suite; that of its file.
    """

    title: str
    description: str
    data: dict[str, Source]
    test_on: str
    entries: tuple[Entry, ...]
    reference: str
    seeds: Annotated[tuple[Natural, ...], msgspec.Meta(min_length=1)] = (0,)
    cfg_options: dict[str, Any] = {}
    image_size: Annotated[int, msgspec.Meta(ge=32)] | None = None
    name: str = ''

    def entry(self, name: str) -> Entry:
        """Return the entry of a name.

        Raises:
            SuiteError: If there is none.
        """
        for entry in self.entries:
            if entry.name == name:
                return entry
        known = ', '.join(entry.name for entry in self.entries)
        raise SuiteError(f'Suite {self.name!r} has no entry {name!r}; it has {known}.')

    def line_of(self, name: str) -> Iterator[Entry]:
        """Walk over the entries that an entry starts from, the first one first, itself last."""
        entry = self.entry(name)
        if entry.after is not None:
            yield from self.line_of(entry.after)
        yield entry

    def selected(self, only: list[str] | None) -> tuple[Entry, ...]:
        """Return the entries of some names and what they start from, in the order of the suite.

        Args:
            only: Names; None takes all.

        Raises:
            SuiteError: If a name is unknown.
        """
        if only is None:
            return self.entries
        wanted = {entry.name for name in only for entry in self.line_of(name)}
        return tuple(entry for entry in self.entries if entry.name in wanted)


def available_suites() -> tuple[str, ...]:
    """Return the names of the packaged suites, sorted."""
    return tuple(sorted(path.stem for path in _FOLDER.glob('*.yaml')))


def load_suite(name_or_path: str | Path) -> Suite:
    """Load a suite.

    Args:
        name_or_path: Name of a packaged suite, or a YAML file.

    Returns:
        The suite, checked: every name in it is one that it has.

    Raises:
        FileNotFoundError: If there is neither a packaged suite nor a file of that name.
        SuiteError: If the file is no suite; names the key.

    Example:
        >>> load_suite('demo').test_on
        'demo'
    """
    path = Path(name_or_path)
    if path.suffix not in ('.yaml', '.yml'):
        path = _FOLDER / f'{name_or_path}.yaml'
        if str(name_or_path) not in available_suites():
            known = ', '.join(available_suites())
            raise FileNotFoundError(
                f'No suite {str(name_or_path)!r}; packaged are {known}. A file ends in .yaml.'
            )
    if not path.is_file():
        raise FileNotFoundError(f'Suite file {path} does not exist.')
    if path.stat().st_size > _BYTES_LIMIT:
        raise SuiteError(f'Suite file {path} is over {_BYTES_LIMIT} bytes; it is not a suite.')
    try:
        data = load_yaml(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise SuiteError(f'Suite file {path} is not valid YAML: {error}') from error
    if not isinstance(data, Mapping):
        raise SuiteError(f'Suite file {path} must be a mapping, got {type(data).__name__}.')
    try:
        suite = msgspec.convert({'name': path.stem, **data}, Suite)
    except (msgspec.ValidationError, TypeError) as error:
        raise SuiteError(f'Suite file {path}: {error}; correct this key.') from None
    _check(suite, f'Suite file {path}')
    return suite


def _check(suite: Suite, origin: str) -> None:
    names = [entry.name for entry in suite.entries]
    for name in (*names, *suite.data, suite.name):
        if not _NAME.fullmatch(name):
            raise SuiteError(
                f"{origin}: names must be lower case letters, digits, '_', '.' and '-', at most "
                f'64 and a letter or digit first, got {name!r}.'
            )
    if len(set(names)) != len(names):
        raise SuiteError(f'{origin}: two entries have one name: {", ".join(names)}.')
    for name, source in suite.data.items():
        if sum(way is not None for way in (source.demo, source.recipes, source.store)) != 1:
            raise SuiteError(
                f"{origin}: data {name!r} must have one of 'demo', 'recipes' and 'store'."
            )
    for key, name, known in (
        ('test_on', suite.test_on, list(suite.data)),
        ('reference', suite.reference, names),
    ):
        if name not in known:
            raise SuiteError(f'{origin}: {key!r} must be one of {", ".join(known)}, got {name!r}.')
    for number, entry in enumerate(suite.entries):
        _check_entry(suite, entry, names[:number], f'{origin}: entry {entry.name!r}')


def _check_entry(suite: Suite, entry: Entry, before: list[str], where: str) -> None:
    if entry.train_on is not None and entry.train_on not in suite.data:
        known = ', '.join(suite.data)
        raise SuiteError(f"{where}: 'train_on' must be one of {known}, got {entry.train_on!r}.")
    if entry.after is not None and entry.after not in before:
        known = ', '.join(before) or 'none'
        raise SuiteError(
            f"{where}: 'after' must be an entry above it ({known}), got {entry.after!r}."
        )
    if entry.after is not None and entry.weights is not None:
        raise SuiteError(f"{where}: give 'weights' or 'after', not both.")
    if entry.train_on is None and entry.after is None and entry.weights is None:
        raise SuiteError(f"{where} is not trained ('train_on'), so it needs 'weights' or 'after'.")
