"""Where the name of a box stands in a picture."""

from collections.abc import Sequence

__all__ = ['Rectangle', 'area', 'overlap', 'place_tag', 'place_tags']

Rectangle = tuple[float, float, float, float]


def area(box: Rectangle) -> float:
    """Return the area of ``(x1, y1, x2, y2)``."""
    return (box[2] - box[0]) * (box[3] - box[1])


def overlap(first: Rectangle, second: Rectangle) -> float:
    """Return the area that two rectangles share."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(0.0, width) * max(0.0, height)


def place_tags(
    rectangles: Sequence[Rectangle],
    texts: Sequence[tuple[float, float, float, float]],
    size: tuple[int, int],
) -> tuple[list[Rectangle], float]:
    """Place the tags of all boxes, those of small boxes first.

    Args:
        rectangles: Boxes of a picture, in its pixels.
        texts: Extent of the text of each.
        size: ``(width, height)`` of the picture.

    Returns:
        The tags in the order of the boxes, and the largest share of a tag that other tags hide.
    """
    places: dict[int, Rectangle] = {}
    for index in sorted(range(len(rectangles)), key=lambda i: area(rectangles[i])):
        taken = list(places.values())
        places[index] = place_tag(index, rectangles, texts[index], size, taken)
    tags = [places[index] for index in range(len(rectangles))]
    hidden = [
        sum(overlap(tag, other) for j, other in enumerate(tags) if j != i) / max(1.0, area(tag))
        for i, tag in enumerate(tags)
    ]
    return tags, max(hidden, default=0.0)


def place_tag(
    own: int,
    rectangles: Sequence[Rectangle],
    text: tuple[float, float, float, float],
    size: tuple[int, int],
    taken: Sequence[Rectangle],
) -> Rectangle:
    """Place a tag around its box where it hides least of other tags and of small boxes.

    Args:
        own: Which rectangle it belongs to.
        rectangles: All boxes of the picture, in its pixels.
        text: Extent of the tag's text.
        size: ``(width, height)`` of the picture.
        taken: Tags placed before.

    Returns:
        The tag's rectangle, inside the picture if it fits.
    """
    x1, y1, x2, y2 = rectangles[own]
    width, height = text[2] + 4, text[3] + 2
    middle_x, middle_y = (x1 + x2 - width) / 2, (y1 + y2 - height) / 2
    corners = [
        (x1, y1 - height - 1), (x1, y2 + 2), (x2 - width, y1 - height - 1), (x2 - width, y2 + 2),
        (x2 + 2, y1), (x1 - width - 2, y1), (x2 + 2, middle_y), (x1 - width - 2, middle_y),
        (middle_x, y1 - height - 1), (middle_x, y2 + 2), (x2 + 2, y2 - height),
        (x1 - width - 2, y2 - height), (x1 + 1, y1 + 1), (x2 - width, y2 - height),
    ]  # fmt: skip

    def hidden(tag: Rectangle) -> float:
        tags = sum(overlap(tag, other) for other in taken)
        boxes = sum(overlap(tag, box) ** 2 / max(1.0, area(box)) for box in rectangles)
        return 2 * tags + boxes

    candidates = []
    for x, y in corners:
        x = min(max(x, 0), max(0, size[0] - width))
        y = min(max(y, 0), max(0, size[1] - height))
        candidates.append((x, y, x + width, y + height))
    return min(candidates, key=hidden)
