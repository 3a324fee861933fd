"""Which label files a volume has, and what is in them, as a recipe says it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..label_values import label_values, load_label_values
from ..paths import inside

__all__ = ['SEGMENTS', 'Annotation', 'parse_annotations']

SEGMENTS = 'segments'
"""What ``names`` is if the files name their segments themselves."""

_KEYS = {'path', 'names', 'label'}


@dataclass(frozen=True)
class Annotation:
    """A kind of label files.

    Args:
        path: Pattern, in which the fields of the volume are filled in.
        values: Label values by name; None if a file is the mask of one structure.
        label: Name of this structure; None if it is the field ``{label}`` of the pattern, or the
            file names its segments itself.
    """

    path: str
    values: Mapping[str, tuple[int, ...]] | None = None
    label: str | None = None

    @property
    def by_file(self) -> bool:
        """Whether a file names its segments itself."""
        return self.values is None and self.label is None and '{label}' not in self.path


def parse_annotations(annotations: Any, names: Any, root: Path) -> list[Annotation]:
    """Check the options ``annotations`` and ``names`` of ``VolumeFileReader``.

    Args:
        annotations: A pattern, a list of mappings, or None.
        names: Label values of a pattern.
        root: Folder that json files of names lie in.

    Returns:
        The kinds of label files, possibly none.

    Raises:
        FileNotFoundError: If a json file of names does not exist.
        ValueError: If an option is wrong.
    """
    if annotations is None:
        return []
    if isinstance(annotations, str):
        annotations = [{'path': annotations} | ({} if names is None else {'names': names})]
    return [_parse(spec, root) for spec in annotations]


def _parse(spec: Any, root: Path) -> Annotation:
    given = dict(spec) if isinstance(spec, Mapping) else {}
    path = given.get('path') or ''
    told = ('names' in given) + ('label' in given) + ('{label}' in path)
    if set(given) - _KEYS or not path or told != 1:
        raise ValueError(
            "each of 'annotations' needs 'path' and one of 'names', 'label' or '{label}' in the "
            f'path; got {spec!r}.'
        )
    names = given.get('names')
    if 'label' in given or names is None or names == SEGMENTS:
        return Annotation(path, label=given.get('label'))
    if isinstance(names, str):
        return Annotation(path, load_label_values(inside(root, names)))
    return Annotation(path, label_values(names))
