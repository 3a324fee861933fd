"""Turn the labels or phrases of a record into the prompt of one training or test view."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmdet_medglip.datasets.vocabulary import SCOPES, Vocabulary
from mmdet_medglip.registry import TRANSFORMS
from mmdet_medglip.text import count_tokens, load_tokenizer, prompt_from_phrases

from .prompt_words import Item, PromptWords, check_wording
from .random_sided_flip import check_sides

__all__ = ['SamplePrompt']

_PER_BOX = ('gt_bboxes', 'gt_bboxes_labels', 'gt_bboxes_phrases', 'gt_masks', 'gt_ignore_flags')


@TRANSFORMS.register_module()
class SamplePrompt(BaseTransform):
    """Choose what an image is asked for.

    **Detection records** (``dataset_mode='OD'``). In training, the labels on the image come first,
    then labels of ``scope`` that are not on it, as far as ``max_tokens`` of the language model's
    own tokenizer reach; the order is random. In test, all labels of ``scope`` are asked, in
    vocabulary order; a model splits them at its token limit. A result has ``text`` (tuple of
    phrases, which MMDetection's own GLIP reads as well), ``phrase_labels`` (their ids) and
    ``gt_bboxes_labels`` as indices into ``text``.

    A label is said by its display name, or as ``wording`` has it. With ``group_prob`` classes and
    regions are asked beside the labels in training, of images whose source annotates all of them;
    boxes of their labels are then positives of them too, in ``gt_bboxes_phrases``, bool (boxes,
    phrases), while ``gt_bboxes_labels`` is the finest phrase asked.

    **Grounding records** (``'VG'``). ``text`` is the caption and ``tokens_positive`` maps a
    phrase's index to its ``[start, end)`` character spans; ``phrases`` and ``gt_bboxes_labels``
    stay as they are. A training caption beyond ``max_tokens`` is replaced by its phrases
    (``'phrase. phrase'``), treated as positives are; a test caption is never changed.

    Nothing is cut silently: where the positives exceed the budget a random part of them is asked
    in this view, the boxes of the others leave the view (their labels are not asked, so nothing
    wrong is taught), and the others are listed in ``prompt_left_out``.

    Required keys: ``dataset_mode``, ``vocabulary``, ``modality``, ``source``, ``img_id``; VG:
    ``caption``, ``phrases``, ``tokens_positive``. With ``gt_bboxes_labels`` the boxes and masks
    are re-indexed too; without (a test pipeline that loads no boxes) the positives are those of
    ``instances``.

    Args:
        language_model: Whose tokenizer counts: ``'bundled'``, a local folder or a hub name.
        max_tokens: The language model's limit, begin and end tokens included.
        mode: ``'train'`` or ``'test'``.
        num_negatives: Most negative labels in a training prompt, unless all are asked.
        negative_prob: Probability that an image with positives is asked for negatives at all.
        full_label_prob: Probability, then, that all labels of ``scope`` are asked; otherwise
            between 1 and ``num_negatives`` of them.
        scope: ``'source'``, ``'modality'``, ``'all'`` or ``'present'``; see ``Vocabulary.scope``.
            An image for which the scope gives no label is asked for those of its modality.
        wording: One of :data:`~mmdet_medglip.text.WORDINGS`, or in training weights of several,
            from which each label draws anew in each view. What a label cannot be said by, and
            what another label of the prompt goes by already, is replaced by its name.
        group_prob: Probability for each class and region to be asked in a training view.
        hard_negative_weight: How many times as likely a label that is easily taken for one on the
            image (:meth:`Ontology.look_alikes`) is drawn as a negative, at least 1.
        num_foreign: Most labels of other modalities and body regions (:meth:`Vocabulary.foreign`)
            that a training view is asked besides. Where a source annotates one label, nothing else
            teaches that the words of the prompt matter.
    """

    def __init__(
        self,
        language_model: str = 'bundled',
        max_tokens: int = 256,
        mode: str = 'train',
        num_negatives: int = 85,
        negative_prob: float = 1.0,
        full_label_prob: float = 0.5,
        scope: str = 'source',
        wording: str | Mapping[str, float] = 'name',
        group_prob: float = 0.0,
        hard_negative_weight: float = 1.0,
        num_foreign: int = 0,
    ) -> None:
        if mode not in ('train', 'test'):
            raise ValueError(f"mode must be 'train' or 'test', got {mode!r}.")
        if scope not in SCOPES:
            raise ValueError(f'scope must be one of {SCOPES}, got {scope!r}.')
        for name, count, least in (
            ('num_negatives', num_negatives, 0),
            ('num_foreign', num_foreign, 0),
            ('max_tokens', max_tokens, 1),
        ):
            if count < least:
                raise ValueError(f'{name} must be at least {least}, got {count!r}.')
        probabilities = dict(
            negative_prob=negative_prob, full_label_prob=full_label_prob, group_prob=group_prob
        )
        for name, value in probabilities.items():
            if not 0 <= value <= 1:
                raise ValueError(f'{name} must be in [0, 1], got {value!r}.')
        if not 1 <= hard_negative_weight < float('inf'):
            raise ValueError(f'hard_negative_weight must be >= 1, got {hard_negative_weight!r}.')
        check_wording(wording, single=mode == 'test')
        self.language_model = language_model
        self.max_tokens = max_tokens
        self.mode = mode
        self.num_negatives = num_negatives
        self.negative_prob = negative_prob
        self.full_label_prob = full_label_prob
        self.scope = scope
        self.wording = wording
        self.group_prob = group_prob
        self.hard_negative_weight = hard_negative_weight
        self.num_foreign = num_foreign

    def transform(self, results: dict) -> dict:
        """Add the prompt to a record.

        Args:
            results: The record after ``LoadAnnotations`` and the geometric transforms.

        Returns:
            The same dict with ``text`` and, by record type, ``phrase_labels`` or
            ``tokens_positive``; ``prompt_left_out`` lists what did not fit.

        Raises:
            ValueError: If the prompt would be empty, one phrase alone exceeds ``max_tokens``,
                boxes are not loaded yet in training, or the image was mirrored and the prompt
                names sides that were not.
        """
        if self.mode == 'train' and 'gt_bboxes_labels' not in results:
            raise ValueError(
                f'Record {results.get("img_id", "?")!r} has no gt_bboxes_labels: put SamplePrompt '
                'after LoadAnnotations in the training pipeline.'
            )
        results['prompt_left_out'] = []
        asks = self._caption if results['dataset_mode'] == 'VG' else self._labels
        results = asks(results)
        check_sides(results)
        return results

    def _labels(self, results: dict) -> dict:
        vocabulary: Vocabulary = results['vocabulary']
        positives = self._positives(results)
        scope = self._scope(results, vocabulary, positives)
        words = PromptWords(
            vocabulary,
            self.wording,
            draws=self.mode == 'train',
            mirrored=results.get('sides_swapped', False),
        )
        asked: list[Item]
        if self.mode == 'test':
            asked = sorted({*scope, *positives})
            for label in asked:
                self._fits_alone(words[label])
        else:
            asked = self._sample(results, vocabulary, positives, scope, words)
        results['text'] = tuple(words[item] for item in asked)
        results['phrase_labels'] = tuple(words.node(item) for item in asked)
        if 'gt_bboxes_labels' in results:
            _reindex(results, asked, vocabulary.groups)
        return results

    def _positives(self, results: dict) -> list[int]:
        if 'gt_bboxes_labels' in results:
            labels = results['gt_bboxes_labels']
        else:
            labels = [instance['bbox_label'] for instance in results.get('instances', [])]
        return sorted({int(label) for label in labels})

    def _scope(
        self, results: dict, vocabulary: Vocabulary, positives: Sequence[int]
    ) -> tuple[int, ...]:
        where = {'modality': results['modality'], 'source': results.get('source') or ''}
        scope = vocabulary.scope(self.scope, **where)
        if not scope and not positives:
            scope = vocabulary.scope('modality', **where)
        if not scope and not positives:
            raise ValueError(
                f'Empty prompt: record {results.get("img_id", "?")!r} has no region and no label '
                f'is known for modality {where["modality"]!r}: pass labels= to the data set or use '
                "scope='all'."
            )
        return scope

    def _sample(
        self,
        results: dict,
        vocabulary: Vocabulary,
        positives: Sequence[int],
        scope: Sequence[int],
        words: PromptWords,
    ) -> list[Item]:
        """Draw positives, groups and negatives, up to the token budget, in random order."""
        kept, free = self._take(np.random.permutation(positives).tolist(), words, self._budget())
        left_out = set(positives).difference(kept)
        results['prompt_left_out'] = [vocabulary.ids[label] for label in sorted(left_out)]
        groups, free = self._take(self._groups(results, vocabulary), words, free)
        pool = sorted(set(scope).difference(positives))
        drawn = self._negatives(pool, bool(kept), self._weights(pool, positives, vocabulary))
        negatives, free = self._take(drawn, words, free)
        foreign, _ = self._take(self._foreign(results, vocabulary), words, free)
        asked = [*kept, *groups, *negatives, *foreign]
        return [asked[i] for i in np.random.permutation(len(asked))]

    def _groups(self, results: dict, vocabulary: Vocabulary) -> list[str]:
        """Draw the classes and regions to ask for."""
        if not self.group_prob:
            return []
        known = vocabulary.complete.get((results['modality'], results.get('source') or ''), ())
        drawn = [group for group in known if np.random.random() < self.group_prob]
        return [drawn[i] for i in np.random.permutation(len(drawn))]

    def _foreign(self, results: dict, vocabulary: Vocabulary) -> list[int]:
        """Draw labels of other modalities and body regions; none, up to ``num_foreign``."""
        if not self.num_foreign:
            return []
        known = vocabulary.foreign(modality=results['modality'], source=results.get('source') or '')
        drawn = np.random.randint(0, self.num_foreign + 1)
        return np.random.permutation(known)[:drawn].astype(int).tolist()

    def _weights(
        self, pool: Sequence[int], positives: Sequence[int], vocabulary: Vocabulary
    ) -> np.ndarray | None:
        """How likely each label of the pool is drawn; None for all alike."""
        if self.hard_negative_weight == 1:
            return None
        ids, look_alikes = vocabulary.ids, vocabulary.ontology.look_alikes
        hard = {alike for label in positives for alike in look_alikes(ids[label])}
        return np.array([self.hard_negative_weight if ids[i] in hard else 1.0 for i in pool])

    def _negatives(
        self, pool: Sequence[int], has_positives: bool, weights: np.ndarray | None
    ) -> list[int]:
        """Draw the labels to ask for that are not on the image; at least one without positives."""
        if has_positives and not (self.num_negatives and np.random.random() < self.negative_prob):
            return []
        drawn = _permute(pool, weights)
        if self.num_negatives and np.random.random() < self.full_label_prob:
            return drawn
        most = max(1, min(self.num_negatives, len(pool)))
        return drawn[: np.random.randint(1, most + 1)]

    def _caption(self, results: dict) -> dict:
        """Use the caption, or in training the phrases of one that is too long."""
        phrases, spans = results['phrases'], results['tokens_positive']
        if not phrases:
            raise ValueError(
                f'Empty prompt: record {results.get("img_id", "?")!r} has a caption but no phrase '
                'with tokens_positive: use it as a detection record or leave it out.'
            )
        caption = results['caption']
        tokenizer = load_tokenizer(self.language_model)
        if self.mode == 'test' or count_tokens(tokenizer, caption) <= self.max_tokens:
            results['text'] = caption
            results['tokens_positive'] = dict(enumerate(spans))
            return results
        order = np.random.permutation(len(phrases)).tolist()
        kept, _ = self._take(order, phrases, self._budget())
        results['prompt_left_out'] = [phrases[i] for i in sorted({*order} - {*kept})]
        prompt = prompt_from_phrases([phrases[i] for i in kept])
        results['text'] = prompt.caption
        results['phrases'] = list(prompt.phrases)
        results['tokens_positive'] = {
            i: [list(span) for span in of_one] for i, of_one in enumerate(prompt.spans)
        }
        if 'gt_bboxes_labels' in results:
            _reindex(results, kept)
        return results

    def _take(self, order: Sequence[Any], names: Any, budget: int) -> tuple[list[Any], int]:
        """Take from ``order`` what fits; return it and the tokens that are left."""
        taken: list[Any] = []
        for item in order:
            cost = self._fits_alone(names[item])
            if cost <= budget:
                taken.append(item)
                budget -= cost
        return taken, budget

    def _budget(self) -> int:
        return self.max_tokens - _token_count(self.language_model, '', special=True)

    def _fits_alone(self, phrase: str) -> int:
        """Return the tokens of a phrase and its full stop, or raise if no prompt can hold it."""
        cost = _token_count(self.language_model, phrase + '.')
        if cost > self._budget():
            raise ValueError(
                f'Phrase {phrase!r} has {cost} tokens and max_tokens={self.max_tokens} leaves '
                f'{self._budget()} (language model {self.language_model!r}): shorten the phrase or '
                'raise max_tokens.'
            )
        return cost

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(language_model={self.language_model!r}, '
            f'max_tokens={self.max_tokens}, mode={self.mode!r}, '
            f'num_negatives={self.num_negatives}, negative_prob={self.negative_prob}, '
            f'full_label_prob={self.full_label_prob}, scope={self.scope!r}, '
            f'wording={self.wording!r}, group_prob={self.group_prob}, '
            f'hard_negative_weight={self.hard_negative_weight}, num_foreign={self.num_foreign})'
        )


@lru_cache(maxsize=65536)
def _token_count(language_model: str, text: str, special: bool = False) -> int:
    return count_tokens(load_tokenizer(language_model), text, special=special)


def _permute(pool: Sequence[int], weights: np.ndarray | None) -> list[int]:
    """Put labels in random order, the likely ones rather in front.

    Weighted drawing without replacement (Efraimidis and Spirakis, 2006): in falling order of
    ``u ** (1 / w)`` with ``u`` uniform.
    """
    if weights is None:
        return np.random.permutation(pool).tolist()
    keys = np.random.random(len(pool)) ** (1 / weights)
    return [pool[i] for i in np.argsort(-keys)]


def _reindex(
    results: dict, asked: Sequence[Item], groups: Mapping[str, Sequence[int]] | None = None
) -> None:
    """Express ``gt_bboxes_labels`` as indices into ``asked``; drop boxes of which none is true."""
    position = {item: index for index, item in enumerate(asked)}
    of_groups = [
        (position[group], set(groups[group])) for group in groups or () if group in position
    ]
    labels = [int(label) for label in results['gt_bboxes_labels']]
    # The finest phrase comes first: groups are in the order of classes, then regions.
    true = [
        [
            *([position[label]] if label in position else []),
            *(at for at, of in of_groups if label in of),
        ]
        for label in labels
    ]
    new = np.array([phrases[0] if phrases else -1 for phrases in true], dtype=np.int64)
    keep = np.flatnonzero(new >= 0)
    results['gt_bboxes_labels'] = new
    if of_groups:
        matrix = np.zeros((len(true), len(asked)), dtype=bool)
        for row, phrases in enumerate(true):
            matrix[row, phrases] = True
        results['gt_bboxes_phrases'] = matrix
    if len(keep) < len(new):
        for key in _PER_BOX:
            if key in results:
                results[key] = results[key][keep]
