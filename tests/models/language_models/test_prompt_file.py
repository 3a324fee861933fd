"""Files of encoded prompts: what comes back, and what is refused."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from mmdet_medglip.models.language_models import TextEncoder, load_prompts, save_prompts
from mmdet_medglip.text import prompt_from_caption, prompt_from_phrases

PROMPTS = [
    prompt_from_phrases(['left kidney', 'liver']),
    prompt_from_caption('A nodule in the left lung.', [[[2, 8]], [[16, 25]]]),
]


@pytest.fixture
def encoder(tiny_bert) -> TextEncoder:
    return TextEncoder(name=tiny_bert, max_tokens=32).eval()


@pytest.fixture
def file(tmp_path, encoder):
    path = tmp_path / 'prompts.safetensors'
    save_prompts(path, encoder, PROMPTS)
    return path


def test_prompts_and_features_come_back(file, encoder, tiny_bert, monkeypatch):
    other = TextEncoder(name=tiny_bert, max_tokens=32).eval()
    monkeypatch.setattr(other, '_run', None)  # nothing may be computed
    assert load_prompts(file, other) == PROMPTS
    with torch.no_grad():
        found = other(PROMPTS[::-1])
        expected = encoder(PROMPTS[::-1])
    assert torch.equal(found.hidden, expected.hidden)
    assert all(map(torch.equal, found.token_maps, expected.token_maps))


def rewrite(file, **changes: str) -> None:
    from safetensors import safe_open

    with safe_open(file, framework='pt') as source:
        header = source.metadata() | changes
    save_file(load_file(file), file, metadata=header)


@pytest.mark.parametrize(
    ('damage', 'message'),
    [
        pytest.param(lambda f: f.write_bytes(b'no file'), 'no file of prompts', id='other-bytes'),
        pytest.param(lambda f: f.write_bytes(b''), 'no file of prompts', id='empty'),
        pytest.param(
            lambda f: f.write_bytes(f.read_bytes()[:-100]), 'no file of prompts', id='cut'
        ),
        pytest.param(
            lambda f: save_file({'a': torch.ones(1)}, f), 'its format is None', id='other-content'
        ),
        pytest.param(lambda f: rewrite(f, prompts='['), 'no file of prompts', id='bad-json'),
        pytest.param(lambda f: rewrite(f, prompts='[1]'), 'no file of prompts', id='bad-entry'),
        pytest.param(
            lambda f: rewrite(
                f, prompts=json.dumps([dict(caption='a', phrases=['a'], spans=[[[0, 9]]])])
            ),
            r'span \[0, 9\)',
            id='span-outside',
        ),
        pytest.param(
            lambda f: rewrite(
                f, prompts=json.dumps([dict(caption='a', phrases=['a'], spans=[[[0, 1]]])])
            ),
            r"features of prompt 'a' have shape",
            id='features-of-another-prompt',
        ),
    ],
)
def test_damaged_file_is_one_clear_error(file, encoder, damage, message):
    damage(file)
    with pytest.raises(ValueError, match=f'(?i){message}'):
        load_prompts(file, encoder)


def test_other_weights_are_refused(file, encoder):
    with torch.no_grad():
        next(encoder.parameters()).view(-1)[0] += 1
    with pytest.raises(ValueError, match=r'other weights of a language model .* save_prompts'):
        load_prompts(file, encoder)


def test_missing_file_is_named(tmp_path, encoder):
    with pytest.raises(FileNotFoundError, match=r'No file of prompts at .*none\.safetensors'):
        load_prompts(tmp_path / 'none.safetensors', encoder)
