"""Kinds of questions. To add one, write a function of a :class:`Topic` and list it in ``KINDS``.

A function gives None where its question does not arise. The words of a question must not tell its
answer: choices, such as the side that a yes-or-no question names, are drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .topic import Topic

__all__ = ['KINDS', 'Asking']

_NUMBERS = ('one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine')
_MARGIN = 0.05
"""Centres nearer to the middle of the image than this share of it are not asked for a half."""


@dataclass(frozen=True)
class Asking:
    """Ways to say a question, and its answer.

    Attributes:
        wordings: At least one.
        answer: In words.
        answer_type: ``closed`` or ``open``.
        choice: What was drawn for its words, such as a side; answers are balanced for each.
    """

    wordings: tuple[str, ...]
    answer: str
    answer_type: str = 'open'
    choice: str = ''


def _closed(answer: bool, *wordings: str, choice: str = '') -> Asking:
    return Asking(wordings, 'yes' if answer else 'no', 'closed', choice)


def presence(topic: Topic) -> Asking:
    """Ask whether a label is on the image."""
    name = topic.name
    if topic.is_lesion:
        one = name if topic.is_mass else topic.plural
        return _closed(
            bool(topic.objects),
            f'Does the image show any {name}?',
            f'Can you see {one} in this image?',
            f'Any {name}?',
        )
    return _closed(
        bool(topic.objects), f'Does the image show the {name}?', f'Can you see the {name} here?'
    )


def several(topic: Topic) -> Asking | None:
    """Ask whether there is more than one of a finding that is there."""
    if not (topic.objects and topic.is_counted):
        return None
    return _closed(
        len(topic.objects) > 1,
        f'Is there more than one {topic.name}?',
        f'Does the image show more than a single {topic.name}?',
    )


def count(topic: Topic) -> Asking | None:
    """Ask how many there are of a finding that is there."""
    number = len(topic.objects)
    if not (number and topic.is_counted):
        return None
    answer = _NUMBERS[number - 1] if number <= len(_NUMBERS) else 'many'
    return Asking(
        (f'How many {topic.plural} are there?', f'What is the number of {topic.plural}?'), answer
    )


def side(topic: Topic) -> Asking | None:
    """Ask for the side of a finding that is there."""
    if topic.sides is None:
        return None
    return Asking(
        (f'On which side is the {topic.name}?', f'Which side shows {topic.name}?'), topic.sides
    )


def on_side(topic: Topic) -> Asking | None:
    """Ask whether one side has a finding that is there."""
    if topic.sides is None:
        return None
    named = ('left', 'right')[int(topic.rng.integers(2))]
    return _closed(
        topic.sides in (named, 'both sides'),
        f'Is there any {topic.name} on the {named} side?',
        f'Does the {named} side show {topic.name}?',
        choice=named,
    )


def zone(topic: Topic) -> Asking | None:
    """Ask where in the image a single finding is."""
    if not (topic.is_lesion and len(topic.objects) == 1):
        return None
    wordings = (f'In which part of the image is the {topic.name}?', f'Where is the {topic.name}?')
    return Asking(wordings, topic.objects[0].zone)


def half(topic: Topic) -> Asking | None:
    """Ask whether a single finding is in one half of the image."""
    if not (topic.is_lesion and len(topic.objects) == 1):
        return None
    x1, y1, x2, y2 = topic.objects[0].box
    facts = topic.facts
    centre = ((x1 + x2) / 2 / facts.width, (y1 + y2) / 2 / facts.height)
    axis, end = int(topic.rng.integers(2)), int(topic.rng.integers(2))
    if abs(centre[axis] - 0.5) < _MARGIN:
        return None
    named = (('left', 'right'), ('upper', 'lower'))[axis][end]
    return _closed(
        (centre[axis] > 0.5) == bool(end),
        f'Is the {topic.name} in the {named} half of the image?',
        f'Does the {topic.name} lie in the {named} half of the picture?',
        choice=named,
    )


def size(topic: Topic) -> Asking | None:
    """Ask whether a finding is longer than its usual length."""
    if not (topic.is_lesion and topic.objects and topic.label in topic.thresholds):
        return None
    length = topic.facts.largest(topic.label).length_mm
    if length is None:
        return None
    threshold = topic.thresholds[topic.label]
    return _closed(
        length > threshold,
        f'Is any {topic.name} longer than {threshold:.0f} mm?',
        f'Does the largest {topic.name} measure more than {threshold:.0f} mm?',
    )


def comparison(topic: Topic) -> Asking | None:
    """Ask whether the organ of one side looks larger than that of the other."""
    pair = topic.unlike_pair
    if pair is None:
        return None
    one, other = (topic.ontology.display_name(label) for label in pair)
    larger = topic.facts.largest(pair[0]).area > topic.facts.largest(pair[1]).area
    return _closed(
        larger,
        f'Is the {one} larger than the {other}?',
        f'Is the {other} smaller than the {one}?',
        choice=one,
    )


def larger_one(topic: Topic) -> Asking | None:
    """Ask which of two organs looks larger; the answer is its side, where the two differ."""
    pair = topic.unlike_pair
    if pair is None:
        return None
    one, other = (topic.ontology.display_name(label) for label in pair)
    first = topic.facts.largest(pair[0]).area > topic.facts.largest(pair[1]).area
    answer = topic.ontology.side(pair[0] if first else pair[1])
    return Asking((f'Which is larger, the {one} or the {other}?',), str(answer))


KINDS: dict[str, Callable[[Topic], Asking | None]] = {
    function.__name__: function
    for function in (
        presence, several, count, side, on_side, zone, half, size, comparison, larger_one,
    )
}  # fmt: skip
"""Each kind of question by its name."""
