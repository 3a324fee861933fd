import json
import pickle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mmdet_medglip.datasets import MedGroundingDataset
from mmdet_medglip.datasets.sources.lines import fit_box

WIDTH, HEIGHT = 40, 30
CAPTION = 'Polyp at the fold and a polyp above.'


def _line(name: str = 'a.png', **fields: Any) -> dict[str, Any]:
    return {'filename': name, 'height': HEIGHT, 'width': WIDTH, 'modality': 'ct', **fields}


def _detection(*boxes: tuple[str, list[float]], **fields: Any) -> dict[str, Any]:
    instances = [{'bbox': box, 'category': name} for name, box in boxes]
    return _line(detection={'instances': instances}, **fields)


def _write_odvg(root: Path, *lines: dict[str, Any]) -> str:
    (root / 'data.jsonl').write_text('\n'.join(json.dumps(line) for line in lines) + '\n\n')
    return 'data.jsonl'


def _coco(**changes: Any) -> dict[str, Any]:
    image = {'id': 7, 'file_name': 'a.png', 'height': HEIGHT, 'width': WIDTH}
    annotation = {'id': 1, 'image_id': 7, 'category_id': 3, 'bbox': [2, 3, 10, 5]}
    return {
        'images': [image, {**image, 'id': 8, 'file_name': 'b.png'}],
        'annotations': [annotation],
        'categories': [{'id': 3, 'name': 'Liver'}, {'id': 0, 'name': 'objects of all kinds'}],
        **changes,
    }


def _write_coco(root: Path, data: Any) -> str:
    (root / 'data.json').write_text(json.dumps(data))
    return 'data.json'


def test_odvg_detection_lines(tmp_path: Path) -> None:
    file = _write_odvg(
        tmp_path,
        _detection(('Left Kidney', [1, 2, 11, 22]), ('liver', [0, 0, 40, 30])),
        _line('sub/b.png', modality='MR', split='val', image_id='b', patient_id='p'),
    )
    dataset = MedGroundingDataset(str(tmp_path), file, data_prefix={'img': 'images'})
    assert dataset.metainfo['classes'] == ('liver', 'kidney_left')
    first, second = dataset.get_data_info(0), dataset.get_data_info(1)
    assert first['instances'] == [
        {'bbox': [1, 2, 11, 22], 'bbox_label': 1, 'ignore_flag': 0, 'label': 'kidney_left'},
        {'bbox': [0, 0, 40, 30], 'bbox_label': 0, 'ignore_flag': 0, 'label': 'liver'},
    ]
    assert first['img_path'] == str(tmp_path / 'images' / 'a.png')
    assert (first['source'], first['img_id']) == ('data', 'a.png')
    assert second['instances'] == []
    assert (second['modality'], second['patient_id']) == ('mri', 'p')
    assert second['img_path'] == str(tmp_path / 'images' / 'sub' / 'b.png')


def test_odvg_grounding_line_with_one_and_several_boxes(tmp_path: Path) -> None:
    regions = [
        {'phrase': 'Polyp', 'bbox': [1, 1, 5, 5], 'tokens_positive': [[0, 5]]},
        {'phrase': 'a polyp', 'bbox': [[2, 2, 4, 4], [6, 6, 9, 9]], 'tokens_positive': [[22, 29]]},
    ]
    file = _write_odvg(tmp_path, _line(grounding={'caption': CAPTION, 'regions': regions}))
    info = MedGroundingDataset(str(tmp_path), file).get_data_info(0)
    assert info['dataset_mode'] == 'VG'
    assert info['caption'] == CAPTION
    assert info['phrases'] == ['Polyp', 'a polyp']
    assert info['tokens_positive'] == [[[0, 5]], [[22, 29]]]
    assert [i['bbox_label'] for i in info['instances']] == [0, 1, 1]


def test_odvg_label_map_of_numbered_labels(tmp_path: Path) -> None:
    (tmp_path / 'labels.json').write_text('{"0": "spleen", "1": "liver", "2": "aorta"}')
    line = _line(detection={'instances': [{'bbox': [1, 1, 5, 5], 'label': 0}]})
    file = _write_odvg(tmp_path, line)
    dataset = MedGroundingDataset(str(tmp_path), file, label_map='labels.json')
    assert set(dataset.metainfo['classes']) == {'spleen', 'liver', 'aorta'}
    label = dataset.get_data_info(0)['instances'][0]['bbox_label']
    assert dataset.metainfo['classes'][label] == 'spleen'


def test_one_modality_in_the_config_serves_files_without(tmp_path: Path) -> None:
    line = _line()
    del line['modality']
    file = _write_odvg(tmp_path, line)
    dataset = MedGroundingDataset(str(tmp_path), file, modalities=['US'])
    assert dataset.get_data_info(0)['modality'] == 'ultrasound'
    with pytest.raises(ValueError, match=r"line 1: record 'a.png' names no"):
        MedGroundingDataset(str(tmp_path), file)


def test_coco_boxes_categories_and_negatives(tmp_path: Path) -> None:
    dataset = MedGroundingDataset(
        str(tmp_path), _write_coco(tmp_path, _coco()), modalities=['ct'], data_prefix={'img': 'i'}
    )
    assert len(dataset) == 2
    assert dataset.metainfo['classes'] == ('liver',)
    info = dataset.get_data_info(0)
    assert info['instances'] == [
        {'bbox': [2, 3, 12, 8], 'bbox_label': 0, 'ignore_flag': 0, 'label': 'liver'}
    ]
    assert (info['img_id'], info['img_path']) == ('7', str(tmp_path / 'i' / 'a.png'))
    assert dataset.get_data_info(1)['instances'] == []


def test_coco_category_names_may_be_mapped(tmp_path: Path) -> None:
    file = _write_coco(tmp_path, _coco(categories=[{'id': 3, 'name': 'Tumor'}]))
    arguments = {'data_root': str(tmp_path), 'ann_file': file, 'modalities': ['mri']}
    dataset = MedGroundingDataset(**arguments, label_map={'Tumor': 'brain_tumor'})
    assert dataset.metainfo['classes'] == ('brain_tumor',)
    with pytest.raises(ValueError, match='Unknown label'):
        MedGroundingDataset(**arguments, label_map={'Tumor': 'brain tumour of no kind'})


def test_missing_label_map_is_an_error(tmp_path: Path) -> None:
    file = _write_odvg(tmp_path, _line())
    with pytest.raises(FileNotFoundError, match=r'Label map .*none.json does not exist'):
        MedGroundingDataset(str(tmp_path), file, label_map='none.json')


def test_coco_crowds_are_marked_to_be_ignored(tmp_path: Path) -> None:
    data = _coco()
    data['annotations'][0]['iscrowd'] = 1
    dataset = MedGroundingDataset(str(tmp_path), _write_coco(tmp_path, data), modalities=['ct'])
    assert dataset.get_data_info(0)['instances'][0]['ignore_flag'] == 1


@pytest.mark.parametrize(
    'segmentation',
    [
        pytest.param([[2, 3, 12, 3, 12, 8, 2, 8]], id='polygon'),
        pytest.param({'size': [HEIGHT, WIDTH], 'counts': [63, *[5, 25] * 9, 5, 862]}, id='counts'),
    ],
)
def test_coco_masks_reach_the_pipeline(tmp_path: Path, segmentation: Any) -> None:
    data = _coco(images=_coco()['images'][:1])
    data['annotations'][0]['segmentation'] = segmentation
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((HEIGHT, WIDTH), np.uint8))
    dataset = MedGroundingDataset(
        str(tmp_path),
        _write_coco(tmp_path, data),
        modalities=['ct'],
        masks=True,
        pipeline=[
            dict(type='LoadMedImage'),
            dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
        ],
    )
    masks = dataset[0]['gt_masks'].to_ndarray()
    expected = np.zeros((1, HEIGHT, WIDTH), np.uint8)
    expected[0, 3:8, 2:12] = 1
    np.testing.assert_array_equal(masks, expected)


def test_coco_caption_with_grounded_annotations(tmp_path: Path) -> None:
    data = _coco()
    data['images'][0]['caption'] = CAPTION
    data['annotations'][0]['tokens_positive'] = [[0, 5]]
    dataset = MedGroundingDataset(str(tmp_path), _write_coco(tmp_path, data), modalities=['ct'])
    info = dataset.get_data_info(0)
    assert (info['dataset_mode'], info['phrases']) == ('VG', ['Polyp'])


def test_splits_and_empty_filter_of_annotation_files(tmp_path: Path) -> None:
    file = _write_odvg(
        tmp_path,
        _detection(('liver', [1, 1, 5, 5]), split='train'),
        _detection(('spleen', [1, 1, 5, 5]), split='train'),
        _line(split='val'),
    )
    arguments = {'data_root': str(tmp_path), 'ann_file': file}
    assert len(MedGroundingDataset(**arguments, split='val')) == 1
    assert len(MedGroundingDataset(**arguments, filter_cfg={'filter_empty_gt': True})) == 2
    only = MedGroundingDataset(**arguments, labels=['liver'], filter_cfg={'filter_empty_gt': True})
    assert len(only) == 1


def test_split_of_a_file_without_splits_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no record of split 'val'; it has no split field"):
        MedGroundingDataset(str(tmp_path), _write_odvg(tmp_path, _line()), split='val')


@pytest.mark.parametrize('kind', ['odvg', 'coco'])
def test_sources_are_picklable_after_use(tmp_path: Path, kind: str) -> None:
    file = (
        _write_odvg(tmp_path, _detection(('liver', [1, 1, 5, 5])))
        if kind == 'odvg'
        else _write_coco(tmp_path, _coco())
    )
    dataset = MedGroundingDataset(str(tmp_path), file, modalities=['ct'])
    info = dataset.get_data_info(0)
    assert pickle.loads(pickle.dumps(dataset)).get_data_info(0) == info


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        pytest.param(
            _detection(('liver', [1, 1, 43, 5])), r'bbox must lie inside the image', id='outside'
        ),
        pytest.param(
            _detection(('liver', [1, 1, float('nan'), 5])), 'bbox must be finite', id='nan'
        ),
        pytest.param(_detection(('liver', [5, 1, 5, 9])), 'must have x1 < x2', id='no width'),
        pytest.param(_detection(('liver', [5, 1, 9])), 'must be four numbers', id='three numbers'),
        pytest.param(_detection(('livr', [1, 1, 5, 5])), "Unknown label 'livr'", id='label'),
        pytest.param(_line(modality='pet'), "Unknown modality 'pet'", id='modality'),
        pytest.param(_line(split='dev'), 'split must be one of train', id='split'),
        pytest.param(_line('../a.png'), "without '..'", id='path above the folder'),
        pytest.param(_line('/etc/a.png'), 'must be relative', id='absolute path'),
        pytest.param(
            _line(detection={'instances': [{'bbox': [1, 1, 5, 5], 'label': 4}]}),
            'pass label_map=',
            id='number without map',
        ),
        pytest.param({'filename': 'a.png', 'modality': 'ct'}, "no field 'height'", id='no size'),
        pytest.param(
            _line(
                grounding={
                    'caption': 'short',
                    'regions': [{'phrase': 'x', 'bbox': [1, 1, 5, 5], 'tokens_positive': [[0, 9]]}],
                }
            ),
            'must lie inside the caption of 5 characters',
            id='span outside',
        ),
    ],
)
def test_bad_odvg_lines_name_file_and_line(
    tmp_path: Path, line: dict[str, Any], message: str
) -> None:
    file = _write_odvg(tmp_path, _line(), line)
    with pytest.raises(ValueError, match=message) as caught:
        MedGroundingDataset(str(tmp_path), file)
    assert f'{tmp_path / file}, line 2' in str(caught.value)


@pytest.mark.parametrize(
    ('data', 'message'),
    [
        pytest.param([1], 'is no COCO file', id='list'),
        pytest.param({'images': []}, 'is no COCO file', id='no annotations'),
        pytest.param(
            _coco(annotations=[{'id': 5, 'image_id': 99, 'category_id': 3, 'bbox': [1, 1, 2, 2]}]),
            'annotation 5 has image_id 99',
            id='image that is not listed',
        ),
        pytest.param(
            _coco(annotations=[{'id': 5, 'image_id': 7, 'category_id': 4, 'bbox': [1, 1, 2, 2]}]),
            'annotation 5 has category_id 4',
            id='category that is not listed',
        ),
        pytest.param(
            _coco(annotations=[{'id': 5, 'image_id': 7, 'category_id': 0, 'bbox': [1, 1, 2, 2]}]),
            "annotation 5: Unknown label 'objects of all kinds'",
            id='used category the ontology does not know',
        ),
        pytest.param(
            _coco(annotations=[{'id': 5, 'image_id': 7, 'category_id': 3, 'bbox': [1, 1, 0, 2]}]),
            'must have x1 < x2',
            id='zero width',
        ),
    ],
)
def test_bad_coco_files(tmp_path: Path, data: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        MedGroundingDataset(str(tmp_path), _write_coco(tmp_path, data), modalities=['ct'])
    assert str(tmp_path / 'data.json') in str(caught.value)


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        pytest.param('a.jsonl', '', 'is empty', id='empty jsonl'),
        pytest.param('a.jsonl', '{"filename": ', 'line 1 is not valid JSON', id='broken jsonl'),
        pytest.param('a.json', '{', 'is not valid JSON', id='broken json'),
        pytest.param('a.xml', '<a/>', 'must end in .jsonl', id='unknown suffix'),
    ],
)
def test_unreadable_files(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        MedGroundingDataset(str(tmp_path), name, modalities=['ct'])


def test_bad_boxes_can_be_dropped_and_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages: list[str] = []
    monkeypatch.setattr(
        'mmdet_medglip.datasets.sources.lines.print_log',
        lambda message, **_: messages.append(message),
    )
    boxes = [[1, 1, 50, 5], [3, 3, 3, 9], [2, 2, 8, 8], [1, float('nan'), 5, 9]]
    file = _write_odvg(tmp_path, _detection(*(('liver', box) for box in boxes)))
    dataset = MedGroundingDataset(str(tmp_path), file, filter_cfg={'bad_boxes': 'drop'})
    assert [i['bbox'] for i in dataset.get_data_info(0)['instances']] == [[2, 2, 8, 8]]
    assert len(messages) == 1
    assert 'left out 3 boxes' in messages[0]


@pytest.mark.parametrize(
    ('box', 'expected'),
    [
        pytest.param([-0.5, 2, 10.25, 8], [0, 2, 10, 8], id='rounding'),
        pytest.param([-1, -1, 11, 9], [0, 0, 10, 8], id='one pixel'),
        pytest.param([-1.5, 0, 5, 9.5], [-1.5, 0, 5, 9.5], id='further out is left for the check'),
        pytest.param('abc', 'abc', id='no box'),
    ],
)
def test_fit_box(box: Any, expected: Any) -> None:
    assert fit_box(box, width=10, height=8) == expected
