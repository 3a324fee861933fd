"""English noun phrases of labels: articles, plurals and number words."""

from dataclasses import dataclass

__all__ = ['Mention', 'indefinite_article', 'is_mass', 'is_plural', 'mention', 'plural']

_NUMBERS = (
    'zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten',
    'eleven', 'twelve',
)  # fmt: skip
_IRREGULAR = {
    'bulla': 'bullae',
    'foot': 'feet',
    'fovea': 'foveae',
    'tooth': 'teeth',
    'vertebra': 'vertebrae',
}
_ENDINGS = (
    ('thorax', 'thoraces'),
    ('sis', 'ses'),
    ('calculus', 'calculi'),
    ('embolus', 'emboli'),
    ('focus', 'foci'),
    ('meniscus', 'menisci'),
    ('nevus', 'nevi'),
    ('naevus', 'naevi'),
    ('nucleus', 'nuclei'),
    ('thrombus', 'thrombi'),
    ('bronchus', 'bronchi'),
    ('diverticulum', 'diverticula'),
    ('foramen', 'foramina'),
    ('apex', 'apices'),
)
_PLURALS = {'drusen', 'feet', 'teeth', 'vertebrae'}
_SINGULAR_IN_S = {'atlas', 'biceps', 'forceps', 'lens', 'pancreas', 'quadriceps', 'triceps'}
_SINGULAR_ENDINGS = ('ss', 'us', 'is')
_MASS = {
    'air', 'ascites', 'bleeding', 'blood', 'bowel', 'calcium', 'caries', 'cartilage', 'debris',
    'edema', 'emphysema', 'fat', 'fluid', 'gas', 'hyperplasia', 'matter', 'mucosa', 'mucus',
    'myocardium', 'oedema', 'pneumonia', 'pus', 'scoliosis', 'skin', 'stool', 'thickening',
    'tissue', 'tuberculosis', 'vitreous',
}  # fmt: skip
_MASS_ENDINGS = (
    'itis', 'megaly', 'ectasis', 'vascularization', 'vascularisation', 'fibrosis', 'necrosis',
    'nephrosis', 'porosis', 'sclerosis',
)  # fmt: skip
_SPELLED_WITH_VOWEL = set('AEFHILMNORSX')


@dataclass(frozen=True)
class Mention:
    """How a group of regions is named in a sentence.

    Args:
        lead: What stands before the noun phrase, with its blank: ``'two '``, ``'the '``.
        noun: The noun phrase itself, what a span covers.
    """

    lead: str
    noun: str


def mention(
    name: str,
    count: int,
    *,
    anatomy: bool,
    whole: bool,
    crowd: bool = False,
    plural_name: str = '',
) -> Mention:
    """Name a group of regions that share one name.

    Args:
        name: Natural words, singular or plural.
        count: Number of regions, >= 1.
        anatomy: Whether it is a part of the body, which everyone has: ``the liver``; if not, it is
            a finding or a device: ``a polyp``.
        whole: Whether several regions are parts of one thing.
        crowd: Whether a region holds an uncounted group.
        plural_name: The name in the plural; made by rule if empty.

    Returns:
        The words.

    Example:
        >>> mention('liver lesion', 2, anatomy=False, whole=False)
        Mention(lead='two ', noun='liver lesions')
        >>> mention('left kidney', 1, anatomy=True, whole=True)
        Mention(lead='the ', noun='left kidney')
        >>> mention('colon', 3, anatomy=True, whole=True)
        Mention(lead='three parts of the ', noun='colon')
    """
    number = 'several' if crowd else _NUMBERS[count] if count < len(_NUMBERS) else str(count)
    if count == 1 and not crowd:
        if anatomy:
            return Mention('the ', name)
        uncounted = is_plural(name) or is_mass(name)
        return Mention('' if uncounted else f'{indefinite_article(name)} ', name)
    if anatomy and whole:
        return Mention(f'{number} parts of the ', name)
    if is_mass(name):
        return Mention(f'{number} areas of ', name)
    return Mention(f'{number} ', plural_name or plural(name))


def plural(name: str) -> str:
    """Put a noun phrase into the plural; one that is plural, or has none, stays.

    Example:
        >>> plural('liver lesion'), plural('brain metastasis'), plural('biopsy of the lung')
        ('liver lesions', 'brain metastases', 'biopsies of the lung')
    """
    if is_plural(name) or is_mass(name):
        return name
    head, rest = _split_head(name)
    stem, blank, word = head.rpartition(' ')
    return f'{stem}{blank}{_plural_word(word)}{rest}'


def is_plural(name: str) -> bool:
    """Tell whether the noun of a phrase already is a plural, as in ``hard exudates``."""
    word = _noun(name)
    if word in _PLURALS:
        return True
    return (
        word.endswith('s') and word not in _SINGULAR_IN_S and not word.endswith(_SINGULAR_ENDINGS)
    )


def is_mass(name: str) -> bool:
    """Tell whether the noun of a phrase is not counted, as in ``pneumonia``."""
    word = _noun(name)
    return word in _MASS or word.endswith(_MASS_ENDINGS)


def indefinite_article(words: str) -> str:
    """Choose ``a`` or ``an`` by the sound of the first letters.

    Example:
        >>> [indefinite_article(w) for w in ('ulcer', 'uterine mass', 'MR image', 'CT slice')]
        ['an', 'a', 'an', 'a']
    """
    first = words.split(' ', 1)[0]
    letters = first.split('-', 1)[0]
    if letters.isupper() and len(letters) <= 3:
        return 'an' if letters[0] in _SPELLED_WITH_VOWEL else 'a'
    low = first.casefold()
    if low.startswith(('uni', 'ute', 'ure', 'uri', 'eu', 'one')):
        return 'a'
    return 'an' if low[:1] in tuple('aeiou') else 'a'


def _noun(name: str) -> str:
    return _split_head(name)[0].rpartition(' ')[2].casefold()


def _split_head(name: str) -> tuple[str, str]:
    """Split off what follows the noun: ``nodule | of the lung``, ``cyst | (simple)``."""
    for mark in (' of ', ' in ', ' with ', ' on ', ' ('):
        at = name.find(mark)
        if at > 0:
            return name[:at], name[at:]
    return name, ''


def _plural_word(word: str) -> str:
    low = word.casefold()
    if low in _IRREGULAR:
        return _keep_case(word, _IRREGULAR[low])
    for end, ending in _ENDINGS:
        if low.endswith(end):
            return word[: -len(end)] + _keep_case(word[-len(end) :], ending)
    if low.endswith(('s', 'x', 'z', 'ch', 'sh')):
        return word + 'es'
    if low.endswith('y') and low[-2:-1] not in tuple('aeiou'):
        return word[:-1] + 'ies'
    return word + 's'


def _keep_case(word: str, replacement: str) -> str:
    return replacement.upper() if len(word) > 1 and word.isupper() else replacement
