"""Every label by the words of another."""

import pytest

from mmdet_medglip.datasets import ShufflePhrases, Vocabulary

VOCABULARY = Vocabulary(('liver', 'spleen', 'polyp'), ('liver', 'spleen', 'polyp'))


def _results(*labels: str) -> dict:
    return {'text': labels, 'phrase_labels': labels, 'vocabulary': VOCABULARY, 'img_id': 'a'}


@pytest.mark.parametrize('seed', range(20))
def test_no_label_keeps_its_words(seed: int) -> None:
    labels = ('a', 'b', 'c', 'd', 'e')
    out = ShufflePhrases(seed)(_results(*labels))
    assert sorted(out['text']) == sorted(labels)
    assert all(word != label for word, label in zip(out['text'], labels, strict=True))
    assert out['phrase_labels'] == labels


def test_same_labels_same_words_and_another_seed_other_words() -> None:
    labels = tuple('abcdefgh')
    first = [ShufflePhrases(seed)(_results(*labels))['text'] for seed in (0, 0, 1)]
    assert first[0] == first[1] != first[2]


def test_a_label_alone_is_asked_as_another_of_the_data_set() -> None:
    said = {ShufflePhrases(seed)(_results('polyp'))['text'][0] for seed in range(20)}
    assert said == {'liver', 'spleen'}


def test_faults() -> None:
    with pytest.raises(ValueError, match='no phrase_labels: ShufflePhrases stands behind'):
        ShufflePhrases()({'img_id': 'a', 'text': 'a caption'})
    single = Vocabulary(('polyp',), ('polyp',))
    with pytest.raises(ValueError, match='at least two labels'):
        ShufflePhrases()(_results('polyp') | {'vocabulary': single})
