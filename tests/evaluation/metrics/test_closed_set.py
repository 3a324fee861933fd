"""Answers by label of the data set, judged by what each image was asked for."""

import pytest
import torch

from mmdet_medglip.evaluation import AskedCocoMetric, MedCocoMetric, PhraseGroundingMetric

CLASSES = ('liver', 'spleen', 'kidney_stone')
LIVER, SPLEEN, STONE = range(3)
BOX, OTHER = [0, 0, 40, 40], [50, 50, 90, 90]


def closed(sample, asked):
    names = [CLASSES[label] for label in asked]
    found = dict(text=names, phrase_labels=names)
    return sample | found | dict(closed_set=dict(asked=tuple(asked), num_labels=len(CLASSES)))


@pytest.fixture
def samples(make_sample):
    """A stone image on which a liver is found as well, and an organ image on which it is asked."""
    stone = make_sample('a', 'ct', [(STONE, BOX)], [(LIVER, 0.9, OTHER), (STONE, 0.8, BOX)])
    organs = make_sample('b', 'ct', [(LIVER, BOX)], [(LIVER, 0.7, BOX), (STONE, 0.6, OTHER)])
    return closed(stone, [STONE]), closed(organs, [LIVER, SPLEEN])


def evaluate(metric, samples):
    metric.dataset_meta = {'classes': CLASSES}
    metric.process({}, samples)
    return metric.evaluate(len(samples))


def test_what_a_source_does_not_annotate_is_no_false_box(samples):
    metrics = evaluate(MedCocoMetric(), samples)
    assert metrics['coco/AP50'] == pytest.approx(1.0)
    assert evaluate(PhraseGroundingMetric(), samples)['phrase/Recall@1'] == 1.0


def test_it_is_one_where_it_was_asked(samples):
    stone, organs = samples
    metrics = evaluate(MedCocoMetric(), [closed(stone, [LIVER, STONE]), organs])
    # Best-scored first: a false liver, then the true one: precision 1/2 at every recall.
    assert metrics['coco/ct/liver/AP50'] == pytest.approx(0.5)
    assert metrics['coco/ct/kidney_stone/AP50'] == pytest.approx(1.0)


def test_a_label_beyond_the_data_set_is_an_error(samples):
    samples[0]['pred_instances']['labels'][0] = len(CLASSES)
    with pytest.raises(ValueError, match='predictions name labels'):
        evaluate(MedCocoMetric(), samples)


def with_masks(sample):
    """Masks that fill the boxes."""

    def filled(box):
        mask = torch.zeros(100, 100, dtype=torch.bool)
        x1, y1, x2, y2 = (int(value) for value in box)
        mask[y1:y2, x1:x2] = True
        return mask

    from pycocotools import mask as coco_mask

    sample['pred_instances']['masks'] = torch.stack(
        [filled(box) for box in sample['pred_instances']['bboxes']]
    )
    for instance in sample['instances']:
        pixels = filled(instance['bbox']).numpy().astype('uint8')
        instance['mask'] = coco_mask.encode(pixels.copy(order='F'))
    return sample


def test_masks_are_judged_by_what_was_asked_too(samples):
    stone, organs = (with_masks(sample) for sample in samples)
    metrics = evaluate(AskedCocoMetric(['bbox', 'segm']), [stone, organs])
    assert metrics['coco/segm_mAP_50'] == metrics['coco/bbox_mAP_50'] == 1.0
    wrong = evaluate(AskedCocoMetric(), [closed(stone, [LIVER, STONE]), organs])
    # Mean of the liver's 0.5 and the stone's 1; the spleen has no truth.
    assert wrong['coco/segm_mAP_50'] == pytest.approx(0.75, abs=2e-3)
    # The sample itself keeps its answers, for the metrics that come after.
    assert len(stone['pred_instances']['labels']) == 2


def test_boxes_agree_with_our_metric(samples):
    stone, organs = samples
    both = [closed(stone, [LIVER, STONE]), organs]
    ours = evaluate(MedCocoMetric(), both)['coco/AP']
    assert evaluate(AskedCocoMetric('bbox'), both)['coco/bbox_mAP'] == pytest.approx(ours, abs=1e-3)


def test_truth_without_masks_is_an_error(samples):
    with pytest.raises(ValueError, match='masks=True'):
        evaluate(AskedCocoMetric(), samples)
