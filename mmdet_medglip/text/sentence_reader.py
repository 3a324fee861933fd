"""What one sentence mentions: scope of negation and doubt, states, places and sides."""

from collections.abc import Sequence

from .draft import Draft, stronger
from .mention import Reason
from .phrase import Element, Phrase
from .piece import Piece
from .subjects import Subjects

__all__ = ['SentenceReader']

_LASTING = ('stable', 'unchanged', 'persistent')
_MOST_STRANGERS = 2
"""Unknown words that may stand between a preposition and its structure."""
_GONE = {'absent', 'removed', 'resolved'}
_KEEPING = ('suggest', 'consistent', 'compatible', 'concerning', 'worrisome', 'suspicious')
_FREE = ('without', 'w / o', 'free of', 'clear of', 'no')
_REASONS: dict[str, Reason] = {
    'history': 'history',
    'question': 'question',
    'advice': 'advice',
    'comparison': 'comparison',
    'technique': 'technique',
    'mask': 'masked',
}


class SentenceReader:
    """Reads the elements of a sentence from left to right, each once.

    Args:
        elements: The phrases and other pieces of the sentence.

    Example:
        >>> from mmdet_medglip.text.phrase import find_phrases
        >>> from mmdet_medglip.text.report import read_sentence
        >>> elements = find_phrases(read_sentence('No effusion but a mass in the left lung.'))
        >>> [(d.phrase.head.key, d.negated) for d in SentenceReader(elements).drafts()]
        [('effusion', True), ('mass', False)]
    """

    def __init__(self, elements: Sequence[Element]) -> None:
        self._elements = elements
        self._drafts: list[Draft] = []
        self._negating = False
        self._supposing = False
        self._supposing_next = False
        self._aside: Reason | None = None
        self._all_subjects: list[Subjects] = []
        self._link = ''  # the join before the next phrase
        self._touches_last = False  # nothing but side and place words since the last mention
        self._clear_clause()

    def drafts(self) -> list[Draft]:
        """Read the sentence.

        Returns:
            What it mentions, in the order of the text; possibly nothing.
        """
        for position, element in enumerate(self._elements):
            if isinstance(element, Phrase):
                self._read_phrase(element, self._says_more(position + 1))
            else:
                self._read_piece(element)
        for subjects in self._all_subjects:
            for draft in subjects.members:
                draft.state = stronger(draft.state, subjects.state)
        for draft in self._drafts:
            if draft.state is None and draft.inherits is not None:
                draft.state = draft.inherits.state
        return [draft for draft in self._drafts if not draft.is_place]

    def _clear_clause(self) -> None:
        self._group: list[Draft] = []  # findings that a cue behind them is about
        self._open_subjects()
        self._last: Draft | None = None
        self._shown = False  # 'the lungs show ...'
        self._preposition: Piece | None = None
        self._strangers = 0
        self._quality_before = False
        self._waiting: Piece | None = None  # a state that waits for 'appearance of the heart'
        self._front: list[Phrase] = []  # places that wait for a finding
        self._front_said: list[Piece] = []
        self._in_place = False  # the last phrase is a place
        self._comparing = False  # 'compared to ...'

    def _open_subjects(self) -> None:
        self._subjects = Subjects()  # structures that a state behind them is about
        self._all_subjects.append(self._subjects)
        self._with = False  # 'the lungs with ...'

    def _says_more(self, position: int) -> bool:
        """Tell whether the next element says something of the phrase before it."""
        if position >= len(self._elements):
            return False
        element = self._elements[position]
        return isinstance(element, Piece) and bool(element.roles.keys() & {'be', 'state', 'show'})

    def _read_phrase(self, phrase: Phrase, says_more: bool) -> None:
        if phrase.kind == 'structure' and self._is_place(says_more):
            self._take_place(phrase)
        elif phrase.kind == 'structure':
            self._take_structure(phrase, says_more)
        else:
            self._take_finding(phrase)
        self._preposition = None
        self._quality_before = self._comparing = False
        self._link = ''

    def _is_place(self, says_more: bool) -> bool:
        if self._preposition is not None:
            return True
        if says_more:
            return False
        if self._in_place and self._link in ('and', 'or'):
            return True
        return self._last is not None and self._last.kind == 'finding' and self._touches_last

    def _take_place(self, phrase: Phrase) -> None:
        self._in_place = True
        if self._last is not None:
            self._last.places.append(phrase)
        else:
            self._front.append(phrase)

    def _take_structure(self, phrase: Phrase, says_more: bool) -> None:
        if self._negating and says_more and self._link != 'or':
            self._negating = False
        if self._subjects.is_told:
            self._open_subjects()
        draft = self._new_draft(phrase)
        states = phrase.states()
        if self._waiting is not None and self._quality_before:
            states += [self._waiting.state] if self._waiting.state else []
        self._waiting = None
        if self._link in ('and', ',') and self._drafts and self._drafts[-1].phrase is not None:
            before = self._drafts[-1]
            if before.kind == 'structure' and before.phrase and before.phrase.states():
                draft.inherits = before
        for state in states:
            draft.state = stronger(draft.state, state)
        if 'abnormal' in states:
            self._look_for_place(draft)
        self._subjects.members.append(draft)
        self._add(draft)

    def _take_finding(self, phrase: Phrase) -> None:
        lasting = bool(phrase.before) and phrase.before[0].key in _LASTING
        if self._negating and lasting and self._link in ('and', ','):
            self._negating = False
        draft = self._new_draft(phrase)
        draft.uncertain = self._supposing or self._supposing_next
        draft.places += self._front
        draft.said += self._front_said
        self._front, self._front_said = [], []
        self._look_for_place(draft)
        self._group.append(draft)
        self._add(draft)

    def _look_for_place(self, draft: Draft) -> None:
        """Read ``the spine shows``: where the finding is, or that nothing is wrong there.

        A structure right before the finding is its place too: ``right upper lobe 6 mm nodule``.
        """
        subjects = self._subjects
        touches = self._touches_last and subjects.ends_with(self._last)
        if not touches and (subjects.is_told or not self._shown):
            return
        if not draft.negated:
            for subject in subjects.open_members():
                subject.is_place = True
                draft.places += [subject.phrase] if subject.phrase else []
        subjects.tell('normal' if draft.negated else None)

    def _new_draft(self, phrase: Phrase) -> Draft:
        return Draft(
            phrase,
            phrase.start,
            phrase.end,
            phrase.kind,
            negated=self._negating,
            reason=None if self._negating else self._aside,
        )

    def _add(self, draft: Draft) -> None:
        self._drafts.append(draft)
        self._last = draft
        self._in_place = False
        self._touches_last = True

    def _read_piece(self, piece: Piece) -> None:
        roles = piece.roles
        self._touches_last = 'side' in roles or 'place' in roles
        if not roles:
            self._read_stranger(piece)
        elif 'cue' in roles:
            self._read_cue(piece, roles['cue'])
        elif 'aside' in roles:
            self._aside = _REASONS[roles['aside']]
        elif 'state' in roles and self._tell_state(piece):
            pass
        elif 'mask' in roles or 'remark' in roles:
            self._take_remark(piece)
        elif roles.keys() & {'modifier', 'side', 'measure', 'number', 'place'}:
            self._take_loose(piece)
        elif 'preposition' in roles:
            self._take_preposition(piece)
        elif 'quality' in roles:
            self._quality_before = True
        elif 'join' in roles:
            self._take_join(piece)
        elif roles.keys() & {'show', 'with'}:
            self._shown = bool(self._subjects.members)
            self._with = 'with' in roles
        elif 'article' not in roles:
            self._read_stranger(piece)

    def _read_cue(self, piece: Piece, cue: str) -> None:
        if cue == 'negation_before':
            self._start_negation(piece)
        elif cue == 'negation_after':
            self._negate_group(piece)
        elif cue == 'uncertain_before':
            self._supposing = True
            self._negating = self._negating and piece.key.startswith(_KEEPING)
        elif cue == 'uncertain_next':
            self._supposing_next = True
        elif cue == 'uncertain_between':
            for draft in self._group[-1:]:
                draft.uncertain = True
            self._supposing_next = True
        elif cue == 'uncertain_after':
            for draft in self._group:
                draft.uncertain = True
            self._group = []
        elif cue == 'ends':
            self._read_end(piece)
        self._preposition = None

    def _read_end(self, piece: Piece) -> None:
        """End a clause, but for ``lungs otherwise clear`` and ``in the lung there is``."""
        front = self._front if piece.key.startswith('there') else []
        subjects = self._subjects if piece.key == 'otherwise' else Subjects(is_told=True)
        self._end_clause()
        self._front = front
        if not subjects.is_told and subjects.members:
            self._subjects = subjects
            self._last = subjects.members[-1]

    def _start_negation(self, piece: Piece) -> None:
        subjects = self._subjects
        if subjects.members and not subjects.is_told and (self._shown or piece.key in _FREE):
            subjects.tell('normal')
        self._negating = True
        self._group = []

    def _negate_group(self, piece: Piece) -> None:
        gone = bool(set(piece.key.split()) & _GONE)
        for draft in self._group or self._subjects.open_members():
            draft.negated = draft.kind != 'structure' or gone
            draft.reason = None if draft.negated else 'unseen'
        if not self._group:
            self._open_subjects()
        self._group = []

    def _tell_state(self, piece: Piece) -> bool:
        subjects = self._subjects
        if self._with or self._last is None or not subjects.ends_with(self._last):
            self._waiting = piece
            return False
        subjects.tell(piece.state)
        if piece.state == 'abnormal':
            self._last.end = piece.end
        return True

    def _take_remark(self, piece: Piece) -> None:
        reason = _REASONS[piece.kind('remark') or 'mask']
        self._drafts.append(Draft(None, piece.start, piece.end, 'other', reason=reason))
        if reason != 'masked':
            self._preposition = None
        self._comparing = reason == 'comparison'

    def _take_loose(self, piece: Piece) -> None:
        if not piece.roles.keys() & {'side', 'place', 'number', 'measure'}:
            self._preposition = None
        if self._comparing:
            return
        if self._last is not None:
            self._last.said.append(piece)
        elif self._preposition is not None or 'measure' in piece.roles:
            self._front_said.append(piece)

    def _take_preposition(self, piece: Piece) -> None:
        if piece.key == 'of' and self._quality_before:
            return
        self._preposition = piece
        self._strangers = 0

    def _take_join(self, piece: Piece) -> None:
        self._link = piece.key
        self._preposition = None
        if piece.key == ',':
            self._aside = None
        if piece.key not in ('or', '/'):
            self._supposing_next = False

    def _read_stranger(self, piece: Piece) -> None:
        if piece.key == ';':
            self._end_clause()
        self._strangers += 1
        if self._strangers > _MOST_STRANGERS:
            self._preposition = None

    def _end_clause(self) -> None:
        self._negating = False
        self._supposing = False
        self._supposing_next = False
        self._aside = None
        self._clear_clause()
