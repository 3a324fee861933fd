"""Forms of a name: folded for look-up, plural, without side, with the side behind."""

import re
from typing import Literal

__all__ = [
    'Side',
    'fold',
    'plural_of',
    'side_behind',
    'side_of',
    'swap_sides',
    'without_side',
    'word_set',
]

Side = Literal['left', 'right']

_SEPARATORS = re.compile(r'[\s_\-,;/()\[\]]+')
_SPELLINGS = (
    ('tumour', 'tumor'),
    ('haem', 'hem'),
    ('oesoph', 'esoph'),
    ('oedema', 'edema'),
    ('foet', 'fet'),
    ('naev', 'nev'),
    ('caec', 'cec'),
    ('coeliac', 'celiac'),
    ('ischaem', 'ischem'),
    ('fibre', 'fiber'),
    ('centre', 'center'),
    ('disk', 'disc'),
    ('grey', 'gray'),
)
_OTHER_SIDE = {'left': 'right', 'right': 'left'}
_ES_ENDINGS = ('s', 'x', 'z', 'ch', 'sh')


def fold(name: str) -> str:
    """Return what names are compared by.

    Case, the separators (space, underscore, hyphen, comma, semicolon, slash, brackets) and
    British or American spelling make no difference.

    Example:
        >>> fold('Kidney_Tumour, left')
        'kidney tumor left'
    """
    key = _SEPARATORS.sub(' ', str(name)).strip().casefold()
    for british, american in _SPELLINGS:
        key = key.replace(british, american)
    return key


def side_of(name: str) -> Side | None:
    """Return the side of the patient that a name says; None if it says none or both."""
    words = fold(name).split()
    if 'left' in words:
        return None if 'right' in words else 'left'
    return 'right' if 'right' in words else None


def without_side(name: str) -> str:
    """Return a folded name without its side words.

    Example:
        >>> without_side('upper left canine')
        'upper canine'
    """
    return ' '.join(word for word in fold(name).split() if word not in _OTHER_SIDE)


def side_behind(name: str) -> str:
    """Return a folded name with its side as the last word, as many annotation files have it.

    Example:
        >>> side_behind('left adrenal gland')
        'adrenal gland left'
    """
    side = side_of(name)
    return f'{without_side(name)} {side}' if side else fold(name)


def swap_sides(name: str) -> str:
    """Return a folded name that says right for left and left for right."""
    return ' '.join(_OTHER_SIDE.get(word, word) for word in fold(name).split())


def plural_of(name: str) -> str:
    """Return the regular plural of a name; a name that is a plural already stays.

    Example:
        >>> [plural_of(n) for n in ('left kidney', 'biopsy', 'metastasis', 'costal cartilages')]
        ['left kidneys', 'biopsies', 'metastases', 'costal cartilages']
        >>> plural_of('nodule of the lung')
        'nodules of the lung'
    """
    head, of, tail = name.partition(' of ')
    return _plural_word(head) + of + tail


def word_set(name: str) -> str:
    """Return the folded words of a name in alphabetical order: word order does not matter."""
    return ' '.join(sorted(fold(name).split()))


def _plural_word(name: str) -> str:
    if name.endswith('is'):
        return f'{name[:-2]}es'
    if name.endswith('s') and not name.endswith(('ss', 'us')):
        return name
    if name.endswith('y') and name[-2:-1] not in 'aeiou':
        return f'{name[:-1]}ies'
    return f'{name}es' if name.endswith(_ES_ENDINGS) else f'{name}s'
