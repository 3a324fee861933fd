"""What is known is told apart, what is foreign is not routed, and all of it survives a file."""

import pytest
import torch

from mmdet_medglip.models.classifiers import ModalityClassifier


def test_size():
    classifier = ModalityClassifier()
    assert classifier.modalities == (
        *('ct', 'mri', 'xray', 'ultrasound'),
        *('endoscopy', 'dermoscopy', 'fundus'),
    )
    assert sum(p.numel() for p in classifier.parameters()) < 0.3e6


def test_known_pictures_are_told_apart(trained, pictures):
    for modality in ('ct', 'xray'):
        verdicts = trained.predict(pictures(modality, 50, seed=200))
        assert sum(v.modality == modality for v in verdicts) >= 47
        assert sum(v.accepted for v in verdicts) >= 42
        assert all(0 <= v.confidence <= 1 and v.distance >= 0 for v in verdicts)


@pytest.mark.parametrize(
    'foreign',
    [
        pytest.param(lambda g: torch.rand(30, 3, 64, 64, generator=g) * 255, id='noise'),
        pytest.param(lambda g: torch.rand(30, 3, 1, 1, generator=g) * 255, id='one-colour'),
    ],
)
def test_foreign_pictures_are_not(trained, foreign):
    images = foreign(torch.manual_seed(3)).expand(30, 3, 64, 64).to(torch.uint8)
    assert sum(v.accepted for v in trained.predict(images)) <= 1


def test_the_bounds_pass_the_wanted_share_of_what_they_were_set_on(trained, pictures):
    known = torch.cat([pictures('ct', 50, seed=100), pictures('xray', 50, seed=101)])
    accepted = sum(v.accepted for v in trained.predict(known))
    assert 96 <= accepted <= 98


def test_own_bounds_replace_the_calibrated(trained, pictures):
    images = pictures('ct', 20, seed=5)
    assert not any(v.accepted for v in trained.predict(images, min_confidence=1.0))
    assert not any(v.accepted for v in trained.predict(images, max_distance=1e-6))
    loose = trained.predict(images, min_confidence=0.0, max_distance=float('inf'))
    assert all(v.accepted for v in loose)


def test_a_file_of_weights_is_enough(trained, pictures, tmp_path):
    weights = {f'modality_classifier.{k}': v for k, v in trained.state_dict().items()}
    torch.save(weights | {'backbone.weight': torch.zeros(1)}, tmp_path / 'a.pth')
    loaded = torch.load(tmp_path / 'a.pth', weights_only=True)
    again = ModalityClassifier.from_state_dict(loaded, 'modality_classifier.')
    assert again.modalities == ('ct', 'xray')
    images = pictures('ct', 4, seed=9)
    assert again.predict(images) == trained.predict(images)


def test_no_patient_image_is_in_the_weights(trained):
    assert len(trained._memory.all()[0]) > 100
    largest = max(value.numel() for value in trained.state_dict().values())
    assert largest == trained.distance.precision.numel()
    assert not any('memory' in key for key in trained.state_dict())


def test_weights_of_other_modalities_do_not_fit(trained):
    other = ModalityClassifier(['ct', 'mri', 'xray'])
    with pytest.raises(RuntimeError, match='size mismatch'):
        other.load_state_dict(trained.state_dict())


@pytest.mark.parametrize(
    ('weights', 'message'),
    [
        pytest.param({}, 'No modality classifier among the weights', id='none'),
        pytest.param(
            {'names': torch.tensor([91, 49], dtype=torch.uint8)}, 'is damaged', id='names-cut'
        ),
        pytest.param(
            {'names': torch.tensor(list(b'["ct"]'), dtype=torch.uint8)}, 'is damaged', id='no-layer'
        ),
    ],
)
def test_bad_weights_are_one_error(weights, message):
    with pytest.raises(ValueError, match=message):
        ModalityClassifier.from_state_dict(weights)


def test_the_loss_teaches_every_parameter(pictures):
    classifier = ModalityClassifier(['ct', 'xray'], known_per_step=4, foreign_per_step=4)
    loss = classifier.loss(pictures('ct', 2), ['ct', 'ct'])['loss_modality']
    loss.backward()
    assert loss > 0
    assert all(p.grad is not None for p in classifier.parameters())


def test_the_weight_of_the_loss_is_a_factor(pictures):
    values = []
    for weight in (1.0, 0.25):
        torch.manual_seed(0)
        classifier = ModalityClassifier(
            ['ct'], known_per_step=4, foreign_per_step=4, loss_weight=weight
        )
        torch.manual_seed(1)
        values.append(classifier.loss(pictures('ct', 2), ['ct', 'ct'])['loss_modality'].item())
    assert values[1] == pytest.approx(values[0] / 4, rel=1e-5)


@pytest.mark.parametrize(
    ('act', 'message'),
    [
        pytest.param(lambda c, x: c.predict(x), 'was not calibrated', id='predict'),
        pytest.param(lambda c, x: c.calibrate(x, ['ct'] * 2), 'train first', id='calibrate'),
        pytest.param(lambda c, x: c.calibrate(x[:0], []), 'got 0 and 0.985', id='no-image'),
        pytest.param(lambda c, x: c.calibrate(x, ['ct'] * 2, 1.5), 'and 1.5', id='bad-share'),
        pytest.param(lambda c, x: c.loss(x, ['ct', 'pet']), "'pet' is none of ct", id='unknown'),
        pytest.param(lambda c, x: c.loss(x, ['ct', None]), 'None is none of ct', id='unstated'),
        pytest.param(lambda c, x: c.loss(x, ['ct', 'auto']), "'auto' is none of ct", id='auto'),
    ],
)
def test_what_cannot_be_done_yet_says_so(pictures, act, message):
    with pytest.raises(ValueError, match=message):
        act(ModalityClassifier(['ct', 'xray']), pictures('ct', 2))


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        pytest.param({'modalities': []}, 'distinct names', id='no-modality'),
        pytest.param({'modalities': ['ct', 'ct']}, 'distinct names', id='repeated'),
        pytest.param({'known_per_step': 0}, 'known_per_step', id='no-known'),
        pytest.param({'foreign_per_step': 0}, 'foreign_per_step', id='no-foreign'),
    ],
)
def test_bad_arguments(changes, message):
    with pytest.raises(ValueError, match=message):
        ModalityClassifier(**changes)
