import numpy as np
import pytest

from mmdet_medglip.downstream import (
    patients_of,
    predicted_regions,
    shuffled_regions,
    true_regions,
)
from mmdet_medglip.evaluation import ImageResult, Results
from mmdet_medglip.ingest import StoreWriter
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.structures import Instance, Record


def image_result(image_id='a', answers=(), truth=(), asked=(2, 0), crowd=(), **changes):
    """Answers are (phrase, score, box), truth is (label, box)."""
    values = {
        'image_id': image_id,
        'modality': 'ct',
        'height': 100,
        'width': 80,
        'phrases': ('a left kidney', 'the liver'),
        'asked': None if asked is None else np.array(asked, np.int64),
        'boxes': np.array([box for _, _, box in answers], np.float32).reshape(-1, 4),
        'scores': np.array([score for _, score, _ in answers], np.float32),
        'box_phrases': np.array([phrase for phrase, _, _ in answers], np.int64),
        'gt_boxes': np.array([box for _, box in truth], np.float32).reshape(-1, 4),
        'gt_labels': np.array([label for label, _ in truth], np.int64),
        'gt_ignore': np.array([number in crowd for number in range(len(truth))], bool),
    }
    return ImageResult(**values | changes)


def results(*images):
    return Results(
        classes=('liver', 'spleen', 'kidney_left'),
        class_names=('liver', 'spleen', 'left kidney'),
        images=images,
    )


ANSWERS = [
    (0, 0.25, (1, 2, 3, 4)),
    (1, 0.75, (-5, 0, 90, 50)),
    (0, 0.5, (10, 10, 20, 20)),
    (1, 0.9, (80, 10, 85, 20)),
    (0, 0.75, (0, 0, 5, 5)),
]


def test_predicted_are_the_best_boxes_under_the_names_of_labels():
    found = predicted_regions(results(image_result(answers=ANSWERS)), 0.3, 2)['a']
    # The box of score 0.9 lies beside the image; of two at 0.75 the first one stays first.
    assert found.labels == ('liver', 'left kidney')
    assert found.scores.tolist() == [0.75, 0.75]
    np.testing.assert_array_equal(found.boxes, [[0, 0, 80, 50], [0, 0, 5, 5]])
    assert (found.height, found.width, found.modality) == (100, 80, 'ct')


@pytest.mark.parametrize(
    ('min_score', 'expected'),
    [
        pytest.param(0.5, [0.75, 0.75, 0.5], id='bound_itself_counts'),
        pytest.param(0.51, [0.75, 0.75], id='below_is_out'),
        pytest.param(1.0, [], id='none_is_a_value'),
    ],
)
def test_predicted_min_score(min_score, expected):
    found = predicted_regions(results(image_result(answers=ANSWERS)), min_score, 9)
    assert found['a'].scores.tolist() == expected


def test_a_caption_image_has_its_phrases_as_words():
    image = image_result(answers=ANSWERS[:1], truth=[(1, (0, 0, 2, 2))], asked=None)
    assert predicted_regions(results(image), 0.1, 9)['a'].labels == ('a left kidney',)
    assert true_regions(results(image))['a'].labels == ('the liver',)


@pytest.mark.parametrize(
    ('bounds', 'message'),
    [
        pytest.param((0, 1), r'min_score must lie in \(0, 1\], got 0', id='min_score'),
        pytest.param((0.1, 0), 'max_regions must be at least 1, got 0', id='max_regions'),
    ],
)
def test_predicted_refuses(bounds, message):
    with pytest.raises(ValueError, match=message):
        predicted_regions(results(), *bounds)


def test_scores_that_are_no_probabilities_are_refused():
    image = image_result(answers=[(0, 3.0, (0, 0, 2, 2))])
    with pytest.raises(ValueError, match=r"image 'a': score 0 must lie in \(0, 1\], got 3"):
        predicted_regions(results(image), 0.1, 9)


def test_true_regions_of_results_leave_crowds_out():
    truth = [(0, (0, 0, 2, 2)), (1, (1, 1, 9, 9)), (2, (4, 4, 6, 6))]
    found = true_regions(results(image_result(truth=truth, crowd=(1,))))['a']
    assert found.labels == ('liver', 'left kidney')
    assert found.scores.tolist() == [1, 1]
    np.testing.assert_array_equal(found.boxes, [[0, 0, 2, 2], [4, 4, 6, 6]])


@pytest.fixture
def store(tmp_path):
    pixels = np.zeros((20, 30), np.uint8)
    records = [
        Record(
            'train',
            20,
            30,
            'ct',
            'demo',
            'p1',
            caption='a round nodule',
            instances=(
                Instance((0, 0, 9, 9), label='kidney_left', phrase='not said'),
                Instance((1, 1, 9, 9), label='liver', is_crowd=True),
                Instance((2, 2, 9, 9), phrase='a shadow'),
                Instance((3, 3, 9, 9), tokens_positive=((2, 7), (8, 14))),
            ),
        ),
        Record('val', 20, 30, 'ct', 'demo', 'p2', split='val'),
    ]
    with StoreWriter(tmp_path / 'store', name='demo') as writer:
        for record in records:
            writer.add(record, pixels)
    return GroundingStore(tmp_path / 'store')


def test_true_regions_of_a_store(store):
    found = true_regions(store)
    assert set(found) == {'train', 'val'}
    assert found['train'].labels == ('left kidney', 'a shadow', 'round / nodule')
    assert found['train'].boxes[:, 0].tolist() == [0, 2, 3]
    assert len(found['val']) == 0
    assert set(true_regions(store, split='val')) == {'val'}


def test_a_result_file_has_no_splits():
    with pytest.raises(ValueError, match=r"no splits, got split='val'"):
        true_regions(results(), split='val')


def test_patients(store):
    assert patients_of(store) == {
        'train': ('patient', 'demo', 'p1'),
        'val': ('patient', 'demo', 'p2'),
    }
    images = image_result('a', patient_id='7', source='s'), image_result('b')
    assert patients_of(results(*images)) == {
        'a': ('patient', 's', '7'),
        'b': ('image', '', 'b'),
    }


def crowd_of_images(make_regions, sizes, modality='ct'):
    """Regions of images of some patients, each named by its image, and the patients."""
    names = [f'{modality}{p}_{i}' for p, count in enumerate(sizes) for i in range(count)]
    regions = {
        name: make_regions(name, (name, 0.5, (10, 10, 100, 50)), modality=modality)
        for name in names
    }
    return regions, {name: name.split('_')[0] for name in names}


@pytest.mark.parametrize(
    'sizes',
    [
        pytest.param([1, 1], id='two'),
        pytest.param([3, 2, 1], id='largest_has_half'),
        pytest.param([4, 4, 1, 2, 3], id='several'),
    ],
)
@pytest.mark.parametrize('seed', [0, 1, 2])
def test_shuffled_permutes_between_patients(make_regions, sizes, seed):
    regions, patients = crowd_of_images(make_regions, sizes)
    other = crowd_of_images(make_regions, [1, 2, 1], 'mri')
    regions, patients = regions | other[0], patients | other[1]
    found = shuffled_regions(regions, patients, seed)
    assert list(found) == list(regions)
    donors = {name: of_one.labels[0] for name, of_one in found.items()}
    assert sorted(donors.values()) == sorted(regions)
    assert all(patients[name] != patients[donor] for name, donor in donors.items())
    assert all(found[name].modality == regions[name].modality for name in regions)
    assert all(regions[donor].modality == regions[name].modality for name, donor in donors.items())


def test_shuffled_draws_where_one_patient_has_most_images(make_regions):
    regions, patients = crowd_of_images(make_regions, [5, 1, 1])
    found = shuffled_regions(regions, patients, 0)
    assert all(patients[name] != patients[of_one.labels[0]] for name, of_one in found.items())


def test_shuffled_depends_on_the_seed_and_not_on_the_order(make_regions):
    regions, patients = crowd_of_images(make_regions, [2] * 8)

    def labels(given, seed):
        return {
            name: of_one.labels for name, of_one in shuffled_regions(given, patients, seed).items()
        }

    backwards = dict(reversed(regions.items()))
    assert labels(regions, 1) == labels(backwards, 1)
    assert labels(regions, 1) != labels(regions, 2)


def test_shuffled_boxes_fit_their_new_image(make_regions):
    regions = {
        'a': make_regions('a', ('liver', 0.5, (10, 10, 100, 50)), height=100, width=200),
        'b': make_regions('b', height=50, width=400),
    }
    found = shuffled_regions(regions, {'a': 1, 'b': 2}, 0)
    np.testing.assert_array_equal(found['b'].boxes, [[20, 5, 200, 25]])
    assert (found['b'].image_id, found['b'].height, found['b'].width) == ('b', 50, 400)
    assert len(found['a']) == 0


def test_shuffled_refuses_what_cannot_be(make_regions):
    regions, patients = crowd_of_images(make_regions, [3])
    with pytest.raises(ValueError, match="All 3 images of modality 'ct' are of one patient"):
        shuffled_regions(regions, patients, 0)
    with pytest.raises(ValueError, match="no patient of the image 'ct0_0'"):
        shuffled_regions(regions, {}, 0)
    assert shuffled_regions({}, {}, 0) == {}
