"""Results by hand, on files that a test names."""

import pytest

from mmdet_medglip.apis import FoundBox, GroundingResult, ImageSource, PhraseAnswer, read_question


@pytest.fixture
def answer():
    """Make a result: ``answer(name, ('liver', 0.9, (1, 2, 3, 4)), path=..., ...)``."""

    def make(name, *boxes, size=(16, 16), phrases=('liver', 'spleen'), **source):
        question = read_question(list(phrases))
        found = tuple(
            FoundBox(box, score, words, list(phrases).index(words)) for words, score, box in boxes
        )
        answers = tuple(PhraseAnswer(words, False, False) for words in question.phrases)
        source = ImageSource(str(name), **source)
        return GroundingResult(source, *size, question, found, answers, 'ct')

    return make
