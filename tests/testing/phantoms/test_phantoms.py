import numpy as np
import pytest

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.testing.phantoms import SPECS, PhantomImage, draw_patient

PATIENTS = range(200, 206)


@pytest.fixture(scope='module', params=list(SPECS))
def modality(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope='module')
def images(modality: str) -> list[PhantomImage]:
    return [image for k in PATIENTS for image in draw_patient(modality, k, images=2)]


@pytest.fixture(scope='module')
def ct() -> list[PhantomImage]:
    return [image for k in PATIENTS for image in draw_patient('ct', k)]


def test_there_is_one_spec_per_modality():
    assert sorted(SPECS) == sorted(Ontology.default().modalities)


def test_labels_are_those_of_the_ontology(modality):
    ontology = Ontology.default()
    labels = SPECS[modality].labels
    assert [ontology.parse_label(name) for name in labels] == list(labels)


def test_same_seed_gives_same_pixels(modality):
    first, again = (draw_patient(modality, 3, seed=5, images=1)[0] for _ in range(2))
    assert np.array_equal(first.image, again.image)
    assert [name for name, _ in first.masks] == [name for name, _ in again.masks]


@pytest.mark.parametrize('change', [{'patient': 4}, {'seed': 6}], ids=['patient', 'seed'])
def test_others_look_different(modality, change):
    first = draw_patient(modality, 3, seed=5, images=1)[0]
    other = draw_patient(modality, **({'patient': 3, 'seed': 5} | change), images=1)[0]
    assert not np.array_equal(first.image, other.image)


def test_images_are_not_flat_and_of_the_kind_promised(modality, images):
    kinds = {
        'ct': {'int16'},
        'mri': {'int16'},
        'xray': {'uint8', 'uint16'},
    }.get(modality, {'uint8'})
    colour = modality in ('endoscopy', 'dermoscopy', 'fundus')
    for phantom in images:
        assert phantom.image.dtype.name in kinds
        assert phantom.image.ndim == (3 if colour else 2)
        assert phantom.image.std() > 5


def test_every_label_is_drawn(modality, images):
    assert {name for p in images for name, _ in p.masks} == set(SPECS[modality].labels)


def test_masks_are_large_enough_to_see(images):
    assert min(mask.sum() for p in images for _, mask in p.masks) >= 12


def test_organs_come_once_and_lesions_lie_apart(images):
    ontology = Ontology.default()
    for phantom in images:
        names = [name for name, _ in phantom.masks]
        for name in set(names):
            masks = [mask for n, mask in phantom.masks if n == name]
            if ontology.box_policy(name) == 'single':
                assert len(masks) == 1
            assert np.max(np.sum(masks, 0)) == 1


def test_ct_is_in_hounsfield_units(ct):
    for phantom in ct:
        assert phantom.image.min() < -900
        assert phantom.image.max() > 300
        liver = [phantom.image[mask] for name, mask in phantom.masks if name == 'liver']
        assert all(0 < np.median(values) < 150 for values in liver)


def test_ct_shows_the_right_side_on_the_left(ct):
    pairs = [
        (p.boxes(right)[0], p.boxes(left)[0])
        for p in ct
        for right, left in (('kidney_right', 'kidney_left'), ('liver', 'spleen'))
        if len(p.boxes(right)) and len(p.boxes(left))
    ]
    assert len(pairs) > 10
    assert all(first[0] + first[2] < second[0] + second[2] for first, second in pairs)


def test_kidney_stones_are_at_least_six_pixels_wide_and_bright(ct):
    stones = [(p, mask) for p in ct for name, mask in p.masks if name == 'kidney_stone']
    assert stones
    for phantom, mask in stones:
        assert min(mask.any(0).sum(), mask.any(1).sum()) >= 6
        assert np.median(phantom.image[mask]) > 200


def test_liver_lesions_are_low_in_contrast(ct):
    contrast = [
        abs(np.median(p.image[mask]) - np.median(p.image[liver]))
        for p in ct
        for name, mask in p.masks
        for other, liver in p.masks
        if name == 'liver_lesion' and other == 'liver'
    ]
    assert 15 < np.median(contrast) < 70


@pytest.mark.parametrize(
    ('mask', 'message'),
    [
        (np.zeros((4, 4), bool), 'is empty'),
        (np.ones((4, 4), np.uint8), 'boolean'),
        (np.ones((3, 4), bool), r'shape \(4, 4\)'),
    ],
    ids=['empty', 'not boolean', 'other size'],
)
def test_masks_without_a_box_are_refused(mask, message):
    with pytest.raises(ValueError, match=message):
        PhantomImage(np.zeros((4, 4), np.uint8), (('polyp', mask),))


def test_boxes_are_half_open_and_may_be_none():
    mask = np.zeros((6, 8), bool)
    mask[1:3, 4:7] = True
    phantom = PhantomImage(np.zeros((6, 8), np.uint8), (('polyp', mask),))
    assert phantom.boxes('polyp').tolist() == [[4, 1, 7, 3]]
    assert phantom.boxes('nevus').shape == (0, 4)


def test_unknown_modality_is_refused():
    with pytest.raises(ValueError, match="'pet'; known are ct, mri"):
        draw_patient('pet', 0)
