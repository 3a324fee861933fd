"""From a trained model to a folder and back."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from mmdet_medglip.apis import MedGLIPInferencer, ModelFiles
from mmdet_medglip.packaging.pack_model import PackOptions, _write_licence, pack_model
from tests.packaging.conftest import OPTIONS


@pytest.fixture(scope='module')
def both(model_files, packed):
    """The model as trained, and as packed."""
    return (
        MedGLIPInferencer(*model_files, device='cpu', show_progress=False),
        MedGLIPInferencer(str(packed), device='cpu', show_progress=False),
    )


@pytest.mark.parametrize(
    'prompt',
    [
        pytest.param('liver, spleen', id='encoded'),
        pytest.param('left kidney. polyp', id='not-encoded'),
        pytest.param([['liver'], 'spleen, cyst'], id='for-each-image'),
    ],
)
def test_answers_are_equal_bit_by_bit(both, prompt):
    images = [np.random.default_rng(seed).integers(0, 256, (40, 60), np.uint8) for seed in range(2)]
    options = dict(modality='ct', score_thr=0.1, num_workers=0)
    first, second = (one(images, prompt, **options)['predictions'] for one in both)
    assert sum(len(one.boxes) for one in first) > 10
    assert [one.boxes for one in first] == [one.boxes for one in second]


def test_an_encoded_prompt_is_not_encoded_again(both, monkeypatch):
    image = np.zeros((40, 60), np.uint8)
    packed = both[1]
    packed(image, 'polyp', modality='ct', score_thr=0)

    def refuse(rows):
        raise AssertionError(f'encoded {rows}')

    monkeypatch.setattr(packed.model.language_model, '_run', refuse)
    assert packed(image, 'liver, spleen', modality='ct', score_thr=0)['predictions']


def test_the_threshold_of_the_model_is_the_default(both):
    image = np.random.default_rng(3).integers(0, 256, (40, 60), np.uint8)
    (told,) = both[1](image, 'liver', modality='ct')['predictions']
    (all_boxes,) = both[1](image, 'liver', modality='ct', score_thr=0)['predictions']
    assert told.boxes == tuple(box for box in all_boxes.boxes if box.score >= 0.25)


@pytest.mark.slow
def test_the_same_model_gives_the_same_bytes(model_files, packed, tmp_path):
    pack_model(ModelFiles(*model_files), tmp_path / 'again', OPTIONS)
    names = sorted(path.name for path in packed.iterdir())
    assert names == sorted(path.name for path in (tmp_path / 'again').iterdir())
    for name in names:
        assert (packed / name).read_bytes() == (tmp_path / 'again' / name).read_bytes(), name


def test_what_is_in_it(packed):
    told = json.loads((packed / 'medglip.json').read_text())
    assert sorted(told['files']) == [
        *('LICENSE', 'README.md', 'config.json', 'ontology.yaml', 'prompts.safetensors'),
        'weights.safetensors',
    ]
    assert (told['name'], told['language_model']) == ('two', 'bundled')
    assert 'SPDX-License-Identifier: Apache-2.0' in (packed / 'LICENSE').read_text()
    card = (packed / 'README.md').read_text()
    assert 'not for clinical use' in card
    assert 'ct, mri' in card
    config = json.loads((packed / 'config.json').read_text())
    assert '/' not in (packed / 'config.json').read_text()
    assert config['test_pipeline'][2]['scale'] == {'tuple()': [64, 64]}


@pytest.mark.slow
def test_the_language_model_can_come_along(make_model, tmp_path):
    """It is then read from the folder alone."""
    config, weights = make_model('ct')
    options = PackOptions('CC-BY-4.0', include_language_model=True)
    pack_model(ModelFiles(config, weights), tmp_path / 'whole', options)
    first = MedGLIPInferencer(config, weights, device='cpu', show_progress=False)
    second = MedGLIPInferencer(str(tmp_path / 'whole'), device='cpu', show_progress=False)
    assert second.model.language_model.name == str(tmp_path / 'whole' / 'language_model')
    image = np.random.default_rng(0).integers(0, 256, (40, 60), np.uint8)
    answers = [
        one(image, 'liver', modality='ct', score_thr=0.1)['predictions'][0].boxes
        for one in (first, second)
    ]
    assert answers[0] == answers[1]
    assert answers[0]


def test_half_weights_take_half_the_space_and_answer_almost_alike(model_files, packed, tmp_path):
    pack_model(ModelFiles(*model_files), tmp_path / 'half', replace(OPTIONS, half=True))
    sizes = [(at / 'weights.safetensors').stat().st_size for at in (tmp_path / 'half', packed)]
    assert sizes[0] < 0.55 * sizes[1]
    folders = (packed, tmp_path / 'half')
    models = [MedGLIPInferencer(at, device='cpu', show_progress=False) for at in folders]
    assert {one.dtype for one in models[1].model.parameters()} == {torch.float32}
    image = np.random.default_rng(0).integers(0, 256, (40, 60), np.uint8)
    scores = [
        one(image, 'liver', modality='ct', score_thr=0.0)['predictions'][0].scores[:5]
        for one in models
    ]
    np.testing.assert_allclose(scores[0], scores[1], atol=5e-3)
    assert not np.array_equal(scores[0], scores[1])


def test_a_folder_that_is_there_stays(model_files, tmp_path):
    with pytest.raises(FileExistsError, match='is there; remove it'):
        pack_model(ModelFiles(*model_files), tmp_path, OPTIONS)


@pytest.mark.parametrize(
    'licence',
    [
        *('my/licence', 'LICENSE.txt', 'terms.md', 'MIT OR terms.rst', 'LICENSE', 'Copying'),
        *('All rights reserved', 'MIT OR', 'MIT\nfree', 'MIT  WITH  WITH', '\u00a9', '()'),
    ],
)
def test_a_licence_that_is_neither_a_file_nor_a_name(tmp_path, monkeypatch, licence):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError) as told:
        _write_licence(tmp_path, licence)
    assert f'no licence file {licence}; give it' in str(told.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    'licence',
    [
        *('Apache-2.0', 'GPL-2.0+', 'Unlicense', 'LicenseRef-ours', 'CC-BY-NC-SA-4.0'),
        *('DocumentRef-a.b:LicenseRef-c', 'MIT AND (LGPL-2.1-only OR BSD-3-Clause)'),
        'GPL-2.0-or-later WITH Bison-exception-2.2',
    ],
)
def test_a_licence_by_its_name(tmp_path, licence):
    assert _write_licence(tmp_path, licence) == licence
    assert (tmp_path / 'LICENSE').read_text() == f'SPDX-License-Identifier: {licence}\n'


def test_a_pack_that_fails_leaves_nothing(model_files, tmp_path):
    with pytest.raises(FileNotFoundError, match=r'no licence file LICENSE\.txt'):
        pack_model(ModelFiles(*model_files), tmp_path / 'new', PackOptions('LICENSE.txt'))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('option', ['card', 'about'])
def test_a_text_that_is_not_utf_8_is_named(model_files, tmp_path, option):
    text = tmp_path / 'text.md'
    text.write_bytes('Müller'.encode('latin-1'))
    with pytest.raises(ValueError, match=r'text\.md is not UTF-8 at byte 1'):
        pack_model(
            ModelFiles(*model_files), tmp_path / 'new', replace(OPTIONS, **{option: str(text)})
        )


def test_a_packed_model_is_not_packed_again(packed, tmp_path):
    with pytest.raises(ValueError, match='two is a packed model already: copy the folder'):
        pack_model(ModelFiles(str(packed)), tmp_path / 'again', PackOptions('MIT'))
    assert list(tmp_path.iterdir()) == []
