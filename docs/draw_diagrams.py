"""Draw the diagrams of docs/model.md: ``python docs/draw_diagrams.py``.

Plain SVG without scripts or fonts of its own. Boxes carry their own background, and lines are of a
grey that shows on white and on black, so that one file serves the light and the dark theme.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

IMAGES = Path(__file__).parent / 'images'
LINE = '#7f8ea3'
KINDS = {
    'data': ('#e8edf4', '#5b6b80'),
    'text': ('#fdebd0', '#b9770e'),
    'image': ('#d6eaf8', '#2471a3'),
    'both': ('#e8daef', '#7d3c98'),
    'out': ('#d5f5e3', '#1e8449'),
    'off': ('#eef1f5', '#a9b4c2'),
}
"""Fill and border by what a box is about."""


@dataclass(frozen=True)
class Box:
    """A box: its place in pixels, its kind, its name and lines below the name."""

    x: int
    y: int
    width: int
    height: int
    kind: str
    name: str
    lines: tuple[str, ...] = ()

    def svg(self) -> str:
        """Draw it."""
        fill, border = KINDS[self.kind]
        middle = self.x + self.width / 2
        faint = self.kind == 'off'
        text = '#6b7785' if faint else '#1c2733'
        top = self.y + self.height / 2 - 8 * len(self.lines) + 5
        parts = [
            f'<rect x="{self.x}" y="{self.y}" width="{self.width}" height="{self.height}" rx="7" '
            f'fill="{fill}" stroke="{border}" stroke-width="1.5"/>',
            f'<text x="{middle:g}" y="{top:g}" fill="{text}" font-weight="600">'
            f'{escape(self.name)}</text>',
        ]
        for number, line in enumerate(self.lines, 1):
            parts.append(
                f'<text x="{middle:g}" y="{top + 16 * number:g}" fill="{text}" font-size="12">'
                f'{escape(line)}</text>'
            )
        return '\n'.join(parts)


def arrow(*points: tuple[int, int], dashed: bool = False) -> str:
    """A line through points, with a head at its end."""
    path = ' L'.join(f'{x} {y}' for x, y in points)
    dash = ' stroke-dasharray="5 4"' if dashed else ''
    return (
        f'<path d="M{path}" fill="none" stroke="{LINE}" stroke-width="2"{dash} '
        'marker-end="url(#head)"/>'
    )


def note(x: int, y: int, text: str) -> str:
    """Small words beside a line."""
    return f'<text x="{x}" y="{y}" fill="{LINE}" font-size="12">{escape(text)}</text>'


def picture(title: str, width: int, height: int, parts: list[str]) -> str:
    """Put parts into a file."""
    return '\n'.join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img" text-anchor="middle" '
            'font-family="system-ui, sans-serif" font-size="14">',
            f'<title>{escape(title)}</title>',
            '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
            f'markerHeight="7" orient="auto"><path d="M0 0L10 5L0 10z" fill="{LINE}"/></marker>'
            '</defs>',
            *parts,
            '</svg>',
            '',
        ]
    )


def model() -> str:
    """What one image and its phrases go through."""
    experts = [
        Box(232, 100 + 42 * i, 148, 34, 'image' if i == 0 else 'off', name)
        for i, name in enumerate(('CT expert', 'MR expert', '… seven in all'))
    ]
    boxes = [
        Box(16, 20, 170, 62, 'text', 'phrases', ('“liver”, “left kidney”',)),
        Box(16, 124, 170, 62, 'data', 'image, modality', ('windowed, 256 x 256',)),
        Box(222, 20, 168, 62, 'text', 'TextEncoder', ('tokens (B, T, D), cached',)),
        Box(
            448, 64, 172, 96, 'both', 'LanguageFusedFPN', ('P3 … P7 and tokens,', 'fused both ways')
        ),
        Box(666, 40, 178, 62, 'both', 'MedGroundingHead', ('place by token scores',)),
        Box(666, 128, 178, 62, 'both', 'PresenceHead', ('is it there at all?',)),
        Box(892, 64, 130, 96, 'out', 'answers', ('boxes, scores,', 'phrase of each,', 'presence')),
    ]
    frame = (
        f'<rect x="222" y="92" width="168" height="138" rx="9" fill="none" stroke="{LINE}" '
        'stroke-dasharray="4 4"/>'
    )
    parts = [
        frame,
        *(box.svg() for box in (*boxes, *experts)),
        note(306, 246, 'ModalityRouter'),
        arrow((186, 51), (220, 51)),
        arrow((186, 155), (210, 155), (210, 117), (230, 117)),
        arrow((390, 51), (420, 51), (420, 92), (446, 92)),
        arrow((380, 117), (404, 117), (404, 136), (446, 136)),
        note(421, 158, 'C3 to C5'),
        arrow((620, 100), (644, 100), (644, 71), (664, 71)),
        arrow((620, 124), (644, 124), (644, 159), (664, 159)),
        arrow((844, 71), (868, 71), (868, 100), (890, 100)),
        arrow((844, 159), (868, 159), (868, 124), (890, 124)),
    ]
    return picture('MedGLIP: from an image and phrases to answers', 1036, 258, parts)


def journey() -> str:
    """What happens to data, from files to a served model."""
    row = [
        ('data', 'your files', ('DICOM, NIfTI, PNG', 'boxes or masks')),
        ('data', 'recipe', ('layout, labels,', 'patients, split')),
        ('image', 'store', ('images, records,', 'data card')),
        ('both', 'training', ('any config,', 'one data_root')),
        ('both', 'packed model', ('weights, config,', 'labels, card')),
        ('out', 'answers', ('JSON, COCO, SR,', 'pictures, a page')),
    ]
    boxes = [Box(14 + 168 * i, 30, 128, 88, *entry) for i, entry in enumerate(row)]
    names = ('init', 'ingest', 'train, test', 'pack', 'predict, serve')
    parts = [box.svg() for box in boxes]
    for number, name in enumerate(names):
        start = 14 + 168 * number + 128
        parts += [arrow((start, 74), (start + 38, 74)), note(start + 20, 140, name)]
    parts.append(arrow((582, 118), (582, 172), (410, 172), (410, 120), dashed=True))
    parts.append(note(496, 190, 'evaluate, look, mend the data'))
    return picture('From files to answers, with the command of each step', 1002, 204, parts)


DIAGRAMS = {'model.svg': model, 'journey.svg': journey}


def main() -> None:
    """Write all diagrams."""
    for name, draw in DIAGRAMS.items():
        (IMAGES / name).write_text(draw(), encoding='utf-8')


if __name__ == '__main__':
    main()
