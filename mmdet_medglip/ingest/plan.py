"""The plan of one source: its items in tasks that do not depend on who runs them."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from mmdet_medglip.ontology import Ontology

from .paths import match_files
from .readers import Reader, RecipeError
from .recipe import Recipe, SimilarRule
from .rejects import Reject
from .similarity import group_similar
from .source import SourceItem
from .stages import SourceSetup, SourceStages

__all__ = ['FORMAT', 'SourcePlan', 'plan_source']

FORMAT = 1
"""Number of the way items become records; a change makes unfinished work start again."""


@dataclass(frozen=True)
class SourcePlan:
    """What is to be done for a source.

    Args:
        setup: What each process needs.
        items: Everything there is to read, in order.
        per_task: Items per task.
        rejects: What was left out when the items were listed.
        inputs: Hash of the names and sizes of all files, 64 hex digits.
        state: Hash of the recipe, the ontology, and names, sizes and times of all files: as long
            as it is the same, parts that are done stay done.
    """

    setup: SourceSetup
    items: Sequence[SourceItem]
    per_task: int
    rejects: Sequence[Reject]
    inputs: str
    state: str

    @property
    def name(self) -> str:
        """Name of the source."""
        return self.setup.recipe.name

    @property
    def num_tasks(self) -> int:
        """Number of tasks."""
        return -(-len(self.items) // self.per_task)

    def task(self, number: int) -> list[SourceItem]:
        """Return the items of a task, ``number`` in ``[0, num_tasks)``."""
        start = number * self.per_task
        return list(self.items[start : start + self.per_task])


def plan_source(
    recipe: Recipe,
    data_root: Path,
    store_root: Path,
    *,
    key: bytes | None = None,
    limit: int | None = None,
    imports: tuple[str, ...] = (),
    ontology: Ontology | None = None,
) -> SourcePlan:
    """List the items of a source and cut them into tasks.

    Args:
        recipe: The source.
        data_root: Folder that the recipe's root is relative to.
        store_root: Folder of the store.
        key: Key of the pseudonyms; needed if the recipe wants them.
        limit: Take the first items only.
        imports: Modules that register readers.
        ontology: Known names; the packaged ontology if None.

    Returns:
        The plan; equal files, recipe and ontology give an equal plan on any machine.

    Raises:
        FileNotFoundError: If the data set or all of its images are missing.
        RecipeError: If the recipe is wrong, or two items have one name.
    """
    setup = SourceSetup(
        recipe,
        data_root,
        store_root,
        key if recipe.identifiers == 'pseudonymous' else None,
        imports=imports,
    )
    reader = SourceStages(setup, ontology).reader
    items = list(reader.items())[:limit]
    rejects = reader.take_rejects()
    if not items and not rejects and limit != 0:
        raise FileNotFoundError(
            f'Data set {recipe.name!r}: nothing in {reader.root} names an image; check its '
            'annotation files.'
        )
    names = {item.name for item in items}
    if len(names) != len(items):
        twice = next(n for n in sorted(names) if sum(item.name == n for item in items) > 1)
        raise RecipeError(
            f'Data set {recipe.name!r}: two items are called {twice!r}; make the patterns exact.'
        )
    if recipe.similar is not None:
        groups = _groups(reader, recipe.similar)
        setup = replace(setup, groups=groups)
    sizes, times = _files(reader.root, items)
    told = msgspec.json.encode([[item.name, dict(item.payload)] for item in items], order='sorted')
    inputs = _hash(told, sizes)
    labels = getattr(ontology or Ontology.default(), 'digest', '')
    key_digest = hashlib.sha256(setup.key).hexdigest() if setup.key else ''
    state = _hash(FORMAT, recipe.digest, labels, key_digest, str(limit), inputs, times)
    return SourcePlan(setup, items, type(reader).items_per_task, rejects, inputs, state)


def _groups(reader: Reader, rule: SimilarRule) -> dict[str, str]:
    """Return the first name of its group for each image name."""
    matches = match_files(reader.root, rule.images)
    groups = group_similar([match.path for match in matches], rule.max_difference)
    names = [match.fields['stem'] for match in matches]
    return {name: names[first] for name, first in zip(names, groups, strict=True)}


def _files(root: Path, items: Sequence[SourceItem]) -> tuple[bytes, bytes]:
    """Describe all files of the items: names with sizes, and times of change."""
    sizes, times = hashlib.sha256(), hashlib.sha256()
    known: dict[str, os.stat_result | None] = {}
    for item in items:
        for file in item.files:
            if file not in known:
                try:
                    known[file] = os.stat(root / file)
                except OSError:
                    known[file] = None
                status = known[file]
                size, time = (status.st_size, status.st_mtime_ns) if status else (-1, -1)
                sizes.update(f'{file}\0{size}\0'.encode('utf-8', 'surrogatepass'))
                times.update(f'{time}\0'.encode())
    return sizes.digest(), times.digest()


def _hash(*parts: object) -> str:
    told = hashlib.sha256()
    for part in parts:
        content = part if isinstance(part, bytes) else str(part).encode()
        told.update(len(content).to_bytes(8, 'big') + content)
    return told.hexdigest()
