"""Regions of the images that questions or reports are about, whatever a store calls them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from .regions import ImageRegions

__all__ = ['match_names', 'match_regions']


def match_regions(
    regions: Mapping[str, ImageRegions], image_ids: Iterable[str]
) -> dict[str, ImageRegions]:
    """Find the regions of each image.

    Args:
        regions: Regions by id.
        image_ids: Ids of the images; may repeat.

    Returns:
        Regions under the ids of the images, see :func:`match_names`.

    Raises:
        ValueError: An image has no entry, or several that could be meant.
    """
    return {
        image_id: replace(regions[name], image_id=image_id)
        for image_id, name in match_names(regions, image_ids).items()
    }


def match_names(names: Collection[str], image_ids: Iterable[str]) -> dict[str, str]:
    """Find the entry of each image among names.

    An entry of the image's own id is taken first. Else it is the one entry of whose id the image's
    is a part: ingest names the image ``synpic54733`` of a source ``vqa_rad/synpic54733`` and
    SLAKE's ``xmlab1`` ``slake/xmlab1/source``. Parts are what stands between slashes, the last one
    also without a file's ending.

    Args:
        names: Of the entries.
        image_ids: Ids of the images; may repeat.

    Returns:
        The name of the entry by image id.

    Raises:
        ValueError: An image has no entry, or several that could be meant.
    """
    by_part: dict[str, list[str]] = {}
    for name in names:
        path = PurePosixPath(name)
        for part in {*path.parts, path.stem}:
            by_part.setdefault(part, []).append(name)
    found: dict[str, str] = {}
    missing: list[str] = []
    for image_id in dict.fromkeys(image_ids):
        meant = [image_id] if image_id in names else by_part.get(image_id, [])
        if len(meant) > 1:
            raise ValueError(
                f'Image {image_id!r} may be any of {len(meant)} entries of the regions, such as '
                f'{meant[0]!r} and {meant[1]!r}: name entries by the ids of the images.'
            )
        if meant:
            found[image_id] = meant[0]
        else:
            missing.append(image_id)
    if missing:
        known = ', '.join(map(repr, sorted(names)[:3])) or 'none'
        raise ValueError(
            f'{len(missing)} images have no entry in the regions, the first is {missing[0]!r}; '
            f'entries are such as {known}. An image without regions needs an entry that is empty: '
            'run the detector on it too.'
        )
    return found
