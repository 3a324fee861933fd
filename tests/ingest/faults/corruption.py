"""Ways to damage content: pure functions of the content and a seed."""

import copy
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ['VALUES', 'Damage', 'damage_bytes', 'damage_text', 'deep', 'put', 'tree_paths']

_TEXT = b'<html><body>404 Not Found</body></html>\n'
_END = 24
_SHARES = (0.05, 0.15, 0.3, 0.5, 0.7, 0.85)

VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    9**400,
    1e308,
    float('nan'),
    float('inf'),
    '',
    'x',
    '../../etc/passwd',
    'a\0b',
    '\u202egnp.exe',
    'x' * 5000,
    [],
    {},
    [[]],
    [None],
    {'a': {}},
)
"""Values of wrong kinds, to be put in the place of any other."""


@dataclass(frozen=True)
class Damage:
    """Damaged content.

    Args:
        name: What was done.
        data: The content.
        fatal: Whether nothing in its place may be taken; False if it can be harmless.
    """

    name: str
    data: bytes
    fatal: bool


def damage_bytes(
    data: bytes, seed: str, *, magic: int = 0, header: int = 64, flips: int = 8
) -> list[Damage]:
    """Damage a binary file: cut, overwritten, zeroed, of another kind.

    Args:
        data: The whole file.
        seed: Seed of all chances.
        magic: Where the mark of its kind begins, in bytes.
        header: Length of the header that is flipped, in bytes.
        flips: How many copies have flipped bytes in the header, and as many anywhere.
    """
    rng = random.Random(seed)
    found = [
        Damage('empty', b'', True),
        Damage('one byte', data[:1], True),
        Damage('text', _TEXT, True),
        Damage('random', rng.randbytes(len(data)), True),
        Damage('only zeros', bytes(len(data)), True),
        Damage('magic', data[:magic] + b'\x01\x02\x03\x04' + data[magic + 4 :], True),
        Damage('shifted', b'\0' + data, False),
        Damage('tail', data + rng.randbytes(300), False),
        Damage('swapped halves', data[len(data) // 2 :] + data[: len(data) // 2], False),
    ]
    whole = len(data) - _END
    found += [Damage(f'cut at {s:.0%}', data[: int(s * whole)], True) for s in _SHARES]
    found.append(Damage('last byte missing', data[:-1], False))
    for number in range(flips):
        found.append(Damage(f'header flip {number}', _flip(data, rng, header), False))
        found.append(Damage(f'flip {number}', _flip(data, rng, len(data)), False))
    for share in (0.2, 0.5, 0.8):
        place = int(share * len(data))
        end = min(len(data), place + max(4, len(data) // 10))
        zeroed = data[:place] + bytes(end - place) + data[end:]
        found.append(Damage(f'zeros at {share:.0%}', zeroed, False))
    return found


def damage_text(text: str, seed: str, count: int = 12) -> list[Damage]:
    """Damage a text file: other encodings, NUL, cuts at any place, lost and doubled parts."""
    rng = random.Random(seed)
    data = text.encode()
    found = [
        Damage('empty', b'', False),
        Damage('binary', rng.randbytes(len(data)), True),
        Damage('utf-16', text.encode('utf-16'), True),
        Damage('byte order mark', b'\xef\xbb\xbf' + data, False),
        Damage('not utf-8', data[: len(data) // 2] + b'\xe9\xff' + data[len(data) // 2 :], True),
        Damage('NUL', data[: len(data) // 2] + b'\0' + data[len(data) // 2 :], False),
        Damage('carriage returns', data.replace(b'\n', b'\r'), False),
        Damage('twice', data + data, False),
    ]
    for number in range(count):
        place, length = rng.randrange(len(data)), rng.randrange(1, 20)
        kept = data[:place]
        found.append(Damage(f'cut {number} at {place}', kept, False))
        found.append(Damage(f'lost {number} at {place}', kept + data[place + length :], False))
        noise = ''.join(rng.choices('"{}[]<>&,;:\\/-+.e0149 \t\né漢', k=length))
        found.append(
            Damage(f'noise {number} at {place}', kept + noise.encode() + data[place:], False)
        )
    return found


def deep(opening: str, closing: str, depth: int = 100_000) -> bytes:
    """Nest brackets or tags."""
    return (opening * depth + closing * depth).encode()


def tree_paths(tree: Any, path: tuple = ()) -> Iterator[tuple]:
    """Yield the path of every value of a tree of plain values, the tree itself first."""
    yield path
    children = tree.items() if isinstance(tree, dict) else ()
    if isinstance(tree, list):
        children = enumerate(tree)
    for key, value in children:
        yield from tree_paths(value, (*path, key))


def put(tree: Any, path: tuple, value: Any) -> Any:
    """Return a tree with another value at a path."""
    if not path:
        return value
    changed = copy.deepcopy(tree)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed


def _flip(data: bytes, rng: random.Random, end: int) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        changed[rng.randrange(min(end, len(data)))] ^= rng.randrange(1, 256)
    return bytes(changed)
