"""The program, on a toy detector whose evidence is a number of its data."""

import json

import pytest
from scipy.special import expit

from mmdet_medglip.answers import load_presence

TOY = """
import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.model import BaseModel
from mmengine.structures import InstanceData

from mmdet_medglip.registry import DATASETS, MODELS

PHRASES = ('liver', 'kidney stone')


@MODELS.register_module()
class ToyPresence(BaseModel):
    def __init__(self, test_cfg=None):
        super().__init__()
        self.test_cfg = test_cfg
        self.bbox_head = torch.nn.Linear(1, 1)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        for sample, value in zip(data_samples, inputs):
            gated = self.test_cfg is not None and self.test_cfg.get('presence') is not None
            sample.pred_presence = InstanceData(logits=value * (0 if gated else 1))
            sample.pred_instances = InstanceData(
                bboxes=torch.zeros(2, 4), scores=value.sigmoid(), labels=torch.tensor([0, 1])
            )
        return data_samples


@DATASETS.register_module()
class ToyPhrases(torch.utils.data.Dataset):
    metainfo = dict(classes=PHRASES)

    def __init__(self, data_root):
        self.data_root = data_root

    def __len__(self):
        return 200

    def __getitem__(self, index):
        drawn = np.random.default_rng(index)
        logits = drawn.normal(0, 2, 2)
        here = drawn.random(2) < 1 / (1 + np.exp(-logits * [1.0, 2.0] - [0.0, -2.0]))
        instances = [dict(bbox=[0, 0, 1, 1], bbox_label=i) for i in range(2) if here[i]]
        meta = dict(
            img_id=index, modality='ct', text=PHRASES, phrase_labels=PHRASES, instances=instances
        )
        return dict(inputs=torch.tensor(logits).float(), data_samples=DetDataSample(metainfo=meta))
"""

CONFIG = """
custom_imports = dict(imports=['toy_presence'])
default_scope = 'mmdet_medglip'
data_root = 'store'
model = dict(type='ToyPresence', test_cfg=dict(presence=dict(threshold=0.9)))
val_dataloader = dict(
    batch_size=50,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='ToyPhrases', data_root=data_root),
    collate_fn=dict(type='pseudo_collate'),
)
test_dataloader = dict(dataset=dict(type='Unused', data_root='absent'))
val_evaluator = dict(type='PresenceMetric')
test_evaluator = val_evaluator
val_cfg = dict()
test_cfg = dict()
"""


@pytest.fixture
def presence(toy):
    (toy / 'toy_presence.py').write_text(TOY)
    (toy / 'configs' / 'presence.py').write_text(CONFIG)
    return toy


@pytest.fixture
def checkpoint(presence):
    import torch

    torch.manual_seed(0)
    head = torch.nn.Linear(1, 1)
    torch.save({f'bbox_head.{k}': v for k, v in head.state_dict().items()}, presence / 'w.pth')
    return 'w.pth'


@pytest.fixture
def calibrate(load_tool, monkeypatch, presence):
    """Run the program in this process: ``calibrate('configs/presence.py', ...)``."""
    monkeypatch.chdir(presence)
    monkeypatch.syspath_prepend(presence)
    program = load_tool('calibrate_presence.py')

    def run(*arguments):
        monkeypatch.setattr('sys.argv', ['calibrate_presence.py', *arguments])
        program.main()

    return run


@pytest.mark.parametrize('evidence', ['presence_head', 'box_score'])
def test_lines_of_the_data_are_fitted(call, presence, checkpoint, evidence):
    done = call(
        'calibrate_presence.py',
        'configs/presence.py',
        checkpoint,
        *('--out', 'out/presence.json', '--evidence', evidence),
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = load_presence(presence / 'out' / 'presence.json')
    assert set(found.phrases) == {'liver', 'kidney stone'}
    assert found.evidence == evidence
    assert found.source == 'w.pth of configs/presence.py'
    assert len(found.weights) == 64
    liver, stone = found.of('liver'), found.of('kidney stone')
    assert liver.positives + liver.negatives == 200
    assert abs(expit(liver.offset) - 0.5) < 0.1
    assert expit(stone.offset) < 0.3
    assert stone.slope > liver.slope > 0.6
    assert 'calibration out/presence.json' in done.stdout
    assert 'kidney stone' in done.stdout


def test_the_criterion_is_an_option(calibrate, presence, checkpoint):
    found = []
    for target in ('0.5', '0.99'):
        arguments = ['--out', f'{target}.json', '--target', target, '--min-examples', '5']
        calibrate('configs/presence.py', checkpoint, *arguments)
        found.append(json.loads((presence / f'{target}.json').read_text())['calibration'])
    assert found[0]['overall']['threshold'] > found[1]['overall']['threshold']
    assert [one['target'] for one in found] == [0.5, 0.99]


@pytest.mark.parametrize(
    ('arguments', 'expected'),
    [
        pytest.param(['configs/presence.py', 'absent.pth'], 'absent.pth does not exist', id='file'),
        pytest.param(
            ['configs/presence.py', 'w.pth', '--target', '2'],
            r'target must be in (0, 1]',
            id='number',
        ),
        pytest.param(['configs/presence.py'], 'holds no checkpoint', id='untrained'),
        pytest.param(
            ['configs/presence.py', 'w.pth', '--cfg-options', 'val_dataloader=None'],
            'has no val_dataloader',
            id='no-validation',
        ),
    ],
)
def test_bad_input_is_one_error(calibrate, presence, checkpoint, arguments, expected):
    with pytest.raises(SystemExit) as told:
        calibrate(*arguments, '--out', 'presence.json')
    assert str(told.value).startswith('error: ')
    assert expected in str(told.value)
    assert not (presence / 'presence.json').exists()
