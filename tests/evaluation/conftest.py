"""Data samples as MMEngine's evaluator hands them to a metric."""

import pytest
import torch


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
