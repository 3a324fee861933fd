import json
import os
import socket
import subprocess
import sys

import pytest

RANK_PROGRAM = """
import json
import torch
from mmdet_medglip.evaluation import (
    HierarchicalMetric, MedCocoMetric, PhraseGroundingMetric, ResultFileMetric, load_results)

def sample(number, box):
    return {
        'img_id': str(number), 'modality': ('ct', 'mri')[number % 2], 'ori_shape': (100, 100),
        'text': ['liver'], 'phrase_labels': ['liver'],
        'instances': [{'bbox': [0, 0, 10, 10], 'bbox_label': 0}],
        'pred_instances': {
            'bboxes': torch.tensor([box]).float(),
            'scores': torch.tensor([0.9 - number / 10]),
            'labels': torch.tensor([0]),
        },
    }

HIT, MISS = [0, 0, 10, 10], [50, 50, 60, 60]
samples = [sample(0, HIT), sample(1, MISS), sample(2, HIT)]
torch.distributed.init_process_group('gloo')
rank = torch.distributed.get_rank()
# As DefaultSampler shares out three images over two ranks: the last share is padded with image 0.
share = [samples[0], samples[2]] if rank == 0 else [samples[1], samples[0]]
values = {}
for metric in (
    MedCocoMetric(), PhraseGroundingMetric(), HierarchicalMetric(), ResultFileMetric('r.npz')
):
    metric.dataset_meta = {'classes': ('liver',)}
    metric.process({}, share)
    values |= metric.evaluate(len(samples))
values['ids'] = [image.image_id for image in load_results('r.npz').images]
print(f'rank{rank} ' + json.dumps(values))
torch.distributed.destroy_process_group()
"""


def test_two_ranks_evaluate_every_image_once(repo_root, tmp_path):
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        'WORLD_SIZE': '2',
        'MASTER_ADDR': '127.0.0.1',
        'MASTER_PORT': str(port),
        'OMP_NUM_THREADS': '1',
        'PYTHONPATH': str(repo_root),
    }
    ranks = [
        subprocess.Popen(
            [sys.executable, '-c', RANK_PROGRAM],
            env=environment | {'RANK': str(rank), 'LOCAL_RANK': str(rank)},
            # Ranks exchange results by files in the current folder.
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    outputs = [process.communicate(timeout=120) for process in ranks]
    assert [process.returncode for process in ranks] == [0, 0], outputs
    values = [json.loads(out.split('rank')[-1].split(' ', 1)[1]) for out, _ in outputs]
    assert values[0] == values[1]
    # Sorted by score: hit, miss, hit of three truths. Precision 1 to recall 1/3 (34 of 101
    # points), 2/3 to recall 2/3 (33 points), 0 after.
    assert values[0]['coco/AP50'] == pytest.approx((34 + 33 * 2 / 3) / 101)
    assert values[0]['coco/ct/AP50'] == pytest.approx(1.0)
    assert values[0]['coco/mri/AP50'] == 0.0
    assert values[0]['hierarchy/region/AP50'] == pytest.approx((34 + 33 * 2 / 3) / 101)
    assert values[0]['phrase/Recall@1'] == pytest.approx(2 / 3)
    assert values[0]['results/images'] == 3
    assert values[0]['ids'] == ['0', '1', '2'], 'padding of the last share is not written'
