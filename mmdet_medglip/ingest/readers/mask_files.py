"""Mask images: how a recipe describes them, and the regions they hold."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..annotation_files import load_json
from ..images import image_size, open_image
from ..masks import encode_rle, fill_outline
from ..paths import inside
from ..pictures import load_plane
from ..source import SourceRegion

__all__ = ['MaskRule', 'decode_mask', 'parse_mask_rule', 'regions_of_mask']

_KINDS = ('label', 'values', 'colors', 'instances')
_COMMON = {'path', 'fill', 'annotator'}
_KEYS = {
    'label': {'threshold', 'objects'},
    'file name': {'threshold', 'objects', 'separator', 'codes'},
    'values': {'background', 'objects'},
    'colors': {'tolerance', 'objects'},
    'instances': set(),
}
_HEX = re.compile(r'#[0-9a-fA-F]{6}')
_MAX_OBJECTS = 4096


@dataclass(frozen=True)
class MaskRule:
    """How the pixels of one kind of mask file are named.

    Args:
        path: Pattern of the files.
        kind: ``label``, ``file name``, ``values``, ``colors`` or ``instances``.
        names: Names by pixel value, or by colour ``(r, g, b)``; the one name under the key None
            where all pixels have the same.
        codes: Name by the text of ``{label}``, for each ``{dataset}``; '' for all.
        threshold: Grey level that a pixel inside exceeds.
        background: Pixel value without meaning.
        tolerance: How far each channel of a pixel may be from its colour.
        separator: Text of ``{label}`` that stands for a space.
        fill: See ``fill_outline``; None leaves masks as they are.
        annotator: Who drew them; ``{annotator}`` of the pattern if None.
        objects: Whether each file (of each name) is one object, whatever its components.
    """

    path: str
    kind: str
    names: Mapping[Any, tuple[str, ...]] = field(default_factory=dict)
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    threshold: float = 0
    background: int = 0
    tolerance: int = 0
    separator: str = ''
    fill: Any = None
    annotator: str | None = None
    objects: bool = False

    def declared_names(self) -> tuple[str, ...]:
        """Return the names that the rule itself gives."""
        return tuple(dict.fromkeys(name for names in self.names.values() for name in names))

    def name_in(self, fields: Mapping[str, str]) -> str:
        """Return the name that a file name tells.

        Raises:
            ValueError: If it is a code without a name.
        """
        text = fields['label']
        if self.codes:
            names = self.codes.get(fields.get('dataset', ''), self.codes.get('', {}))
            if text not in names:
                raise ValueError(f'label code {text!r} has no name')
            return names[text]
        return text.replace(self.separator, ' ') if self.separator else text


def parse_mask_rule(given: Mapping[str, Any], root: Path) -> MaskRule:
    """Check one entry of the option ``masks``.

    Args:
        given: The entry.
        root: Folder of the data set, for the file of ``codes``.

    Raises:
        FileNotFoundError: If the file of ``codes`` does not exist.
        ValueError: If the entry has unknown or missing keys, or a value is wrong.
    """
    spec = dict(given)
    path = spec.get('path')
    kinds = [kind for kind in _KINDS if kind in spec]
    if isinstance(path, str) and '{label}' in path:
        kinds.append('file name')
    known = _COMMON | (_KEYS[kinds[0]] | {kinds[0]} if len(kinds) == 1 else set())
    if not isinstance(path, str) or len(kinds) != 1 or set(spec) - known:
        raise ValueError(
            f"each of 'masks' needs 'path' and one of {', '.join(_KINDS)} or '{{label}}' in the "
            f'path, and may have {", ".join(sorted(known - {"path"}))}; got {given!r}'
        )
    kind = kinds[0]
    names = _names(kind, spec.pop(kind, None))
    spec['codes'] = _codes(inside(root, spec['codes'])) if 'codes' in spec else {}
    if spec.get('fill') not in (None, 'holes', 'convex'):
        raise ValueError(f"'fill' must be 'holes' or 'convex', got {spec['fill']!r}")
    return MaskRule(kind=kind, names=names, **spec)


def decode_mask(path: Path, kind: str, size: tuple[int, int]) -> np.ndarray:
    """Read a mask file.

    Args:
        path: An image, or a NIfTI file of one plane.
        kind: See :class:`MaskRule`.
        size: ``(height, width)`` of its image.

    Returns:
        Grey levels or index values (H, W), or for ``colors`` uint8 (H, W, 3).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is broken or of another size than its image.
    """
    plane = load_plane(path) if path.name.lower().endswith(('.nii', '.nii.gz')) else None
    shape = image_size(path) if plane is None else plane.size
    if shape != size:
        raise ValueError(
            f'{path} has {shape[0]} rows and {shape[1]} columns, its image has {size[0]} and '
            f'{size[1]}.'
        )
    if plane is not None:
        return plane.rescale_slope * plane.pixels() + plane.rescale_intercept
    with open_image(path) as image:
        if kind == 'colors':
            return np.asarray(image.convert('RGB'))
        by_value = kind in ('values', 'instances')
        if image.mode == '1' or (by_value and image.mode == 'P') or image.mode[0] in 'IF':
            return np.asarray(image).astype(np.float32 if image.mode == 'F' else np.int32)
        return np.asarray(image.convert('L'))


def regions_of_mask(
    pixels: np.ndarray, rule: MaskRule, fields: Mapping[str, str]
) -> tuple[list[SourceRegion], list[str]]:
    """Name what a mask holds.

    Args:
        pixels: From :func:`decode_mask`.
        rule: How they are named.
        fields: Fields of the image's and the mask's file names.

    Returns:
        Regions with at least one pixel, and in words the pixel values that have no name.

    Raises:
        ValueError: If the rule does not fit the pixels.
    """
    annotator = rule.annotator or fields.get('annotator')
    if rule.kind == 'instances':
        return _objects(pixels, rule, annotator), []
    unnamed: list[str] = []
    if rule.kind in ('label', 'file name'):
        name = rule.name_in(fields) if rule.kind == 'file name' else rule.names[None][0]
        masks = iter([(name, pixels > rule.threshold)])
    elif rule.kind == 'values':
        masks, unnamed = _by_value(pixels, rule)
    else:
        masks, unnamed = _by_colour(pixels, rule)
    regions = []
    for name, mask in masks:
        filled = fill_outline(mask, rule.fill) if rule.fill else mask
        if filled.any():
            regions.append(SourceRegion(name, None, filled, rule.objects, annotator=annotator))
    return regions, unnamed


_Masks = Iterator[tuple[str, np.ndarray]]


def _by_value(pixels: np.ndarray, rule: MaskRule) -> tuple[_Masks, list[str]]:
    """Return the masks of the names, each the union of its values, and the values without."""
    values = {
        name: [v for v, names in rule.names.items() if name in names]
        for name in rule.declared_names()
    }
    present = np.unique(pixels)
    unnamed = [v for v in present.tolist() if v not in rule.names and v != rule.background]
    masks = ((name, np.isin(pixels, wanted)) for name, wanted in values.items())
    return masks, [f'value {value:g}' for value in unnamed]


def _by_colour(pixels: np.ndarray, rule: MaskRule) -> tuple[_Masks, list[str]]:
    """Return the masks of the names by the nearest colour within the tolerance; black is none."""
    packed = pixels.astype(np.int32) @ np.array([65536, 256, 1], dtype=np.int32)
    present, places = np.unique(packed, return_inverse=True)
    colours = np.stack([present >> 16, present >> 8 & 255, present & 255], axis=1)
    known = list(rule.names) + ([(0, 0, 0)] if (0, 0, 0) not in rule.names else [])
    nearest = np.full(len(present), -1)
    best = np.full(len(present), rule.tolerance + 1)
    for index, colour in enumerate(known):
        apart = np.abs(colours - np.array(colour)).max(axis=1)
        nearest[apart < best] = index
        best = np.minimum(best, apart)
    numbered = nearest[places].reshape(packed.shape)
    masks = (
        (name, np.isin(numbered, [i for i, c in enumerate(known) if name in rule.names.get(c, ())]))
        for name in rule.declared_names()
    )
    return masks, [f'colour #{value:06x}' for value in present[nearest < 0].tolist()]


def _objects(pixels: np.ndarray, rule: MaskRule, annotator: str | None) -> list[SourceRegion]:
    """Return one region per pixel value over 0; run lengths, for there may be many."""
    present = [value for value in np.unique(pixels).tolist() if value > 0]
    if len(present) > _MAX_OBJECTS:
        raise ValueError(
            f'mask has {len(present)} values, over {_MAX_OBJECTS}: no instance mask, use '
            "'label' and a threshold"
        )
    [name] = rule.names[None]
    regions = []
    for value in present:
        mask = pixels == value
        mask = fill_outline(mask, rule.fill) if rule.fill else mask
        regions.append(SourceRegion(name, mask=encode_rle(mask), annotator=annotator))
    return regions


def _names(kind: str, given: Any) -> dict[Any, tuple[str, ...]]:
    """Bring the names of a rule to one form; null names are values without meaning."""
    if kind == 'file name':
        return {}
    if kind in ('label', 'instances'):
        return {None: (str(given),)}
    if not isinstance(given, Mapping) or not given:
        raise ValueError(f'{kind!r} must be a mapping from pixels to names, got {given!r}')
    read = _colour if kind == 'colors' else _value
    return {
        read(key): tuple(str(n) for n in (names if isinstance(names, list) else [names]) if n)
        for key, names in given.items()
    }


def _value(key: Any) -> int:
    try:
        return int(key)
    except (TypeError, ValueError):
        raise ValueError(f"pixel values of 'values' must be whole numbers, got {key!r}") from None


def _colour(key: Any) -> tuple[int, int, int]:
    text = str(key)
    if _HEX.fullmatch(text):
        return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)
    parts = [part.strip() for part in text.strip('[]()').split(',')]
    if len(parts) == 3 and all(part.isdigit() and int(part) < 256 for part in parts):
        return int(parts[0]), int(parts[1]), int(parts[2])
    raise ValueError(f"a colour must be '#rrggbb' or 'r, g, b', got {key!r}")


def _codes(path: Path) -> dict[str, dict[str, str]]:
    """Read ``{name: code}`` or ``{data set: {name: code}}`` as names by code by data set."""
    data = load_json(path)
    nested = isinstance(data, dict) and all(isinstance(names, dict) for names in data.values())
    groups = data if nested else {'': data}
    if not all(isinstance(names, dict) for names in groups.values()):
        raise ValueError(f'{path} must map names to codes, or data sets to such mappings')
    return {
        str(group): {str(code): str(name) for name, code in names.items()}
        for group, names in groups.items()
    }
