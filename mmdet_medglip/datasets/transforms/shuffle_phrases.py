"""Ask for every label by the words of another one: a control for what words do."""

import hashlib

import numpy as np
from mmcv.transforms import BaseTransform

from mmdet_medglip.datasets.vocabulary import Vocabulary
from mmdet_medglip.registry import TRANSFORMS

__all__ = ['ShufflePhrases']


@TRANSFORMS.register_module()
class ShufflePhrases(BaseTransform):
    """Give each label of a test prompt the phrase of another label.

    A model that reads its prompt then answers at the wrong boxes; one that finds salient things
    whatever it is asked does as well as before. Put it behind ``SamplePrompt``. Prompts of the same
    labels are shuffled alike; a single label is asked by the name of another one of the data set.

    Required keys: ``text``, ``phrase_labels`` (detection records), ``vocabulary``.

    Args:
        seed: Which permutation.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def transform(self, results: dict) -> dict:
        """Replace ``text``; labels and boxes stay.

        Raises:
            ValueError: The record has no labels, or the data set has one label only.
        """
        if 'phrase_labels' not in results:
            raise ValueError(
                f'Record {results.get("img_id", "?")!r} has no phrase_labels: ShufflePhrases '
                'stands behind SamplePrompt and works on records with labels.'
            )
        text, labels = results['text'], results['phrase_labels']
        digest = hashlib.sha256(repr((self.seed, labels)).encode()).digest()
        rng = np.random.default_rng(int.from_bytes(digest[:8], 'big'))
        if len(text) == 1:
            vocabulary: Vocabulary = results['vocabulary']
            others = [
                n for i, n in zip(vocabulary.ids, vocabulary.names, strict=True) if i != labels[0]
            ]
            if not others:
                raise ValueError('ShufflePhrases needs a data set of at least two labels.')
            results['text'] = (others[rng.integers(len(others))],)
            return results
        results['text'] = tuple(text[i] for i in _one_cycle(len(text), rng))
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(seed={self.seed})'


def _one_cycle(count: int, rng: np.random.Generator) -> list[int]:
    """Draw a permutation without fixed point (Sattolo, 1986)."""
    order = list(range(count))
    for last in range(count - 1, 0, -1):
        other = int(rng.integers(last))
        order[last], order[other] = order[other], order[last]
    return order
