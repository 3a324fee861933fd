"""Ways to make hostile content: pure functions of the content and a random generator."""

import gzip
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from random import Random

from tests.ingest.faults.corruption import VALUES, deep, put, tree_paths

from .target import Mutator

__all__ = ['BINARY', 'TEXT', 'in_gzip', 'in_zip', 'json_values', 'replace_tokens']

_EXTREMES = (0, 1, -1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**40)
_EXTREMES_8 = (*_EXTREMES, 2**63 - 1, -(2**63))
_FLOATS = (0.0, -0.0, 1e-320, 1e308, -1e308, float('nan'), float('inf'), -float('inf'))

TOKENS = (
    'NaN',
    'Infinity',
    '-1',
    '0',
    '1e400',
    '-0',
    '2147483648',
    '18446744073709551616',
    '9' * 5000,
    '1_000',
    '0x7f',
    'null',
    'true',
    '[]',
    '{}',
    '""',
    '../../../etc/passwd',
    '/etc/passwd',
    'a\0b',
    '\\u0000',
    '\\ud800',
    '\u202egnp.exe',
    'e\u0301' * 50,
    '\U0001f9e0',
    '\ufeff',
    '\u2028',
    'x' * 70_000,
    '&a [*a]',
    '*a',
    '!!python/object/apply:os.system ["true"]',
    '<<: *a',
    '2001-99-99',
    '%s%n',
    '${HOME}',
    '1:99:99:99',
    '- ' * 2000,
    '? [a, b]\n: c',
    '\r',
    '\n',
    '\t',
    ' ',
    '|',
    '"',
    "'",
    ',',
    ';',
    ':',
    '#',
)
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|\w+|[^\w\s]')
_NUMBER = re.compile(r'-?\d+(?:\.\d+)?')


def flip_bits(data: bytes, rng: Random) -> bytes:
    """Flip up to 8 bits, mostly near the beginning, where headers are."""
    changed = bytearray(data)
    for _ in range(rng.randrange(1, 9)):
        end = rng.choice((64, 512, len(changed)))
        if changed:
            changed[rng.randrange(min(end, len(changed)))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def set_numbers(data: bytes, rng: Random) -> bytes:
    """Put extreme numbers of 1 to 8 bytes, both byte orders, in the place of others."""
    changed = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        size = rng.choice((1, 2, 4, 8))
        order = rng.choice('<>')
        if rng.random() < 0.2 and size >= 4:
            value = rng.choice(_FLOATS)
            packed = struct.pack(order + 'd', value) if size == 8 else _float(order, value)
        else:
            number = rng.choice(_EXTREMES_8) % (1 << 8 * size)
            packed = number.to_bytes(size, 'little' if order == '<' else 'big')
        end = rng.choice((128, 512, len(changed)))
        place = rng.randrange(max(1, min(end, len(changed)) - size + 1))
        if rng.random() < 0.6:
            place -= place % size
        changed[place : place + size] = packed
    return bytes(changed)


def _float(order: str, value: float) -> bytes:
    try:
        return struct.pack(order + 'f', value)
    except OverflowError:
        return struct.pack(order + 'f', float('inf'))


def cut(data: bytes, rng: Random) -> bytes:
    """Cut the end off."""
    return data[: rng.randrange(len(data) + 1)]


def lose(data: bytes, rng: Random) -> bytes:
    """Take a run of bytes out."""
    start = rng.randrange(len(data) + 1)
    return data[:start] + data[start + rng.randrange(1, 1 + max(1, len(data) // 4)) :]


def double(data: bytes, rng: Random) -> bytes:
    """Say a run of bytes again, once or many times."""
    start = rng.randrange(len(data) + 1)
    run = data[start : start + rng.randrange(1, 65)]
    return data[:start] + run * rng.choice((2, 2, 2, 1000)) + data[start + len(run) :]


def zero(data: bytes, rng: Random) -> bytes:
    """Overwrite a run by one byte."""
    start = rng.randrange(len(data) + 1)
    length = min(len(data) - start, rng.randrange(1, 65))
    return data[:start] + rng.choice((b'\0', b'\xff')) * length + data[start + length :]


def noise(data: bytes, rng: Random) -> bytes:
    """Insert noise."""
    start = rng.randrange(len(data) + 1)
    return data[:start] + rng.randbytes(rng.randrange(1, 65)) + data[start:]


def swap(data: bytes, rng: Random) -> bytes:
    """Turn two parts around."""
    start = rng.randrange(len(data) + 1)
    return data[start:] + data[:start]


BINARY: tuple[Mutator, ...] = (
    flip_bits,
    flip_bits,
    set_numbers,
    set_numbers,
    set_numbers,
    cut,
    lose,
    double,
    zero,
    noise,
    swap,
)


def replace_tokens(data: bytes, rng: Random) -> bytes:
    """Put hostile words in the place of words, numbers and marks."""
    text = data.decode('utf-8', 'surrogateescape')
    found = list((_NUMBER if rng.random() < 0.3 else _WORD).finditer(text))
    chosen = rng.sample(found, min(len(found), rng.choice((1, 1, 2, 5))))
    for match in sorted(chosen, key=_start, reverse=True):
        token = rng.choice(TOKENS)
        if rng.random() < 0.3 and match[0].startswith('"'):
            token = f'"{token}"'
        text = text[: match.start()] + token + text[match.end() :]
    return text.encode('utf-8', 'surrogatepass')


def _start(match: re.Match[str]) -> int:
    return match.start()


def insert_token(data: bytes, rng: Random) -> bytes:
    """Insert a hostile word."""
    start = rng.randrange(len(data) + 1)
    return data[:start] + rng.choice(TOKENS).encode('utf-8', 'surrogatepass') + data[start:]


def shuffle_lines(data: bytes, rng: Random) -> bytes:
    """Drop, repeat and swap lines."""
    lines = data.splitlines(keepends=True)
    if not lines:
        return data
    for _ in range(rng.randrange(1, 4)):
        place = rng.randrange(len(lines))
        what = rng.randrange(3)
        if what == 0 and len(lines) > 1:
            del lines[place]
        elif what == 1:
            lines.insert(rng.randrange(len(lines) + 1), lines[place])
        else:
            lines[place] = lines[place].replace(b' ', b'')
    return b''.join(lines)


def nest(data: bytes, rng: Random) -> bytes:
    """Insert brackets or tags, nested deep."""
    pair = rng.choice(
        (('[', ']'), ('{"a":', '}'), ('<a>', '</a>'), ('(', ')'), ('{', '}'), ('- ', ''))
    )
    start = rng.randrange(len(data) + 1)
    return data[:start] + deep(*pair, rng.choice((50, 1200, 60_000))) + data[start:]


def other_encoding(data: bytes, rng: Random) -> bytes:
    """Change the encoding, or the ends of lines."""
    text = data.decode('utf-8', 'replace')
    return rng.choice(
        (
            text.encode('utf-16'),
            b'\xef\xbb\xbf' + data,
            data.replace(b'\n', b'\r\n'),
            data.replace(b'\n', b'\r'),
            text.encode('latin-1', 'replace') + b'\xe9\xff',
        )
    )


TEXT: tuple[Mutator, ...] = (
    replace_tokens,
    replace_tokens,
    replace_tokens,
    insert_token,
    shuffle_lines,
    nest,
    cut,
    lose,
    double,
    noise,
    other_encoding,
    flip_bits,
)


def json_values(data: bytes, rng: Random) -> bytes:
    """Put a value of a wrong kind in the place of any value of JSON, or of any one line of it."""
    try:
        lines = [json.loads(data)]
    except ValueError:
        try:
            lines = [json.loads(line) for line in data.splitlines() if line.strip()]
        except (ValueError, RecursionError):
            return replace_tokens(data, rng)
    except RecursionError:
        return data
    if not lines:
        return data
    try:
        for _ in range(rng.choice((1, 1, 2))):
            number = rng.randrange(len(lines))
            path = rng.choice(list(tree_paths(lines[number])))
            lines[number] = put(lines[number], path, rng.choice((*VALUES, *_EXTREMES_8, 0.5)))
        return '\n'.join(json.dumps(line) for line in lines).encode()
    except (TypeError, RecursionError, ValueError):
        return data


def in_gzip(mutators: Sequence[Mutator]) -> Mutator:
    """Damage what a gzip file holds, not the file."""

    def mutate(data: bytes, rng: Random) -> bytes:
        try:
            inner = gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            return flip_bits(data, rng)
        return gzip.compress(rng.choice(mutators)(inner, rng), 1, mtime=0)

    return mutate


def in_zip(
    mutators: Sequence[Mutator], rename: Callable[[str, Random], str] | None = None
) -> Mutator:
    """Damage one member of a zip file, or pack it in another way, or name it otherwise."""

    def mutate(data: bytes, rng: Random) -> bytes:
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                members = [(info.filename, archive.read(info)) for info in archive.infolist()]
        except Exception:  # what is damaged already is damaged more
            return flip_bits(data, rng)
        if not members:
            return data
        place = rng.randrange(len(members))
        name, content = members[place]
        what = rng.randrange(10)
        if what == 0:
            members[place] = ((rename or _renamed)(name, rng), content)
        elif what == 1:
            del members[place]
        elif what == 2:
            members.append(members[place])
        else:
            members[place] = (name, rng.choice(mutators)(content, rng))
        target = io.BytesIO()
        kinds = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
        kind = rng.choice(kinds) if rng.random() < 0.3 else zipfile.ZIP_DEFLATED
        with zipfile.ZipFile(target, 'w', kind) as archive:
            for name, content in members:
                archive.writestr(zipfile.ZipInfo(name), content, kind)
        packed = target.getvalue()
        return flip_bits(packed, rng) if rng.random() < 0.15 else packed

    return mutate


def _renamed(name: str, rng: Random) -> str:
    return rng.choice((f'../{name}', f'/{name}', name.upper(), f'{name}/', 'x', f'a/../{name}'))
