"""Images with mask images beside them."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from ..images import open_image
from ..masks import fill_outline
from .draft import UNKNOWN, Draft
from .label_files import names_of_values
from .listings import IMAGES
from .pairing import Pair, is_mark, pair_files
from .patterns import Paired, patterns_of
from .scan import Scan, common_folder, stem_of, suffix_of
from .sidecars import split_folders

__all__ = ['guess_masks', 'guess_sparse']

_MASKS = ('.png', '.gif', '.bmp', '.tif', '.tiff', '.jpg', '.jpeg')
_SAMPLES = 4
_MOST_VALUES = 40
_MOST_RULES = 8
_INDEX_LIMIT = 60
_TALKATIVE = 3
_END = re.compile(r'[-_ ]*(?P<words>.*?)(?P<number>[-_ ]\d+)?')


def guess_masks(scan: Scan) -> Draft | None:
    """Look for images whose names are in those of other images that are masks."""
    names = scan.of(*IMAGES)
    common = common_folder(names)
    marks = [name for name in names if suffix_of(name) in _MASKS and is_mark(name, common)]
    images = sorted(set(names) - set(marks))
    pairs = pair_files(images, marks) if images else []
    if not pairs:
        pairs = _by_pixels(scan, names)
    if not pairs:
        return None
    found = patterns_of(pairs)
    same = [paired for paired in found if paired.images == found[0].images]
    taken = [pair for paired in same for pair in paired.pairs]
    count = len({pair.image for pair in taken})
    draft = Draft(
        'MaskImageReader',
        {'images': found[0].images},
        {'reader': f'{count} images with {len(taken)} mask images'},
        images=sorted({pair.image for pair in taken}),
        stems=sorted({pair.stem for pair in taken}),
    )
    draft.splits = split_folders(found[0].images, draft.images)
    if len(same) > _MOST_RULES or _ends_are_names(taken):
        rule = _named_by_file(taken)
        draft.names = _end_names(taken)
        draft.why['masks'] = 'one file per structure, whose name is in the file name'
        draft.options['masks'] = [rule]
    else:
        rules = [_rule(scan, paired) for paired in same]
        draft.options['masks'] = [rule for rule, _ in rules]
        draft.labelled = [(rule, words) for rule, words in rules if 'label' in rule]
        draft.why['masks'] = 'threshold, values and fill follow from the pixels of some masks'
    if len(found) > len(same):
        draft.why['images'] = f'{len(found) - len(same)} other layouts of files are not taken'
    return draft


def guess_sparse(scan: Scan) -> Draft | None:
    """Look for images with masks in SciPy sparse npz files."""
    arrays = [name for name in scan.of('.npz') if b'indptr.npy' in scan.tail(name)]
    pairs = pair_files(scan.of(*IMAGES), arrays)
    if not pairs:
        return None
    best = patterns_of(pairs)[0]
    start, _, end = stem_of(best.pairs[0].mark).partition(best.pairs[0].stem)
    folder = best.marks.rsplit('/', 1)[0] + '/' if '/' in best.marks else ''
    values = names_of_values(scan)
    names = [values[key] for key in sorted(values) if key > 0]
    return Draft(
        'ScipyNpzReader',
        {
            'images': best.images,
            'arrays': f'{folder}{start}{{stem}}{"*" if end else ""}.npz',
            'channels': names or [UNKNOWN],
        },
        {
            'reader': f'{len(best.pairs)} images with sparse matrices',
            'channels': 'from a json file with labels' if names else 'name the rows, in order',
        },
        names=names,
        images=[pair.image for pair in best.pairs],
        stems=[pair.stem for pair in best.pairs],
    )


def _rule(scan: Scan, paired: Paired) -> tuple[dict[str, Any], str]:
    """Describe one kind of mask files, and return words that may name what they show."""
    pair = paired.pairs[0]
    end = stem_of(pair.mark).partition(pair.stem)[2]
    rule: dict[str, Any] = {'path': paired.marks}
    sampled = paired.pairs[:: max(1, len(paired.pairs) // _SAMPLES)][:_SAMPLES]
    masks = [mask for one in sampled if (mask := _pixels(scan.path(one.mark))) is not None]
    values = sorted({int(v) for mask in masks if mask.ndim == 2 for v in np.unique(mask)})
    words = f'{end}/{pair.mark.rsplit("/", 1)[0] if "/" in pair.mark else ""}'
    if any(mask.ndim == 3 for mask in masks):
        rule['colors'] = _colours([mask for mask in masks if mask.ndim == 3])
        return rule, words
    if suffix_of(pair.mark) in ('.jpg', '.jpeg') or len(values) > _MOST_VALUES:
        rule |= {'label': UNKNOWN, 'threshold': 127}
    elif len(values) <= 2:
        rule['label'] = UNKNOWN
    elif values[-1] <= _INDEX_LIMIT or 'soft' not in words.lower():
        named = names_of_values(scan)
        background = _most_common(masks)
        rule['values'] = {value: named.get(value) for value in values if value != background}
        if background:
            rule['background'] = background
    else:
        rule |= {'label': UNKNOWN, 'threshold': 127}
    fill = _fill([mask > rule.get('threshold', 0) for mask in masks]) if 'label' in rule else None
    if fill is not None:
        rule['fill'] = fill
    return rule, words


def _fill(masks: Sequence[np.ndarray]) -> str | None:
    """Tell whether masks are thin outlines, and how they are to be filled."""
    masks = [mask for mask in masks if mask.any()]
    areas = [(m.sum(), fill_outline(m, 'convex').sum(), m) for m in masks]
    if not areas or any(hull < _TALKATIVE * drawn for drawn, hull, _ in areas):
        return None
    thin = all(ndimage.binary_erosion(mask, iterations=4).sum() == 0 for *_, mask in areas)
    closed = all(fill_outline(m, 'holes').sum() > 2 * drawn for drawn, _, m in areas)
    several = any(ndimage.label(mask, np.ones((3, 3)))[1] > 2 for *_, mask in areas)
    return ('holes' if closed and several else 'convex') if thin and not several else None


def _most_common(masks: Sequence[np.ndarray]) -> int:
    values, counts = np.unique(np.concatenate([mask.ravel() for mask in masks]), return_counts=True)
    return int(values[counts.argmax()])


def _colours(masks: Sequence[np.ndarray]) -> dict[str, None]:
    counts: Counter[tuple[int, ...]] = Counter()
    for mask in masks:
        colours, numbers = np.unique(mask.reshape(-1, 3), axis=0, return_counts=True)
        for colour, number in zip(colours.tolist(), numbers.tolist(), strict=True):
            counts[tuple(colour)] += number
    return {
        '#{:02x}{:02x}{:02x}'.format(*colour): None
        for colour, _ in counts.most_common(_MOST_VALUES)
        if any(colour)
    }


def _pixels(path: Path) -> np.ndarray | None:
    """Read a mask as index values or grey levels (H, W), or colours; None if it is damaged."""
    try:
        with open_image(path) as picture:
            if picture.mode in ('P', '1') or picture.mode[0] in 'IFL':
                return (
                    np.asarray(picture).astype(np.int32)[..., :1].squeeze(-1)
                    if (picture.mode == 'LA')
                    else np.asarray(picture).astype(np.int32)
                )
            colours = np.asarray(picture.convert('RGB'))
    except (OSError, ValueError):
        return None
    grey = (np.ptp(colours.astype(np.int16), axis=2) <= 2).all()
    return colours[..., 0].astype(np.int32) if grey else colours


def _ends_are_names(pairs: Sequence[Pair]) -> bool:
    """Tell whether the ends of mask names are many, so that they name structures."""
    return len(set(_end_names(pairs))) >= _TALKATIVE


def _end_names(pairs: Sequence[Pair]) -> list[str]:
    ends = [stem_of(pair.mark).partition(pair.stem)[2] for pair in pairs]
    matches = [_END.fullmatch(end) for end in ends]
    names = {match['words'] for match in matches if match and match['words']}
    return sorted(name for name in names if not is_mark(name))


def _named_by_file(pairs: Sequence[Pair]) -> dict[str, Any]:
    paired = patterns_of(pairs)[0]
    pair = paired.pairs[0]
    start, _, end = stem_of(pair.mark).partition(pair.stem)
    match = _END.fullmatch(end)
    number = (match['number'] or '') if match else ''
    between = end[: len(end) - len(end.lstrip('-_ '))]
    folder = paired.marks.rsplit('/', 1)[0] + '/' if '/' in paired.marks else ''
    tail = re.sub(r'\d', '[0-9]', number)
    return {'path': f'{folder}{start}{{stem}}{between}{{label}}{tail}{suffix_of(pair.mark)}'}


def _by_pixels(scan: Scan, names: Sequence[str]) -> list[Pair]:
    """Pair two folders with the same names, of which one holds few grey levels only."""
    folders: dict[str, list[str]] = {}
    for name in names:
        folders.setdefault(name.rsplit('/', 1)[0] if '/' in name else '', []).append(name)
    flat = [
        folder
        for folder, files in folders.items()
        if all(_is_flat(scan.path(name)) for name in files[:_SAMPLES])
    ]
    marks = [name for folder in flat for name in folders[folder]]
    images = [name for folder in folders if folder not in flat for name in folders[folder]]
    return pair_files(images, marks) if images and marks else []


def _is_flat(path: Path) -> bool:
    pixels = _pixels(path)
    return pixels is not None and pixels.ndim == 2 and len(np.unique(pixels)) <= _TALKATIVE
