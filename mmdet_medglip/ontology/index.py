"""Look-up of names: which names are given, which follow by rule, which are near."""

from collections.abc import Iterable
from difflib import SequenceMatcher

from .entries import GroupInfo, LabelInfo
from .names import fold, plural_of, side_behind, without_side, word_set

__all__ = ['NameIndex']

_LEAST_LIKENESS = 0.6
_BELOW_BEST = 0.2
_LEAST_LENGTH = 4
_MOST_LENGTH = 200


class NameIndex:
    """Names of labels and groups, folded.

    A *given* name is written in the label file and leads to one id. Forms *follow* from it by
    rule: the plural, the side behind the name, and the name without its side. Where forms of
    several labels are equal, the form leads to all of them; a given name goes before a form.

    Args:
        origin: What errors call the label file.
        labels: The labels.
        groups: The classes and regions.
        ambiguous: Names with rules of their own, with the label that may also be given that name.

    Raises:
        ValueError: If a name is given to two things.
    """

    def __init__(
        self,
        origin: str,
        labels: Iterable[LabelInfo],
        groups: Iterable[GroupInfo],
        ambiguous: dict[str, str | None],
    ) -> None:
        self._origin = origin
        self._given: dict[str, str] = {}
        self._forms: dict[str, tuple[str, ...]] = {}
        labels = tuple(labels)
        groups = tuple(groups)
        for info in labels:
            code = info.codes.totalsegmentator or info.id
            for name in (info.id, info.name, *info.synonyms, *info.abbreviations, code):
                self._claim(name, info.id)
        for group in groups:
            for name in (group.id, group.name, *group.synonyms):
                self._claim(name, group.id)
        self._check_ambiguous(ambiguous)
        nodes: tuple[LabelInfo | GroupInfo, ...] = (*labels, *groups)
        self._forms.update(self._followed(_same_forms(info) for info in nodes))
        self._forms.update(self._followed(_unsided_forms(info) for info in labels))
        names = (name for name in (*self._given, *self._forms) if len(name) >= _LEAST_LENGTH)
        self._words = {name: word_set(name) for name in names}

    def given(self, name: str) -> str | None:
        """Return the id a name is given to; None if to none."""
        return self._given.get(fold(name))

    def forms(self, name: str) -> tuple[str, ...]:
        """Return the ids a name leads to by rule, in the file's order; possibly none."""
        return self._forms.get(fold(name), ())

    def near(self, name: str) -> list[str]:
        """Return ids whose names look like a name, most alike first.

        Word order is ignored, and so are abbreviations: nearly everything looks like them.
        Nothing looks like a name of more than 200 characters.
        """
        words = word_set(name)
        if len(words) > _MOST_LENGTH:
            return []
        matcher = SequenceMatcher(autojunk=False)
        matcher.set_seq2(words)
        likeness: dict[str, float] = {}
        for known, known_words in self._words.items():
            matcher.set_seq1(known_words)
            if min(matcher.real_quick_ratio(), matcher.quick_ratio()) < _LEAST_LIKENESS:
                continue
            ratio = matcher.ratio()
            for owner in self._owners(known):
                likeness[owner] = max(ratio, likeness.get(owner, 0.0))
        least = max(_LEAST_LIKENESS, max(likeness.values(), default=0.0) - _BELOW_BEST)
        found = [owner for owner, ratio in likeness.items() if ratio >= least]
        return sorted(found, key=lambda owner: -likeness[owner])

    def _owners(self, key: str) -> tuple[str, ...]:
        return (self._given[key],) if key in self._given else self._forms[key]

    def _claim(self, name: str, owner: str) -> None:
        other = self._given.setdefault(fold(name), owner)
        if other != owner:
            raise ValueError(
                f'{self._origin}: {name!r} names both {other!r} and {owner!r}; '
                'remove it from one of them.'
            )

    def _check_ambiguous(self, ambiguous: dict[str, str | None]) -> None:
        for name, otherwise in ambiguous.items():
            owner = self._given.get(fold(name))
            if owner is not None and owner != otherwise:
                raise ValueError(
                    f"{self._origin}: {name!r} is under 'ambiguous' and a name of {owner!r}; "
                    'remove it from one of them.'
                )

    def _followed(self, forms: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, tuple[str, ...]]:
        """Return the owners of forms that are neither given nor forms that follow already."""
        owners: dict[str, tuple[str, ...]] = {}
        for owner, names in forms:
            for key in dict.fromkeys(map(fold, names)):
                if key not in self._given and key not in self._forms:
                    owners[key] = (*owners.get(key, ()), owner)
        return owners


def _same_forms(info: LabelInfo | GroupInfo) -> tuple[str, tuple[str, ...]]:
    """Return an id and further forms of its names: plural, and side behind."""
    names = (info.name, *info.synonyms)
    forms = [plural_of(name) for name in names]
    if isinstance(info, LabelInfo):
        forms.append(info.plural)
        forms += [side_behind(name) for name in names if info.side]
    return info.id, tuple(forms)


def _unsided_forms(info: LabelInfo) -> tuple[str, tuple[str, ...]]:
    """Return an id and its names without their side; none if it has no side."""
    if info.side is None:
        return info.id, ()
    names = [without_side(name) for name in (info.name, *info.synonyms)]
    return info.id, (*names, *(plural_of(name) for name in names), without_side(info.plural))
