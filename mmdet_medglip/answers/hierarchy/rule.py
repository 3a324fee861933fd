"""What a detector does with the hierarchy, as its config says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any

from mmengine.structures import BaseDataElement, InstanceData

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.ontology.entries import Level
from mmdet_medglip.text import Prompt, prompt_from_phrases

from .back_off import BackOff, back_off
from .confidence import Combination, check_combination
from .consistency import WAYS, Way, make_consistent
from .family import LEVELS, RIVALRIES, Family, Rivalry, family_of, levels_of
from .levels import answer_at
from .suppression import NESTED, Nested, best_first, drop_doubles, drop_nested, drop_rivals

__all__ = ['HierarchyRule', 'Suppression', 'split_answers']


@dataclass(frozen=True)
class Suppression:
    """Which boxes at one place drop each other.

    Args:
        synonyms: Boxes of two names of one thing are one answer.
        rivals: Of what cannot both be right, the best stays: ``'sides'``, ``'siblings'`` or
            ``'look_alikes'``; None lets all stay.
        nested: Of a box and one of what lies above it, one stays: ``'finest'`` or ``'best'``; None
            lets both stay.
        iou_threshold: Boxes that overlap more are at one place.

    Raises:
        ValueError: An unknown choice, or an overlap outside (0, 1].
    """

    synonyms: bool = True
    rivals: Rivalry | None = None
    nested: Nested | None = None
    iou_threshold: float = 0.6

    def __post_init__(self) -> None:
        _check_choice('nms.rivals', self.rivals, RIVALRIES)
        _check_choice('nms.nested', self.nested, NESTED)
        _check_overlap('nms.iou_threshold', self.iou_threshold)


class HierarchyRule:
    """Turn scored boxes into answers in the hierarchy. Each part is off unless it is asked for.

    They follow each other: synonyms and rivals drop each other, scores become consistent, unsure
    boxes back off, all answers move to one level, and what is nested drops each other.

    Args:
        level: Answer at this level alone: ``'label'``, ``'class'`` or ``'region'``.
        consistent: ``'raise'`` or ``'lower'``, see :func:`make_consistent`.
        back_off: Thresholds, see :class:`BackOff`.
        nms: Who drops whom, see :class:`Suppression`.
        ask_parents: Ask the detector for what lies above the phrases of a list, too.
        combine: What the scores of children say about a parent at a ``level``; ``'max'`` or
            ``'noisy_or'``.
        iou_threshold: Least overlap of boxes at one place, in (0, 1]; that of ``nms`` is its own.
        ontology: Where phrases are looked up.

    Raises:
        ValueError: An unknown choice, or an overlap outside (0, 1].
    """

    def __init__(
        self,
        level: Level | None = None,
        consistent: Way | None = None,
        back_off: BackOff | None = None,
        nms: Suppression | None = None,
        ask_parents: bool = False,
        combine: Combination = 'max',
        iou_threshold: float = 0.6,
        ontology: Ontology | None = None,
    ) -> None:
        _check_choice('level', level, LEVELS)
        _check_choice('consistent', consistent, WAYS)
        _check_overlap('iou_threshold', iou_threshold)
        check_combination(combine)
        self.level = level
        self.consistent = consistent
        self.back_off = back_off
        self.nms = nms
        self.ask_parents = ask_parents
        self.combine = combine
        self.iou_threshold = iou_threshold
        self.ontology = ontology or Ontology.default()

    @classmethod
    def from_test_cfg(cls, options: Mapping[str, Any] | None) -> HierarchyRule | None:
        """Read ``test_cfg.hierarchy``.

        Args:
            options: Arguments of this class; ``back_off`` as a number or a dict of
                :class:`BackOff`, ``nms`` as a dict of :class:`Suppression`, ``ontology`` as the
                path of a label file.

        Returns:
            A rule; None if there are no options.

        Raises:
            ValueError: An unknown option, and as above.
            FileNotFoundError: There is no such label file.
        """
        if not options:
            return None
        known = _read('hierarchy', cls, options)
        for key, part in (('back_off', BackOff), ('nms', Suppression)):
            value = known.get(key)
            if key == 'back_off' and isinstance(value, int | float):
                value = dict(threshold=value)
            if value is not None:
                known[key] = part(**_read(f'hierarchy.{key}', part, value))
        if known.get('ontology') is not None:
            known['ontology'] = Ontology.from_yaml(known['ontology'])
        return cls(**known)

    def family(self, prompt: Prompt, modality: str | None) -> Family:
        """Relations of a prompt's phrases; those above them are asked for if the rule says so."""
        ask_above = self.ask_parents and prompt.is_list
        return family_of(prompt.phrases, self.ontology, modality, ask_above)

    @staticmethod
    def prompt_above(family: Family) -> Prompt | None:
        """What is to be asked for above the phrases, as a prompt of its own; None for nothing.

        On its own, it leaves the answers to the phrases themselves as they are.
        """
        added = family.phrases[family.num_own : family.num_asked]
        return prompt_from_phrases(added) if added else None

    def answer(self, found: InstanceData, family: Family) -> InstanceData:
        """Apply the rule to the boxes of one image.

        Args:
            found: ``bboxes`` (n, 4) xyxy, half open, ``scores`` (n,) in [0, 1], and ``labels``
                (n,), entries of the family that were asked for; n may be 0.
            family: Of :meth:`family`.

        Returns:
            Boxes, best first, whose labels are entries of the family, with ``label_names`` and
            ``levels``: the level that each box is answered at, ``''`` for words that the ontology
            does not know.
        """
        if self.nms is not None and self.nms.synonyms:
            found = drop_doubles(found, family, self.nms.iou_threshold)
        if self.nms is not None and self.nms.rivals is not None:
            found = drop_rivals(found, family, self.nms.rivals, self.nms.iou_threshold)
        found = self._consistent(found, family)
        if self.back_off is not None:
            found = back_off(found, family, self.back_off, self.iou_threshold)
            found = self._consistent(found, family)
        if self.level is not None:
            found = answer_at(found, family, self.level, self.iou_threshold, self.combine)
        if self.nms is not None and self.nms.nested is not None:
            found = drop_nested(found, family, self.nms.nested, self.nms.iou_threshold)
        found = best_first(found, family)
        labels = found.labels.tolist()
        found.label_names = [family.phrases[label] for label in labels]
        found.levels = levels_of(family, labels)
        return found

    def answer_sample(
        self, sample: BaseDataElement, found: InstanceData, family: Family, most: int | None = None
    ) -> None:
        """Put the answers into a sample.

        Args:
            sample: Gets ``pred_instances`` and ``pred_ancestors`` of :func:`split_answers`, and in
                its metainfo ``asked_above``, the ids of what was asked for beyond its prompt.
            found: Boxes as for :meth:`answer`.
            family: Of :meth:`family`.
            most: Keep so many boxes of the prompt's phrases, the best ones; None keeps all.
        """
        own, above = split_answers(self.answer(found, family), family, most)
        sample.pred_instances, sample.pred_ancestors = own, above
        asked = family.nodes[family.num_own : family.num_asked]
        sample.set_metainfo(dict(asked_above=asked))

    def _consistent(self, found: InstanceData, family: Family) -> InstanceData:
        if self.consistent is None:
            return found
        return make_consistent(found, family, self.consistent, self.iou_threshold)


def split_answers(
    found: InstanceData, family: Family, most: int | None = None
) -> tuple[InstanceData, InstanceData]:
    """Part the answers by phrases of the prompt from those by what lies above them.

    Labels of the first are indices of the prompt's phrases, as all metrics and pictures read them.

    Args:
        found: Answers of :meth:`HierarchyRule.answer`, best first.
        family: The phrases and what lies above them.
        most: Keep so many boxes of the prompt's phrases; None keeps all.

    Returns:
        Boxes of the prompt's phrases, and boxes of classes and regions that it does not name, with
        ``nodes``, their ontology ids, in place of ``labels``.
    """
    own = found.labels < family.num_own
    above = found[~own]
    above.nodes = [family.nodes[label] for label in above.labels.tolist()]
    del above.labels
    return found[own][:most], above


def _read(name: str, kind: type, options: Any) -> dict[str, Any]:
    """Options as arguments of a class.

    Raises:
        ValueError: They are no dict, or name something else.
    """
    known = tuple(signature(kind).parameters)
    if not isinstance(options, Mapping):
        raise ValueError(f'test_cfg.{name} must be a dict of {known}, got {options!r}.')
    unknown = sorted(set(options).difference(known))
    if unknown:
        raise ValueError(f'test_cfg.{name} knows {known}, got {unknown[0]!r}.')
    return dict(options)


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value is not None and value not in choices:
        raise ValueError(f'{name} must be one of {choices} or None, got {value!r}.')


def _check_overlap(name: str, value: float) -> None:
    if not 0 < value <= 1:
        raise ValueError(f'{name} must be in (0, 1], got {value!r}.')
