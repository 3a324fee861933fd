"""Turn the labels or phrases of a record into the prompt of one training or test view."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from mmcv.transforms import BaseTransform

from mmdet_medglip.datasets.vocabulary import SCOPES, Vocabulary
from mmdet_medglip.registry import TRANSFORMS
from mmdet_medglip.text import count_tokens, load_tokenizer, prompt_from_phrases

__all__ = ['SamplePrompt']

_PER_BOX = ('gt_bboxes', 'gt_bboxes_labels', 'gt_masks', 'gt_ignore_flags')


@TRANSFORMS.register_module()
class SamplePrompt(BaseTransform):
    """Choose what an image is asked for.

    **Detection records** (``dataset_mode='OD'``). In training, the labels on the image come first,
    then labels of ``scope`` that are not on it, as far as ``max_tokens`` of the language model's
    own tokenizer reach; the order is random. In test, all labels of ``scope`` are asked, in
    vocabulary order; a model splits them at its token limit. A result has ``text`` (tuple of
    display names, which MMDetection's own GLIP reads as well), ``phrase_labels`` (their label
    ids) and ``gt_bboxes_labels`` as indices into ``text``.

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
    ) -> None:
        if mode not in ('train', 'test'):
            raise ValueError(f"mode must be 'train' or 'test', got {mode!r}.")
        if scope not in SCOPES:
            raise ValueError(f'scope must be one of {SCOPES}, got {scope!r}.')
        if num_negatives < 0 or max_tokens < 1:
            raise ValueError(
                f'num_negatives must be >= 0 and max_tokens >= 1, got {num_negatives!r} and '
                f'{max_tokens!r}.'
            )
        for name, value in (('negative_prob', negative_prob), ('full_label_prob', full_label_prob)):
            if not 0 <= value <= 1:
                raise ValueError(f'{name} must be in [0, 1], got {value!r}.')
        self.language_model = language_model
        self.max_tokens = max_tokens
        self.mode = mode
        self.num_negatives = num_negatives
        self.negative_prob = negative_prob
        self.full_label_prob = full_label_prob
        self.scope = scope

    def transform(self, results: dict) -> dict:
        """Add the prompt to a record.

        Args:
            results: The record after ``LoadAnnotations`` and the geometric transforms.

        Returns:
            The same dict with ``text`` and, by record type, ``phrase_labels`` or
            ``tokens_positive``; ``prompt_left_out`` lists what did not fit.

        Raises:
            ValueError: If the prompt would be empty, one phrase alone exceeds ``max_tokens``, or
                boxes are not loaded yet in training.
        """
        if self.mode == 'train' and 'gt_bboxes_labels' not in results:
            raise ValueError(
                f'Record {results.get("img_id", "?")!r} has no gt_bboxes_labels: put SamplePrompt '
                'after LoadAnnotations in the training pipeline.'
            )
        results['prompt_left_out'] = []
        if results['dataset_mode'] == 'VG':
            return self._caption(results)
        return self._labels(results)

    def _labels(self, results: dict) -> dict:
        vocabulary: Vocabulary = results['vocabulary']
        positives = self._positives(results)
        scope = self._scope(results, vocabulary, positives)
        if self.mode == 'test':
            asked = sorted({*scope, *positives})
            for label in asked:
                self._fits_alone(vocabulary.names[label])
        else:
            asked = self._sample(results, vocabulary, positives, scope)
        results['text'] = tuple(vocabulary.names[label] for label in asked)
        results['phrase_labels'] = tuple(vocabulary.ids[label] for label in asked)
        if 'gt_bboxes_labels' in results:
            _reindex(results, asked)
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
    ) -> list[int]:
        """Draw positives, then negatives, up to the token budget; return them in random order."""
        names = vocabulary.names
        kept, free = self._take(np.random.permutation(positives), names, self._budget())
        left_out = set(positives).difference(kept)
        results['prompt_left_out'] = [vocabulary.ids[label] for label in sorted(left_out)]
        pool = sorted(set(scope).difference(positives))
        negatives, _ = self._take(self._negatives(pool, bool(kept)), names, free)
        kept += negatives
        return [int(label) for label in np.random.permutation(kept)]

    def _negatives(self, pool: Sequence[int], has_positives: bool) -> Sequence[int]:
        """Draw the labels to ask for that are not on the image; at least one without positives."""
        if has_positives and not (self.num_negatives and np.random.random() < self.negative_prob):
            return []
        drawn = np.random.permutation(pool)
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
        order = np.random.permutation(len(phrases))
        kept, _ = self._take(order, phrases, self._budget())
        results['prompt_left_out'] = [phrases[i] for i in sorted({*order.tolist()} - {*kept})]
        prompt = prompt_from_phrases([phrases[i] for i in kept])
        results['text'] = prompt.caption
        results['phrases'] = list(prompt.phrases)
        results['tokens_positive'] = {
            i: [list(span) for span in of_one] for i, of_one in enumerate(prompt.spans)
        }
        if 'gt_bboxes_labels' in results:
            _reindex(results, kept)
        return results

    def _take(
        self, order: Sequence[int], names: Sequence[str], budget: int
    ) -> tuple[list[int], int]:
        """Take from ``order`` what fits; return it and the tokens that are left."""
        taken: list[int] = []
        for item in order:
            cost = self._fits_alone(names[item])
            if cost <= budget:
                taken.append(int(item))
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
            f'full_label_prob={self.full_label_prob}, scope={self.scope!r})'
        )


@lru_cache(maxsize=65536)
def _token_count(language_model: str, text: str, special: bool = False) -> int:
    return count_tokens(load_tokenizer(language_model), text, special=special)


def _reindex(results: dict, asked: Sequence[int]) -> None:
    """Express ``gt_bboxes_labels`` as indices into ``asked``; drop boxes of other labels."""
    position = {label: index for index, label in enumerate(asked)}
    labels = [position.get(int(label), -1) for label in results['gt_bboxes_labels']]
    new = np.array(labels, dtype=np.int64)
    keep = np.flatnonzero(new >= 0)
    results['gt_bboxes_labels'] = new
    if len(keep) < len(new):
        for key in _PER_BOX:
            if key in results:
                results[key] = results[key][keep]
