"""tools/model_converters/glip_to_medglip.py on small files of GLIP's keys."""

import pytest
import torch

TOOL = 'model_converters/glip_to_medglip.py'
TOWER = 'bbox_head.head.dyhead_tower'
TEXT = 'language_model.language_backbone.body.model'
# One key of each part of MMDetection's GLIP-T, and where it goes for expert 'ct'.
EXPECTED = {
    'backbone.patch_embed.projection.weight': 'backbone.experts.ct.patch_embed.projection.weight',
    'neck.lateral_convs.0.conv.weight': 'neck.fpn.lateral_convs.0.conv.weight',
    f'{TEXT}.embeddings.word_embeddings.weight': (
        'language_model.model.embeddings.word_embeddings.weight'
    ),
    f'{TOWER}.0.b_attn.gamma_v': 'neck.blocks.0.fusion.gamma_visual',
    f'{TOWER}.3.b_attn.attn.values_l_proj.bias': 'neck.blocks.1.fusion.value_text.bias',
    f'{TOWER}.4.attention.self.query.weight': (
        'neck.blocks.1.text_layer.attention.self.query.weight'
    ),
    f'{TOWER}.5.dyconvs.2.conv.weight': 'neck.blocks.1.vision.from_finer.conv.weight',
    f'{TOWER}.5.relu.fc.0.weight': 'neck.blocks.1.vision.activation.fc.0.weight',
    'bbox_head.head.bbox_pred.weight': 'bbox_head.bbox_pred.weight',
    'bbox_head.head.dot_product_projection_text.bias': 'bbox_head.text_projection.bias',
    'bbox_head.head.scales.4.scale': 'bbox_head.scales.4.scale',
    'bbox_head.head.bias0': 'bbox_head.prior_bias',
}
LEFT_OUT = f'{TEXT}.embeddings.position_ids'


def glip() -> dict[str, torch.Tensor]:
    """Each key with a tensor of its own value."""
    return {key: torch.full((2,), float(i)) for i, key in enumerate([*EXPECTED, LEFT_OUT])}


@pytest.fixture
def convert(load_tool, monkeypatch, tmp_path):
    """Run the tool in this process on what is saved in a file; give the target's path."""
    tool = load_tool(TOOL)

    def start(content: object, *arguments: str):
        source, target = tmp_path / 'glip.pth', tmp_path / 'new' / 'medglip.pth'
        if content is not None:
            torch.save(content, source)
        monkeypatch.setattr('sys.argv', [TOOL, str(source), str(target), *arguments])
        tool.main()
        return target

    return start


@pytest.mark.parametrize('wrapped', [True, False], ids=['with-state_dict', 'weights-alone'])
def test_each_part_finds_its_place(convert, wrapped, capsys):
    weights = glip()
    target = convert(dict(state_dict=weights) if wrapped else weights, '--experts', 'ct')
    written = torch.load(target, weights_only=True)
    assert written['meta'] == {'source': 'glip.pth'}
    assert set(written['state_dict']) == set(EXPECTED.values())
    for old, new in EXPECTED.items():
        assert torch.equal(written['state_dict'][new], weights[old]), new
    assert '12 tensors for the experts ct' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('arguments', 'experts'),
    [
        pytest.param(['--experts', 'ct', 'mri', 'pet'], {'ct', 'mri', 'pet'}, id='named'),
        pytest.param(
            [],
            {'ct', 'mri', 'xray', 'ultrasound', 'endoscopy', 'dermoscopy', 'fundus'},
            id='all-modalities',
        ),
    ],
)
def test_every_expert_gets_the_image_backbone(convert, arguments, experts):
    written = torch.load(convert(glip(), *arguments), weights_only=True)['state_dict']
    found = {key.split('.')[2] for key in written if key.startswith('backbone.')}
    assert found == experts
    assert len(written) == 11 + len(experts)


def test_kind_a_has_one_tower_entry_for_a_block(convert):
    weights = {f'{TOWER}.{block}.dyconvs.1.bn.weight': torch.ones(1) for block in range(2)}
    written = torch.load(convert(weights, '--experts', 'ct'), weights_only=True)['state_dict']
    assert set(written) == {f'neck.blocks.{block}.vision.from_same.norm.weight' for block in (0, 1)}


class Harmful:
    """What ``weights_only`` refuses."""

    def __reduce__(self):
        return print, ('this code was run',)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        pytest.param(
            {'roi_head.x': torch.ones(1), 'backbone.y': torch.ones(1)},
            r"Not a checkpoint of MMDetection's GLIP: 1 of 2 keys are unknown, such as roi_head\.x",
            id='another-architecture',
        ),
        pytest.param({'state_dict': {}}, "Not a checkpoint of MMDetection's GLIP", id='empty'),
        pytest.param(
            {'state_dict': glip(), 'meta': Harmful()}, 'not allowed in a checkpoint', id='code'
        ),
        pytest.param([torch.ones(1)], 'holds a list, expected a dict', id='list'),
        pytest.param(None, 'no checkpoint file', id='missing'),
    ],
)
def test_other_files_end_in_one_sentence(convert, content, message, tmp_path, capsys):
    with pytest.raises(SystemExit, match=message) as stopped:
        convert(content, '--experts', 'ct')
    assert 'glip.pth' in str(stopped.value)
    assert not (tmp_path / 'new').exists(), 'nothing is written'
    assert 'this code was run' not in capsys.readouterr().out


def test_it_runs_as_a_program(call, toy):
    torch.save(glip(), toy / 'glip.pth')
    done = call(TOOL, 'glip.pth', 'out/medglip.pth', '--experts', 'ct', 'mri')
    assert done.returncode == 0, done.stderr
    assert 'out/medglip.pth: 13 tensors for the experts ct, mri' in done.stdout
