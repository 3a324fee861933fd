import math
import shutil
import sys

import pytest

from mmdet_medglip.downstream.report import text_overlap
from mmdet_medglip.downstream.report.text_overlap import overlap_scores, words_of

REFERENCES = ['No acute disease.', 'Small left effusion, 5.2 cm.', 'The lungs are clear today.']
GENERATED = ['No acute disease', 'Small right effusion.', '']


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        pytest.param('No Acute\n disease.', 'no acute disease', id='case, lines, full stop'),
        pytest.param('X-ray: 5.2 cm, w/o change', 'x-ray 5.2 cm w/o change', id='inside a word'),
        pytest.param('1. a 2. b', '1 a 2 b', id='numbered'),
        pytest.param('___ XXXX <b>', 'xxxx b', id='masked words'),
        pytest.param('Épanchement', 'épanchement', id='letters of all languages'),
        pytest.param(' .\t', '', id='no word'),
    ],
)
def test_words(text, words):
    assert words_of(text) == words


def test_bleu_by_hand():
    pytest.importorskip('sacrebleu')
    figures = overlap_scores(REFERENCES, GENERATED, ['BLEU']).figures
    # 3 + 2 of 6 words are right, of 13 in the references; bigrams: 2 of 4.
    brevity = math.exp(1 - 13 / 6)
    assert figures['nlg/BLEU-1'] == pytest.approx(brevity * 5 / 6)
    assert figures['nlg/BLEU-2'] == pytest.approx(brevity * math.sqrt(5 / 6 * 2 / 4))
    assert figures['nlg/BLEU-4'] == 0


def test_rouge_by_hand():
    pytest.importorskip('rouge_score')
    figures = overlap_scores(REFERENCES, GENERATED, ['ROUGE-L']).figures
    # Report 2: 2 common words in order, precision 2/3, recall 2/5.
    assert figures['nlg/ROUGE-L'] == pytest.approx((1 + 2 * 2 / (3 + 5) + 0) / 3)


def test_cider_by_hand():
    pytest.importorskip('pycocoevalcap')
    figures = overlap_scores(['a b', 'c d'], ['a b', 'e f'], ['CIDEr']).figures
    # Equal texts of two words have 1- and 2-grams alike, no 3- and 4-grams: 10 * 2 / 4; then 0.
    assert figures['nlg/CIDEr'] == pytest.approx(5 / 2)


@pytest.mark.slow
def test_meteor_as_its_wrapper_has_it():
    meteor = pytest.importorskip('pycocoevalcap.meteor.meteor')
    if shutil.which('java') is None:
        pytest.skip('no Java')
    scores = overlap_scores(REFERENCES, GENERATED, ['METEOR'])
    ours = {row: [words_of(text)] for row, text in enumerate(REFERENCES)}
    theirs = {row: [words_of(text) or '.'] for row, text in enumerate(GENERATED)}
    expected = meteor.Meteor().compute_score(ours, theirs)[0]
    assert scores.figures['nlg/METEOR'] == pytest.approx(expected, abs=1e-9)
    assert 0.2 < expected < 0.6


@pytest.mark.parametrize(
    ('name', 'module', 'line'),
    [
        pytest.param('BLEU', 'sacrebleu.metrics', 'pip install sacrebleu', id='BLEU'),
        pytest.param('ROUGE-L', 'rouge_score.rouge_scorer', 'pip install rouge-score', id='ROUGE'),
        pytest.param(
            'CIDEr', 'pycocoevalcap.cider.cider', 'pip install --no-deps pycocoevalcap', id='CIDEr'
        ),
    ],
)
def test_a_library_that_is_not_there_is_one_line(monkeypatch, name, module, line):
    monkeypatch.setitem(sys.modules, module, None)
    scores = overlap_scores(REFERENCES, GENERATED, [name])
    assert scores.figures == {}
    assert line in scores.unavailable[name]
    assert '\n' not in scores.unavailable[name]


@pytest.mark.parametrize(
    ('missing', 'line'),
    [
        pytest.param('package', 'pip install --no-deps pycocoevalcap', id='no package'),
        pytest.param('java', 'needs Java', id='no Java'),
        pytest.param('jar', 'failed', id='Java without the jar'),
    ],
)
def test_meteor_without_what_it_needs_is_one_line(monkeypatch, tmp_path, missing, line):
    class Spec:
        submodule_search_locations = (str(tmp_path),)

    (tmp_path / 'meteor').mkdir()
    java = tmp_path / 'java'
    java.write_text('#!/bin/sh\necho Unable to access jarfile >&2\nexit 1\n')
    java.chmod(0o755)
    spec = None if missing == 'package' else Spec()
    monkeypatch.setattr(text_overlap, 'find_spec', lambda name: spec)
    found = None if missing == 'java' else str(java)
    monkeypatch.setattr(text_overlap.shutil, 'which', lambda name: found)
    scores = overlap_scores(REFERENCES, GENERATED, ['METEOR'])
    assert scores.figures == {}
    assert line in scores.unavailable['METEOR']


def test_cider_of_one_report_is_no_number():
    pytest.importorskip('pycocoevalcap')
    assert 'two different' in overlap_scores(['a'], ['a'], ['CIDEr']).unavailable['CIDEr']


@pytest.mark.parametrize(
    ('references', 'generated', 'names', 'message'),
    [
        pytest.param([], [], None, 'got 0 and 0', id='none'),
        pytest.param(['a'], [], None, 'got 1 and 0', id='lengths'),
        pytest.param(['a'], ['a'], ['F1'], "Unknown overlap 'F1'; known are BLEU", id='name'),
    ],
)
def test_wrong_arguments(references, generated, names, message):
    with pytest.raises(ValueError, match=message):
        overlap_scores(references, generated, names)
