"""A real volume through ingest, store, data set and metrics: 2-D and 3-D figures of one run."""

import numpy as np
import pytest

from mmdet_medglip.datasets import MedGroundingDataset
from mmdet_medglip.evaluation import load_results
from mmdet_medglip.evaluation.measures import measure
from mmdet_medglip.evaluation.parts import whole
from mmdet_medglip.evaluation.volume_results import measure_volumes, volumes_of
from mmdet_medglip.ingest import load_recipe, run_ingest
from mmdet_medglip.registry import METRICS


def sample_of(info, classes):
    """A data sample that answers with the truth, each box a little surer than the next."""
    truth = info['instances']
    labels = [instance['bbox_label'] for instance in truth]
    return {
        **info,
        'ori_shape': (info['height'], info['width']),
        'text': list(classes),
        'phrase_labels': list(classes),
        'pred_instances': {
            'bboxes': np.array([i['bbox'] for i in truth], np.float32).reshape(-1, 4),
            'scores': np.linspace(0.9, 0.8, len(truth), dtype=np.float32),
            'labels': np.array(labels, np.int64),
        },
    }


def test_truth_as_answer_is_found_in_both(real_data_root, tmp_path):
    recipe = load_recipe('totalsegmentator_ct')
    if not (real_data_root / recipe.root).is_dir():
        pytest.skip(f'{real_data_root / recipe.root} is not there')
    run_ingest([recipe], real_data_root, tmp_path / 'store', engine='serial')
    dataset = MedGroundingDataset(data_root=str(tmp_path / 'store'), test_mode=True)
    classes = dataset.metainfo['classes']
    file = tmp_path / 'r.npz'
    metrics = [
        METRICS.build({'type': 'ResultFileMetric', 'out_file': str(file)}),
        METRICS.build({'type': 'VolumeMetric'}),
    ]
    samples = [sample_of(dataset.get_data_info(i), classes) for i in range(len(dataset))]
    for metric in metrics:
        metric.dataset_meta = dataset.metainfo
        metric.process({}, samples)
    _, figures = (metric.evaluate(len(samples)) for metric in metrics)
    part = whole(load_results(file))
    found = volumes_of(part)
    assert (len(found.volumes), found.left_out) == (1, {})
    (volume,) = found.volumes
    assert len(volume.gt_boxes) == len(np.unique(volume.gt_labels)) >= 30
    assert measure(part)['coco/AP50'] == pytest.approx(1)
    # What jumps aside between two slices is linked in parts.
    assert figures['volume/AP@0.1'] >= 0.95
    assert figures['volume/AP50'] >= 0.9
    assert {f'volume/{name}' for name in ('CPM', 'volumes')} <= set(figures)
    assert measure_volumes(found) == pytest.approx(figures)
