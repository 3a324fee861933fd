"""Regions of the images that questions or reports are about, whatever a store calls them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from .regions import ImageRegions

__all__ = ['match_regions']


def match_regions(
    regions: Mapping[str, ImageRegions], image_ids: Iterable[str]
) -> dict[str, ImageRegions]:
    """Find the regions of each image.

    An entry of the image's own id is taken first. Else it is the one entry of whose id the image's
    is a part: ingest names the image ``synpic54733`` of a source ``vqa_rad/synpic54733`` and
    SLAKE's ``xmlab1`` ``slake/xmlab1/source``. Parts are what stands between slashes, the last one
    without a file's ending.

    Args:
        regions: Regions by id.
        image_ids: Ids of the images; may repeat.

    Returns:
        Regions under the ids of the images.

    Raises:
        ValueError: An image has no entry, or several that could be meant.
    """
    by_part: dict[str, list[str]] = {}
    for name in regions:
        path = PurePosixPath(name)
        for part in {*path.parts[:-1], path.stem}:
            by_part.setdefault(part, []).append(name)
    found: dict[str, ImageRegions] = {}
    missing: list[str] = []
    for image_id in dict.fromkeys(image_ids):
        names = [image_id] if image_id in regions else by_part.get(image_id, [])
        if len(names) > 1:
            raise ValueError(
                f'Image {image_id!r} may be any of {len(names)} entries of the regions, such as '
                f'{names[0]!r} and {names[1]!r}: name entries by the ids of the images.'
            )
        if names:
            found[image_id] = replace(regions[names[0]], image_id=image_id)
        else:
            missing.append(image_id)
    if missing:
        known = ', '.join(map(repr, sorted(regions)[:3])) or 'none'
        raise ValueError(
            f'{len(missing)} images have no entry in the regions, the first is {missing[0]!r}; '
            f'entries are such as {known}. An image without regions needs an entry that is empty: '
            'run the detector on it too.'
        )
    return found
