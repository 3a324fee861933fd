"""Pictures in rows."""

from collections.abc import Sequence

from PIL import Image

__all__ = ['draw_grid']

_PAPER = (255, 255, 255)
_GAP = 6


def draw_grid(
    tiles: Sequence[Image.Image], columns: int, paper: tuple[int, int, int] = _PAPER
) -> Image.Image:
    """Put pictures in rows, top edges aligned.

    Args:
        tiles: At least one picture.
        columns: Pictures per row, >= 1.
        paper: Colour between them.

    Returns:
        The sheet, RGB.

    Raises:
        ValueError: If there is no picture or ``columns`` is below 1.
    """
    if not tiles or columns < 1:
        raise ValueError(f'Expected a picture and a column, got {len(tiles)} and {columns}.')
    rows = [tiles[start : start + columns] for start in range(0, len(tiles), columns)]
    width = max(tile.width for tile in tiles)
    heights = [max(tile.height for tile in row) for row in rows]
    columns = min(columns, len(tiles))
    size = (columns * (width + _GAP) + _GAP, sum(heights) + (len(rows) + 1) * _GAP)
    sheet = Image.new('RGB', size, paper)
    top = _GAP
    for row, height in zip(rows, heights, strict=True):
        for column, tile in enumerate(row):
            sheet.paste(tile, (_GAP + column * (width + _GAP), top))
        top += height + _GAP
    return sheet
