"""Images, their regions and what is asked of them."""

import json

import numpy as np
import pytest

from mmdet_medglip.registry import DATASETS

PIPELINE = [
    dict(type='LoadMedImage'),
    dict(type='LoadRegions'),
    dict(type='IntensityWindow'),
    dict(type='Resize', scale=(64, 64), keep_ratio=True),
    dict(type='PackRegionInputs'),
]


@pytest.fixture
def build(tiny_store):
    def make(source='predicted', task='vqa', split='train', regions=None, **options):
        found = dict(source=source, predicted='questions/predicted.npz') | (regions or {})
        name = 'vqa' if task == 'vqa' else 'reports'
        arguments = dict(
            type='RegionTextDataset', data_root=str(tiny_store), task=task, pipeline=PIPELINE,
            ann_file=f'questions/{name}_{split}.jsonl', regions=found,
        )  # fmt: skip
        return DATASETS.build(arguments | options)

    return make


def sample(dataset, image_id):
    images = [dataset[i]['data_samples'] for i in range(len(dataset))]
    return next(one for one in images if one.img_id == image_id)


def test_predicted_regions_are_in_pixels_of_the_input(build):
    found = sample(build(), 'p0_1')
    assert found.region_words[0] == 'left kidney'
    assert found.regions.bboxes[0].tolist() == [38, 20, 62, 48]  # (18, 10, 30, 24) + 1, doubled
    assert found.regions.scores[0] == pytest.approx(0.9)
    assert {text.image_id for text in found.texts} == {'p0_1'}


def test_each_source_gives_its_regions(build):
    true = sample(build('true'), 'p0_1')
    assert true.regions.bboxes[0].tolist() == [36, 20, 60, 48]
    assert set(true.regions.scores.tolist()) == {1}
    none = sample(build('none'), 'p0_1')
    assert len(none.regions.bboxes) == 0 and none.region_words == []
    assert none.texts == true.texts


def test_shuffled_regions_are_those_of_another_patient_of_the_split(build):
    plain, shuffled = build(), build('shuffled')
    of_train = [f'p{patient}_{image}' for patient in range(4) for image in range(3)]
    rows = {name: plain.regions[name].boxes for name in of_train}
    for name in of_train:
        donors = [d for d in of_train if np.array_equal(rows[d], shuffled.regions[name].boxes)]
        assert any(donor[:2] != name[:2] for donor in donors)


def test_few_requests_are_drawn_in_training_and_all_taken_in_tests(build):
    everything = build(test_mode=True, max_texts=2)
    few = build(max_texts=2)
    assert len(sample(everything, 'p1_1').texts) > 2
    assert {len(sample(few, 'p1_1').texts) for _ in range(3)} == {2}


def test_kept_images_are_equal_to_loaded_ones(build):
    kept, plain = build(keep_images=True), build()
    first, again = kept[3], kept[3]
    assert first['inputs'] is again['inputs']
    assert first['inputs'].equal(plain[3]['inputs'])


def test_several_files_are_one_set(build):
    both = build(ann_file=['questions/vqa_val.jsonl', 'questions/vqa_test.jsonl'])
    assert len(both) == len(build(split='val')) + len(build(split='test'))


def test_a_report_is_one_request(build):
    (text,) = sample(build(task='report'), 'p0_0').texts
    assert text.answer_type == 'report' and 'kidney stone' in text.answer.lower()


def test_a_detector_that_saw_too_little_is_an_error(build, tiny_store, tmp_path):
    from mmdet_medglip.evaluation.result_file import load_results, save_results

    some = load_results(tiny_store / 'questions' / 'predicted.npz')
    save_results(tmp_path / 'some.npz', some.select(lambda image: image.patient_id != 'p7'))
    with pytest.raises(ValueError, match=r'no answer for 3 of the 24 images.*split=None'):
        build(regions={'predicted': str(tmp_path / 'some.npz')})


@pytest.mark.parametrize(
    ('regions', 'error', 'message'),
    [
        pytest.param({'source': 'all'}, ValueError, 'must be one of none', id='unknown source'),
        pytest.param({'predicted': None}, ValueError, 'needs regions.predicted', id='no file'),
        pytest.param({'predicted': 'x.npz'}, FileNotFoundError, 'test.py', id='missing file'),
    ],
)
def test_bad_sources_are_errors(build, regions, error, message):
    with pytest.raises(error, match=message):
        build(regions=regions)


def test_questions_of_another_store_are_an_error(build, tmp_path):
    line = {
        'question_id': 'q', 'image_id': 'elsewhere', 'image_path': None, 'question': 'Is it?',
        'answer': 'yes', 'answer_type': 'closed', 'patient_id': 'p',
    }  # fmt: skip
    (tmp_path / 'q.jsonl').write_text(json.dumps(line) + '\n')
    with pytest.raises(ValueError, match="lacks, such as 'elsewhere'"):
        build(ann_file=str(tmp_path / 'q.jsonl'))
