"""Data samples as MMEngine's evaluator hands them to a metric."""

import numpy as np
import pytest
import torch

from mmdet_medglip.evaluation import ImageResult, Results


@pytest.fixture
def make_sample():
    """Build a data sample; truth is (label, box), predictions are (phrase, score, box)."""

    def make(img_id, modality, truth, predictions, phrase_labels=None, phrases=None, crowd=()):
        sample = {
            'img_id': img_id,
            'ori_shape': (100, 100),
            'modality': modality,
            'instances': [
                {'bbox': list(box), 'bbox_label': label, 'ignore_flag': int(number in crowd)}
                for number, (label, box) in enumerate(truth)
            ],
            'pred_instances': {
                'bboxes': torch.tensor([box for _, _, box in predictions]).float().reshape(-1, 4),
                'scores': torch.tensor([score for _, score, _ in predictions]).float(),
                'labels': torch.tensor([phrase for phrase, _, _ in predictions]).long(),
            },
        }
        if phrase_labels is not None:
            sample |= {'phrase_labels': phrase_labels, 'text': phrase_labels}
        if phrases is not None:
            sample |= {'phrases': phrases, 'text': ' and '.join(phrases)}
        return sample

    return make


def _boxes(rows):
    return np.array(list(rows), np.float32).reshape(-1, 4)


@pytest.fixture
def make_image():
    """Build a result; answers are (phrase, score, box), truth is (label, box).

    Labels are numbers; ``asked`` may be words, of a caption image.
    """

    def make(image_id, modality, asked, answers=(), truth=(), crowd=(), **changes):
        labels = np.array([label for label, _ in truth], np.int64)
        is_caption = any(isinstance(what, str) for what in asked)
        values = {
            'image_id': image_id,
            'modality': modality,
            'height': 200,
            'width': 200,
            'phrases': tuple(str(what) for what in asked),
            'asked': None if is_caption else np.array(asked, np.int64),
            'boxes': _boxes(box for _, _, box in answers),
            'scores': np.array([score for _, score, _ in answers], np.float32),
            'box_phrases': np.array([phrase for phrase, _, _ in answers], np.int64),
            'gt_boxes': _boxes(box for _, box in truth),
            'gt_labels': labels,
            'gt_ignore': np.array([number in crowd for number in range(len(truth))], bool),
        }
        return ImageResult(**values | changes)

    return make


@pytest.fixture
def make_results():
    """Build the results of some images."""

    def make(*images, classes=('liver', 'kidney_left', 'kidney_right', 'polyp')):
        return Results(classes=classes, class_names=classes, images=images)

    return make
