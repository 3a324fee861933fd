from pathlib import Path

import pytest

from mmdet_medglip.datasets import GROUNDING_META_KEYS, MedGroundingDataset


@pytest.fixture(scope='module')
def brain_mri(real_data_root: Path) -> Path:
    """Validation folder of a COCO export: 640 x 640 JPEG, boxes and polygons of tumours."""
    folder = real_data_root / 'mri' / 'roboflow_brain_tumor_br35h' / 'valid'
    if not folder.is_dir():
        pytest.skip(f'no COCO export at {folder}')
    return folder


def test_coco_export_flows_through_the_pipeline_without_conversion(brain_mri: Path) -> None:
    dataset = MedGroundingDataset(
        str(brain_mri),
        '_annotations.subset.coco.json',
        modalities=['mri'],
        label_map={'Tumor': 'brain_tumor'},
        masks=True,
        pipeline=[
            dict(type='LoadMedImage'),
            dict(type='IntensityWindow'),
            dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
            dict(type='Resize', scale=(320, 320), keep_ratio=True),
            dict(type='SamplePrompt'),
            dict(type='PackDetInputs', meta_keys=GROUNDING_META_KEYS),
        ],
    )
    assert len(dataset) == 127
    assert dataset.metainfo['classes'] == ('brain_tumor',)
    for index in range(0, 120, 30):
        packed = dataset[index]
        sample, truth = packed['data_samples'], packed['data_samples'].gt_instances
        assert packed['inputs'].shape == (3, 320, 320)
        assert packed['inputs'].min() == 0
        assert packed['inputs'].max() == 255
        assert sample.text == ('brain tumor',)
        assert len(truth) >= 1
        for mask, box in zip(truth.masks.to_ndarray(), truth.bboxes.tensor.tolist(), strict=True):
            x1, y1, x2, y2 = (round(v) for v in box)
            assert mask[max(y1 - 2, 0) : y2 + 2, max(x1 - 2, 0) : x2 + 2].sum() == mask.sum() > 0
