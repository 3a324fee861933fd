"""Mirror images in training, with the sides that their labels and words name."""

from typing import Any

import numpy as np
from mmdet.datasets.transforms import RandomFlip

from mmdet_medglip.datasets.vocabulary import Vocabulary
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.registry import TRANSFORMS
from mmdet_medglip.text.mirrored import mirror, names_a_side

__all__ = ['RandomSidedFlip', 'check_sides', 'other_side']

_MIRRORS = ('horizontal', 'vertical')
_NO_SIDES_SEEN = ('sagittal', 'lateral')
"""Views that are mirrored front to back: what is left stays left."""


@TRANSFORMS.register_module()
class RandomSidedFlip(RandomFlip):
    """mmdet's ``RandomFlip``; left and right swap with the image.

    A mirrored left kidney looks like a right one, so it is called one: boxes and the label
    ``kidney_left`` become ``kidney_right``, a caption's ``left`` becomes ``right`` and the spans of
    its phrases follow. An image is left as it is where that cannot be said truly:

    - a label of its source has a side but no counterpart that the source annotates too: what
      nobody annotated would become a wrong negative;
    - its words say a side by letters, such as ``RUL``;
    - it is a sagittal or lateral view whose labels or words have sides.

    It stands behind ``LoadAnnotations`` and in front of :class:`SamplePrompt`, which refuses a
    mirrored image whose prompt names a side if another transform mirrored it.

    Required keys: as mmdet's, ``dataset_mode``, ``vocabulary``, ``modality``, ``source``; optional
    ``view``; VG: ``caption``, ``phrases``, ``tokens_positive``. Added: ``sides_swapped``, whether
    sides are now those of the mirror image.

    Args:
        prob: Probability to mirror, 0..1.
        direction: ``'horizontal'`` or ``'vertical'``; both mirror.

    Raises:
        ValueError: Another direction, or ``prob`` is out of range.
    """

    def __init__(self, prob: float = 0.5, direction: str = 'horizontal') -> None:
        if direction not in _MIRRORS:
            raise ValueError(f'direction must be one of {_MIRRORS}, got {direction!r}.')
        if not 0 <= prob <= 1:
            raise ValueError(f'prob must be in [0, 1], got {prob!r}.')
        super().__init__(prob=float(prob), direction=direction)

    def transform(self, results: dict) -> dict:
        """Mirror a record, or leave it as it is.

        Raises:
            ValueError: The record has no annotations yet.
        """
        if 'gt_bboxes_labels' not in results:
            raise ValueError(
                f'Record {results.get("img_id", "?")!r} has no gt_bboxes_labels: put '
                'RandomSidedFlip after LoadAnnotations.'
            )
        wanted = bool(np.random.random() < self.prob)
        changed = self._mirrored(results) if wanted else None
        results['flip'] = changed is not None
        results['flip_direction'] = self.direction if changed is not None else None
        if changed is not None:
            self._flip(results)
            results.update(changed)
            results['sides_swapped'] = not results.get('sides_swapped', False)
        return results

    def _mirrored(self, results: dict) -> dict[str, Any] | None:
        """Fields that are others in the mirror image; None if that cannot be told."""
        grounds = results['dataset_mode'] == 'VG'
        changed = self._words(results) if grounds else self._labels(results)
        view = str(results.get('view') or '').lower()
        if changed and any(name in view for name in _NO_SIDES_SEEN):
            return None
        return changed

    @staticmethod
    def _words(results: dict) -> dict[str, Any] | None:
        texts = (results['caption'], *results['phrases'])
        mirrored = [mirror(text) for text in texts]
        if not any(map(names_a_side, texts)):
            return {}
        if any(one is None for one in mirrored):
            return None
        caption, *phrases = mirrored
        return dict(
            caption=caption.text,
            phrases=[one.text for one in phrases],
            tokens_positive=[caption.spans(spans) for spans in results['tokens_positive']],
        )

    @staticmethod
    def _labels(results: dict) -> dict[str, Any] | None:
        vocabulary: Vocabulary = results['vocabulary']
        where = dict(modality=results['modality'], source=results.get('source') or '')
        asked = set(vocabulary.scope('source', **where))
        own = [int(label) for label in results['gt_bboxes_labels']]
        become: dict[int, int] = {}
        for label in sorted(asked.union(own)):
            other = other_side(vocabulary.ontology, vocabulary.ids[label])
            place = None if other is None else vocabulary.position.get(other)
            if place is None or (label in asked and place not in asked):
                return None
            become[label] = place
        if all(label == place for label, place in become.items()):
            return {}
        labels = np.array([become[label] for label in own], dtype=np.int64)
        return dict(gt_bboxes_labels=labels)

    def __repr__(self) -> str:
        return f'{type(self).__name__}(prob={self.prob}, direction={self.direction!r})'


def other_side(ontology: Ontology, node: str) -> str | None:
    """Return what a label, class or region is in a mirror image.

    Returns:
        The id of the other side; ``node`` itself if it has no side; None if it has one, but no
        counterpart.
    """
    if node in ontology.labels:
        return node if ontology.side(node) is None else ontology.opposite(node)
    swap = {'left': 'right', 'right': 'left'}
    return '_'.join(swap.get(word, word) for word in node.split('_'))


def check_sides(results: dict) -> None:
    """Check that a prompt does not name sides of an image that was mirrored without them.

    Args:
        results: A record with ``text``, the prompt.

    Raises:
        ValueError: It does.
    """
    mirrored = results.get('flip') and results.get('flip_direction') in _MIRRORS
    if not mirrored or results.get('sides_swapped'):
        return
    text = results['text']
    named = [one for one in ([text] if isinstance(text, str) else text) if names_a_side(one)]
    if named:
        raise ValueError(
            f'Record {results.get("img_id", "?")!r} was mirrored and its prompt names a side '
            f'({named[0][:80]!r}), which is now the wrong one: use RandomSidedFlip instead of '
            'RandomFlip; it swaps left and right with the image.'
        )
