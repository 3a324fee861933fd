import json
import shutil
import socket
from types import SimpleNamespace

import pytest

from mmdet_medglip.downstream.vqa import ModelInput, stand_in_picture
from mmdet_medglip.downstream.vqa.hf_model import HfModel
from mmdet_medglip.testing.random_vision_language import RANDOM_MODELS, write_random_llava

TOKENS = 6


@pytest.fixture(scope='module')
def folders(tmp_path_factory):
    """Folders of random models, by kind."""
    root = tmp_path_factory.mktemp('models')
    written = {kind: write(root / kind) for kind, write in RANDOM_MODELS.items()}
    written['llava-plain'] = write_random_llava(root / 'plain', chat=False)
    return written


@pytest.fixture(scope='module', params=['llava', 'qwen2-vl', 'llava-plain'])
def model(folders, request):
    return HfModel(folders[request.param], device='cpu', max_new_tokens=TOKENS)


def ask(name, prompt, pictures=1):
    return ModelInput(
        name,
        prompt,
        prompt,
        tuple(stand_in_picture(f'{name}{number}', 40, 60) for number in range(pictures)),
        None,
    )


INPUTS = [
    ask('a', 'is it normal?'),
    ask('b', 'what organ system is shown, and on which side of the patient is the mass?', 2),
    ask('c', 'left or right'),
]


def test_a_batch_answers_as_its_questions_alone(model):
    # Prompts of other lengths and numbers of pictures: padding must not change an answer.
    alone = [model.answer([one])[0] for one in INPUTS]
    assert model.answer(INPUTS) == alone
    assert len(set(alone)) == 3
    assert all(alone)


def test_an_answer_is_what_was_generated_and_depends_on_words_and_pictures(model):
    (answer,) = model.answer(INPUTS[:1])
    assert 'is it normal' not in answer
    assert len(model.processor.tokenizer(answer)['input_ids']) <= 2 * TOKENS
    other_words = ModelInput('a', '', 'is it large?', INPUTS[0].pictures, None)
    other_picture = ModelInput('a', '', INPUTS[0].prompt, INPUTS[2].pictures, None)
    assert len({answer, *model.answer([other_words]), *model.answer([other_picture])}) == 3


@pytest.mark.parametrize(
    ('kind', 'chat', 'expected'),
    [
        pytest.param('llava', 'processor', 'USER: <image>\nq ASSISTANT:', id='template'),
        pytest.param(
            'qwen2-vl',
            'processor',
            'USER: <|vision_start|><|image_pad|><|vision_end|>q ASSISTANT:',
            id='template_of_its_own',
        ),
        pytest.param('llava-plain', 'plain', '<image>\nq', id='no_template'),
    ],
)
def test_prompts(folders, kind, chat, expected):
    model = HfModel(folders[kind], device='cpu')
    assert model.chat == chat
    assert model.prompt_of(ask('a', 'q')) == expected


def test_a_processor_without_its_numbers_gets_them_from_the_config(folders, tmp_path):
    folder = shutil.copytree(folders['llava'], tmp_path / 'model')
    path = folder / 'processor_config.json'
    config = json.loads(path.read_text())
    kept = {'processor_class': config['processor_class'], 'image_token': config['image_token']}
    path.write_text(json.dumps(kept))
    whole, model = (
        HfModel(str(one), device='cpu', max_new_tokens=TOKENS) for one in (folders['llava'], folder)
    )
    assert model.processor.patch_size == 8
    assert model.answer(INPUTS) == whole.answer(INPUTS)


def test_a_template_of_the_tokenizer_is_used(folders, tmp_path):
    folder = shutil.copytree(folders['llava-plain'], tmp_path / 'model')
    path = folder / 'tokenizer_config.json'
    config = json.loads(path.read_text())
    config['chat_template'] = "[INST] {{ messages[0]['content'] }} [/INST]"
    path.write_text(json.dumps(config))
    model = HfModel(str(folder), device='cpu')
    assert model.chat == 'tokenizer'
    assert model.prompt_of(ask('a', 'q', 2)) == '[INST] <image>\n<image>\nq [/INST]'


@pytest.mark.parametrize(
    ('added', 'expected'),
    [
        pytest.param([1, 5], '[INST] q', id='the_tokenizer_adds_it'),
        pytest.param([5], '<s>[INST] q', id='the_template_alone_has_it'),
    ],
)
def test_the_first_token_is_there_once(added, expected):
    class Tokenizer:
        bos_token, bos_token_id = '<s>', 1

        def __call__(self, text):
            return {'input_ids': added}

        def apply_chat_template(self, messages, add_generation_prompt, tokenize):
            return f'<s>[INST] {messages[0]["content"]}'

    model = HfModel.__new__(HfModel)
    model.chat, model.processor = 'tokenizer', SimpleNamespace(tokenizer=Tokenizer())
    assert model.prompt_of(ask('a', 'q')) == expected


def test_the_fingerprint_changes_with_weights_and_options(folders, tmp_path):
    first = HfModel(folders['llava'], device='cpu')
    copy = shutil.copytree(folders['llava'], tmp_path / 'copy')
    assert HfModel(str(copy), device='cpu').fingerprint == first.fingerprint
    assert HfModel(str(copy), device='cpu', max_new_tokens=3).fingerprint != first.fingerprint
    other = write_random_llava(tmp_path / 'other', seed=1)
    assert HfModel(other, device='cpu').fingerprint != first.fingerprint


def test_a_model_without_vision(tmp_path):
    from transformers import BertConfig

    BertConfig(num_hidden_layers=1).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="has no vision: its kind 'bert' takes no images"):
        HfModel(str(tmp_path))


def test_a_kind_that_is_not_known(tmp_path):
    (tmp_path / 'config.json').write_text('{"model_type": "llava_mistral"}')
    with pytest.raises(ValueError, match=r'does not know .*llava_mistral.*docs/vqa\.md'):
        HfModel(str(tmp_path))


@pytest.mark.parametrize(
    ('remove', 'error', 'message'),
    [
        pytest.param('config.json', OSError, r'cannot be had .*Expected a folder', id='config'),
        pytest.param('preprocessor_config.json', OSError, 'processor of model', id='images'),
        pytest.param(
            'model.safetensors', OSError, r'weights of model .*\.safetensors', id='weights'
        ),
    ],
)
def test_a_folder_that_lacks_a_file(folders, tmp_path, remove, error, message):
    folder = shutil.copytree(folders['llava'], tmp_path / 'model')
    (folder / remove).unlink()
    with pytest.raises(error, match=message):
        HfModel(str(folder), device='cpu')


def test_weights_of_a_pickle_are_not_read(folders, tmp_path):
    folder = shutil.copytree(folders['llava'], tmp_path / 'model')
    (folder / 'model.safetensors').rename(folder / 'pytorch_model.bin')
    with pytest.raises(OSError, match='a pickle would run code'):
        HfModel(str(folder), device='cpu')


def test_weights_that_are_not_all_there(folders, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(folders['llava'], tmp_path / 'model')
    weights = load_file(folder / 'model.safetensors')
    lost = next(name for name in sorted(weights) if 'projector' in name)
    del weights[lost]
    save_file(weights, folder / 'model.safetensors', metadata={'format': 'pt'})
    with pytest.raises(ValueError, match=r'lack 1 tensors, such as .*projector'):
        HfModel(str(folder), device='cpu')


def test_the_hub_is_not_reachable(monkeypatch, tmp_path):
    def refuse(*args, **kwargs):
        raise OSError('no network')

    monkeypatch.setenv('HF_HOME', str(tmp_path))
    monkeypatch.setattr(socket.socket, 'connect', refuse)
    monkeypatch.setattr(socket, 'getaddrinfo', refuse)
    with pytest.raises(OSError, match=r"Model 'nobody/nothing' cannot be had .*Offline: copy"):
        HfModel('nobody/nothing')


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        pytest.param({'max_new_tokens': 0}, 'max_new_tokens must be at least 1', id='tokens'),
        pytest.param({'dtype': 'float99'}, "'auto' or a torch type, got 'float99'", id='dtype'),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        HfModel('x', **options)
