import numpy as np
import pytest

from mmdet_medglip.evaluation.measures import interval_of, measure
from mmdet_medglip.evaluation.parts import parts_of, whole
from mmdet_medglip.evaluation.settings import Settings

A, B, FAR = [0, 0, 10, 10], [40, 40, 60, 60], [80, 80, 90, 90]


@pytest.fixture
def results(make_image, make_results):
    return make_results(
        make_image('1', 'ct', [0, 1], [(0, 0.9, A), (1, 0.6, FAR)], [(0, A)]),
        make_image('2', 'ct', [0], [(0, 0.8, A)], [(0, A)]),
        make_image('3', 'mri', [0], [(0, 0.7, FAR), (0, 0.2, B)], [(0, B)]),
    )


@pytest.mark.parametrize('backend', ['pycocotools', 'faster_coco_eval'])
def test_measures_by_hand(results, backend):
    pytest.importorskip(backend)
    found = measure(whole(results), Settings(backend=backend))
    # Liver: hit, hit, miss, hit: precision 1 to recall 2/3 (67 points), then 3/4 (34 points).
    expected = {
        'coco/AP50': (67 + 34 * 0.75) / 101,
        'coco/macro_AP50': (1 + 0.5) / 2,
        'froc/sensitivity@0.125': 2 / 3,
        # Two false boxes above the last hit, on three images.
        'froc/sensitivity@1': 1,
        'phrase/Acc@0.5': 2 / 3,
        'phrase/Recall@5': 1,
        'phrase/N-acc': 0,
        # 1, 1, 0 of the livers, 0 of the absent kidney.
        'phrase/SetF1@0.5': 2 / 4,
        # Livers 0.9, 0.8, 0.7 above the kidney's 0.6.
        'presence/AUROC': 1,
        'presence/Brier': (0.01 + 0.04 + 0.09 + 0.36) / 4,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_probabilities_of_the_detector_go_before_scores(make_image, make_results):
    image = make_image('1', 'ct', [0, 1], [(1, 0.9, A)], [(0, A)], presence=np.array([0.9, 0.2]))
    assert measure(whole(make_results(image)))['presence/AUROC'] == 1


def test_crowds_are_neither_one_box_nor_none(make_image, make_results):
    image = make_image('1', 'ct', [0, 1], [(0, 0.9, A)], [(0, A)], crowd=[0])
    found = measure(whole(make_results(image)))
    assert found['phrase/N-acc'] == 1, 'the kidney alone'
    assert np.isnan(found['phrase/Recall@1'])
    assert found['presence/AUROC'] == 1, 'the liver is there'


def test_captions_alone_have_no_detection(make_image, make_results):
    image = make_image('1', 'xray', ['a mass'], [(0, 0.9, A)], [(0, A)])
    found = measure(whole(make_results(image)))
    assert found['phrase/Acc@0.5'] == 1
    assert {name.partition('/')[0] for name in found} == {'phrase'}
    assert measure(whole(make_results())) == {}


def test_a_part_by_size_has_no_sizes_of_its_own(results):
    found = measure(parts_of(results, 'size')['small'])
    assert 'coco/AP50' in found
    assert not any(name.startswith('presence/') or name.endswith('_small') for name in found)


def test_settings_reach_the_measures(results):
    part = whole(results)
    assert measure(part, Settings(score=0.65))['phrase/N-acc'] == 1
    assert 'phrase/Acc@0.75' in measure(part, Settings(iou=0.75))
    with pytest.raises(ValueError, match='Unknown backend'):
        measure(part, Settings(backend='x'))


def test_intervals_are_over_patients(make_image, make_results):
    def image(number, patient):
        found = [(0, 0.9, A if number % 2 else FAR)]
        return make_image(f'{number}', 'ct', [0], found, [(0, A)], patient_id=patient, source='s')

    alone = make_results(*(image(number, f'{number}') for number in range(8)))
    low, high = interval_of(whole(alone), repeats=200)['phrase/Recall@1']
    assert 0 < low < 0.5 < high < 1
    one = make_results(*(image(number, 'p') for number in range(8)))
    assert np.isnan(interval_of(whole(one), repeats=10)['phrase/Recall@1']).all()
    names = set(interval_of(whole(alone), repeats=2))
    assert names == {'coco/AP50', 'coco/macro_AP50', 'phrase/Recall@1', 'phrase/SetF1@0.5'}
    assert interval_of(whole(make_results())) == {}
