"""Which annotation file belongs to which image, by their names."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from .scan import stem_of

__all__ = [
    'Pair',
    'common_start',
    'is_mark',
    'pair_files',
    'words_of',
]

_WORDS = re.compile(r'[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+')
_MARK_WORDS = {
    'annotation',
    'annotations',
    'ground',
    'groundtruth',
    'gt',
    'gts',
    'label',
    'labels',
    'manual',
    'mask',
    'masks',
    'msk',
    'seg',
    'segmentation',
    'segmentations',
    'softmap',
    'truth',
}
_LONGEST_START = 24
_FIRST_CHANNEL = '_0000'


@dataclass(frozen=True)
class Pair:
    """An annotation file and its image.

    Args:
        image: Path of the image.
        mark: Path of the annotation file.
        stem: What both names share.
    """

    image: str
    mark: str
    stem: str


def words_of(text: str) -> list[str]:
    """Return the words of a name in small letters; a change of case ends a word."""
    return [word.lower() for word in _WORDS.findall(text)]


def common_start(names: Sequence[str]) -> str:
    """Return what all names begin with.

    Example:
        >>> common_start(['img0001', 'img0002'])
        'img000'
    """
    first, last = min(names), max(names)
    same = (i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b)
    return first[: next(same, min(len(first), len(last)))]


def is_mark(name: str, common: str = '') -> bool:
    """Tell whether the words of a path say that it is an annotation file.

    Args:
        name: Path of the file.
        common: Folder that holds all files, whose words tell nothing.
    """
    told = name[len(common) :] if common and name.startswith(common) else name
    return not _MARK_WORDS.isdisjoint(words_of(told))


def pair_files(images: Sequence[str], marks: Sequence[str]) -> list[Pair]:
    """Pair annotation files with the images whose name theirs holds.

    First the whole name of an image is looked for in that of the annotation file; if this finds
    less than half, what is left of it without the channel, or without what the names of all
    images begin and end with.

    Args:
        images: Paths of images.
        marks: Paths of annotation files.

    Returns:
        One pair per annotation file that has an image, in the order of ``marks``.
    """
    whole = {image: stem_of(image) for image in images}
    found = [_pair(whole, marks)]
    for shorter in (_without_channel, _without_ends):
        if 2 * len(found[0]) < len(marks):
            stems = shorter(whole)
            found.append(_pair(stems, marks) if stems else [])
    return max(found, key=len)


def _without_channel(whole: dict[str, str]) -> dict[str, str]:
    """Take the channel from the names of volumes, as nnU-Net has it; only the first is kept."""
    first = {image: stem for image, stem in whole.items() if stem.endswith(_FIRST_CHANNEL)}
    return {image: stem.removesuffix(_FIRST_CHANNEL) for image, stem in first.items()}


def _without_ends(whole: dict[str, str]) -> dict[str, str]:
    """Take from all names what they begin and end with; empty if they do not differ then."""
    if not whole:
        return {}
    stems = sorted(whole.values())
    if len(stems) == 1:
        start, end = re.match(r'[A-Za-z_-]*', stems[0])[0], ''  # type: ignore[index]
    else:
        start = re.sub(r'\d+$', '', common_start(stems))
        end = common_start([stem[len(start) :][::-1] for stem in stems])[::-1]
        end = re.sub(r'^\d+', '', end)
    cores = {image: stem[len(start) : len(stem) - len(end)] for image, stem in whole.items()}
    good = len(set(cores.values())) == len(set(stems)) and all(cores.values())
    return cores if good else {}


def _pair(stems: dict[str, str], marks: Sequence[str]) -> list[Pair]:
    by_stem: dict[str, list[str]] = defaultdict(list)
    for image, stem in stems.items():
        by_stem[stem].append(image)
    pairs = []
    for mark in marks:
        found = _longest(stem_of(mark), by_stem)
        if found is not None:
            nearest = sorted((-_shared(image, mark), image) for image in by_stem[found])
            pairs.append(Pair(nearest[0][1], mark, found))
    return pairs


def _longest(name: str, stems: dict[str, list[str]]) -> str | None:
    """Find the longest stem that a name holds near its start, not cutting a number."""
    for length in range(len(name), 0, -1):
        for start in range(0, min(_LONGEST_START, len(name) - length) + 1):
            part = name[start : start + length]
            if part in stems and not _cuts_number(name, start, start + length):
                return part
    return None


def _cuts_number(name: str, start: int, end: int) -> bool:
    before = start > 0 and name[start - 1].isdigit() and name[start].isdigit()
    after = end < len(name) and name[end].isdigit() and name[end - 1].isdigit()
    return before or after


def _shared(image: str, mark: str) -> int:
    """Count the words that the folders of two paths have in common."""
    folders = (' '.join(PurePosixPath(path).parts[:-1]) for path in (image, mark))
    words = [set(words_of(text)) for text in folders]
    return len(words[0] & words[1])
