"""Patterns that say where images and their annotation files lie."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from .pairing import Pair, common_start
from .scan import split_of_folder, stem_of, suffix_of

__all__ = ['Paired', 'patterns_of']

_MAGIC = re.compile(r'([*?\[])')
_ABSENT = '/'


@dataclass(frozen=True)
class Paired:
    """Patterns of images and annotation files.

    Args:
        images: Pattern of the images.
        marks: Pattern of the annotation files of one image.
        pairs: The pairs that fit them.
    """

    images: str
    marks: str
    pairs: tuple[Pair, ...]


def patterns_of(pairs: Iterable[Pair]) -> list[Paired]:
    """Turn pairs into patterns, the one of most pairs first.

    Parts of paths that are the stem become ``{stem}``, folders that vary and name splits
    ``{split}``, other folders that vary ``{patient}`` where image and annotation share them, and
    ``*`` where they do not.
    """
    groups: dict[tuple, list[Pair]] = defaultdict(list)
    for pair in pairs:
        image, mark = PurePosixPath(pair.image), PurePosixPath(pair.mark)
        shape = (
            len(image.parts),
            len(mark.parts),
            suffix_of(pair.image),
            suffix_of(pair.mark),
            *_around(pair.image, pair.stem),
            _loose(_around(pair.mark, pair.stem)),
        )
        groups[shape].append(pair)
    found = [_patterns(part) for group in groups.values() for part in _apart(group)]
    return sorted(found, key=lambda paired: (-len(paired.pairs), paired.marks))


def _apart(group: Sequence[Pair]) -> list[list[Pair]]:
    """Part a group in which an image has several annotation files by the folders of these."""
    if len({pair.image for pair in group}) == len(group):
        return [list(group)]
    parts: dict[tuple[str, ...], list[Pair]] = defaultdict(list)
    for pair in group:
        shared = {*PurePosixPath(pair.image).parts[:-1], pair.stem}
        folders = PurePosixPath(pair.mark).parts[:-1]
        parts[tuple('' if folder in shared else folder for folder in folders)].append(pair)
    return list(parts.values())


def _around(path: str, stem: str) -> tuple[str, str]:
    """Return what stands before and behind the stem in a name, or the whole name and nothing."""
    start, found, end = stem_of(path).partition(stem)
    return (start, end) if found else (stem_of(path), _ABSENT)


def _named(path: str, stem: str) -> str:
    start, end = _around(path, stem)
    return _literal(start) if end == _ABSENT else f'{_literal(start)}{{stem}}{_literal(end)}'


def _loose(around: tuple[str, str]) -> tuple[str, str]:
    """Bring what stands around a stem to a form in which only words count, not numbers."""
    start, end = around
    return start, re.sub(r'\d+', '0', end)


def _patterns(pairs: Sequence[Pair]) -> Paired:
    images = [PurePosixPath(pair.image).parts[:-1] for pair in pairs]
    marks = [PurePosixPath(pair.mark).parts[:-1] for pair in pairs]
    stems = [pair.stem for pair in pairs]
    columns = [list(column) for column in zip(*marks, strict=True)]
    fields: dict[str, list[str]] = {'stem': stems}
    image_folders = [_folder(list(column), fields, columns) for column in zip(*images, strict=True)]
    mark_folders = [_folder(column, fields, None) for column in columns]
    image = pairs[0].image
    suffix = image[len(image) - len(suffix_of(image)) :]
    image_name = _named(image, pairs[0].stem) + suffix
    return Paired(
        '/'.join([*image_folders, image_name]),
        '/'.join([*mark_folders, _mark_name(pairs)]),
        tuple(pairs),
    )


def _folder(
    values: list[str], fields: dict[str, list[str]], others: Sequence[list[str]] | None
) -> str:
    """Return the part of a pattern for one level of folders.

    Args:
        values: The folder of each pair.
        fields: Known fields with their values; new ones are added if ``others`` are given.
        others: Levels of folders of the annotation files, which a new field must occur in, unless
            it tells split or patient.
    """
    if len(set(values)) == 1 and values[0] != fields['stem'][0]:
        return _literal(values[0])
    start, end, cores = _core(values)
    for field, known in fields.items():
        for before, inner, after in (('', values, ''), (start, cores, end)):
            if inner == known:
                return f'{_literal(before)}{{{field}}}{_literal(after)}'
    if others is None:
        return f'{_literal(start)}*{_literal(end)}'
    shared = any(_core(other)[2] == cores for other in others)
    if all(split_of_folder(core) for core in cores):
        field = 'split'
    elif shared and all(any(c.isdigit() for c in core) for core in cores):
        field = 'patient'
    else:
        field = 'part'
    if field in fields or (field == 'part' and not shared):
        return f'{_literal(start)}*{_literal(end)}'
    whole = field != 'split' and (not shared or any(other == values for other in others))
    fields[field] = values if whole or not shared else cores
    before, after = ('', '') if whole or not shared else (start, end)
    return f'{_literal(before)}{{{field}}}{_literal(after)}'


def _core(values: Sequence[str]) -> tuple[str, str, list[str]]:
    """Part names into what all begin with, what all end with, and the rest; words stay whole."""
    if len(set(values)) == 1:
        return '', '', list(values)
    start = common_start(values)
    while start and any(not _is_edge(value, len(start)) for value in values):
        start = start[:-1]
    end = common_start([value[len(start) :][::-1] for value in values])[::-1]
    while end and any(not _is_edge(value, len(value) - len(end)) for value in values):
        end = end[1:]
    return start, end, [value[len(start) : len(value) - len(end)] for value in values]


def _is_edge(value: str, place: int) -> bool:
    """Tell whether a word may end at a place of a name."""
    before, after = value[place - 1 : place], value[place : place + 1]
    if not before or not after:
        return True
    alike = before.isdigit() == after.isdigit() and before.isalnum() and after.isalnum()
    return not alike or (before.islower() and after.isupper())


def _mark_name(pairs: Sequence[Pair]) -> str:
    """Return the pattern of the names of annotation files, numbers that vary as classes."""
    arounds = [_around(pair.mark, pair.stem) for pair in pairs]
    ends = Counter(end for _, end in arounds)
    name = pairs[0].mark
    suffix = name[len(name) - len(suffix_of(name)) :]
    end = next(iter(ends))
    if end == _ABSENT:
        return f'{_literal(arounds[0][0])}{suffix}'
    if len(ends) == 1:
        tail = _literal(end)
    else:
        tail = re.sub(r'\d+', lambda match: '[0-9]' * len(match[0]), end)
        lengths = {len(e) for e in ends}
        tail = tail if len(lengths) == 1 else re.sub(r'\d+', '*', end)
    return f'{_literal(arounds[0][0])}{{stem}}{tail}{suffix}'


def _literal(text: str) -> str:
    """Escape what a pattern would take for a wildcard; braces cannot be escaped."""
    return _MAGIC.sub(r'[\1]', text).replace('{', '?').replace('}', '?')
