"""Presence of the detector: told for each phrase, acted on by rule, bound to its weights."""

import pytest
import torch

from mmdet_medglip.answers import PhrasePresence, PresenceCalibration, save_presence
from mmdet_medglip.models.weights_digest import detector_digest

CT = ['liver', 'spleen', 'left kidney', 'right kidney', 'aorta', 'gallbladder', 'pancreas']
CAPTION = 'Two nodules: one in the left lung, one near the heart.'
SPANS = {0: [[24, 33]], 1: [[13, 16], [35, 38]]}


@pytest.fixture
def build(build_small):
    """The small model with scores that tell; ``head=False`` leaves presence out."""

    def make(head: bool = True, **changes: object):
        if head:
            changes |= dict(bbox_head__presence=dict(hidden_channels=16))
        changes = dict(test_cfg__score_thr=0.0, test_cfg__max_per_img=50) | changes
        model = build_small('ct', **changes)
        torch.manual_seed(1)
        with torch.no_grad():
            model.bbox_head.prior_bias.fill_(-1.0)
            model.bbox_head.text_bias.normal_(std=2.0)
            if head:
                model.bbox_head.presence.out.weight.normal_(std=2.0)
        return model.eval()

    return make


@pytest.fixture(scope='module')
def images() -> torch.Tensor:
    return torch.randn(2, 3, 96, 96, generator=torch.manual_seed(2))


def ask(model, images, sample, *texts, **meta):
    samples = [sample(text, shape=(96, 96), **meta) for text in texts or (CT,)]
    with torch.no_grad():
        return model.predict(images[: len(samples)], samples)


def seeded_loss(model, images, samples):
    """Losses with one draw of dropout."""
    torch.manual_seed(3)
    return model.loss(images, samples)


def at(threshold: float, **phrases: PhrasePresence) -> PresenceCalibration:
    return PresenceCalibration('presence_head', PhrasePresence(1.0, 0.0, threshold), phrases)


def test_presence_is_told_and_boxes_are_those_without_it(build, sample, images):
    plain, model = build(head=False), build()
    missing = model.load_state_dict(plain.state_dict(), strict=False)
    assert {name.split('.')[1] for name in missing.missing_keys} == {'presence'}
    assert not missing.unexpected_keys
    (without,) = ask(plain, images, sample)
    (found,) = ask(model, images, sample)
    assert 'pred_presence' not in without
    for key in ('bboxes', 'scores', 'labels'):
        assert torch.equal(found.pred_instances[key], without.pred_instances[key])
    presence = found.pred_presence
    assert presence.label_names == CT
    torch.testing.assert_close(presence.scores, presence.logits.sigmoid())
    assert torch.equal(presence.present, presence.scores >= 0.5)
    assert presence.scores.std() > 0.01


def test_losses_of_boxes_are_those_without_it(build, build_small, sample, images):
    plain, model = build(head=False), build()
    model.load_state_dict(plain.state_dict(), strict=False)
    one = sample(CT, boxes=[[10, 10, 60, 70]], labels=[2], shape=(96, 96))
    losses, without = (seeded_loss(m.train(), images[:1], [one]) for m in (model, plain))
    assert set(losses) - set(without) == {'loss_presence'}
    for name, value in without.items():
        assert torch.equal(losses[name], value)


@pytest.mark.parametrize(
    ('text', 'meta'),
    [
        pytest.param(CT, {}, id='labels'),
        pytest.param(CAPTION, {'tokens_positive': SPANS}, id='caption'),
    ],
)
def test_training_reaches_every_part(build_small, sample, images, text, meta):
    model = build_small('ct', bbox_head__presence={}).train()
    one = sample(text, boxes=[[10, 10, 60, 70]], labels=[1], shape=(96, 96), **meta)
    sum(model.loss(images[:1], [one]).values()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name


def test_a_prompt_in_parts_is_told_in_prompt_order(build, sample, images):
    model = build(test_cfg__chunked_size=2)
    long, short = ask(model, images, sample, CT, CT[:1])
    parts = [ask(model, images, sample, CT[i : i + 2])[0].pred_presence for i in (0, 2, 4, 6)]
    expected = torch.cat([part.scores for part in parts])
    torch.testing.assert_close(long.pred_presence.scores, expected, rtol=0, atol=1e-5)
    assert long.pred_presence.label_names == CT
    assert len(short.pred_presence) == 1


@pytest.mark.parametrize('size', [-1, 3])
def test_gate_takes_the_boxes_of_absent_phrases_and_no_others(build, sample, images, size):
    model = build(test_cfg__chunked_size=size, test_cfg__max_per_img=2000)
    (before,) = ask(model, images, sample)
    probability = before.pred_presence.scores
    model.set_presence(dict(mode='gate', threshold=probability.sort().values[2:4].mean().item()))
    (after,) = ask(model, images, sample)
    present = after.pred_presence.present
    assert present.sum() == 4
    assert torch.equal(after.pred_presence.scores, probability)
    assert set(before.pred_instances.labels.tolist()) == set(range(len(CT)))
    left = before.pred_instances[present[before.pred_instances.labels]]
    for key in ('bboxes', 'scores', 'labels'):
        assert torch.equal(after.pred_instances[key], left[key])
    assert after.pred_instances.label_names == left.label_names


def test_nothing_found_is_an_answer(build, sample, images):
    model = build()
    model.set_presence(dict(threshold=1.0))
    for result in ask(model, images, sample, CT, CT[:2]):
        assert len(result.pred_instances) == 0
        assert result.pred_instances.bboxes.shape == (0, 4)
        assert result.pred_instances.label_names == []
        assert not result.pred_presence.present.any()
        assert (result.pred_presence.scores > 0).all()


def test_multiply_scales_scores_and_sorts_anew(build, sample, images):
    model = build()
    (before,) = ask(model, images, sample)
    model.set_presence(dict(mode='multiply'))
    (after,) = ask(model, images, sample)
    boxes = before.pred_instances
    scaled = boxes.scores * before.pred_presence.scores[boxes.labels]
    torch.testing.assert_close(after.pred_instances.scores, scaled.sort(descending=True).values)
    assert len(after.pred_instances) == len(boxes)


def test_both_is_the_default(build, sample, images):
    model = build()
    (before,) = ask(model, images, sample)
    model.set_presence({})
    (after,) = ask(model, images, sample)
    boxes, presence = before.pred_instances, before.pred_presence
    assert 0 < presence.present.sum() < len(CT)
    scaled = (boxes.scores * presence.scores[boxes.labels])[presence.present[boxes.labels]]
    torch.testing.assert_close(after.pred_instances.scores, scaled.sort(descending=True).values)


def test_each_phrase_has_the_threshold_of_its_calibration(build, sample, images):
    model = build()
    never = PhrasePresence(1.0, 0.0, 1.0)
    model.set_presence(dict(calibration=at(0.0, spleen=never)))
    (found,) = ask(model, images, sample)
    assert found.pred_presence.present.tolist() == [name != 'spleen' for name in CT]
    assert 'spleen' not in found.pred_instances.label_names
    assert {'liver', 'aorta'} <= set(found.pred_instances.label_names)


def test_logits_are_those_before_calibration(build, sample, images):
    model = build()
    (raw,) = ask(model, images, sample)
    line = PresenceCalibration('presence_head', PhrasePresence(0.5, 2.0, 0.5))
    model.set_presence(dict(mode='report', calibration=line))
    (found,) = ask(model, images, sample)
    assert torch.equal(found.pred_presence.logits, raw.pred_presence.logits)
    expected = (0.5 * raw.pred_presence.logits + 2.0).sigmoid()
    torch.testing.assert_close(found.pred_presence.scores, expected)


def test_a_detector_without_head_goes_by_its_boxes(build, sample, images):
    model = build(head=False)
    (plain,) = ask(model, images, sample)
    line = PresenceCalibration('box_score', PhrasePresence(1.0, 0.0, 0.0))
    model.set_presence(dict(calibration=line))
    (found,) = ask(model, images, sample)
    for row in range(len(CT)):
        scores = plain.pred_instances.scores[plain.pred_instances.labels == row]
        best = scores.max().item() if len(scores) else 1e-3
        assert found.pred_presence.scores[row].item() == pytest.approx(best, abs=1e-5)


def test_a_file_by_config_serves_the_weights_it_was_fitted_to(build, sample, images, tmp_path):
    path = tmp_path / 'presence.json'
    digest = detector_digest(build())
    line = PhrasePresence(1.0, 0.0, 0.0)
    save_presence(path, PresenceCalibration('presence_head', line, weights=digest, source='x.pth'))
    model = build(test_cfg__presence=dict(calibration=str(path)))
    (found,) = ask(model, images, sample)
    assert found.pred_presence.present.all()
    with torch.no_grad():
        model.bbox_head.text_bias += 1e-3
    with pytest.raises(ValueError, match=r'fitted to other weights \(x\.pth\)'):
        ask(model, images, sample)


@pytest.mark.parametrize(
    ('head', 'options', 'message'),
    [
        pytest.param(True, dict(mode='drop'), "mode must be one of .* got 'drop'", id='mode'),
        pytest.param(True, dict(threshold=1.5), r'in \[0, 1\], got 1.5', id='threshold'),
        pytest.param(True, dict(thr=0.5), "presence knows .* got 'thr'", id='option'),
        pytest.param(
            True, dict(threshold=0.5, calibration=at(0.5)), 'leave one out', id='two-thresholds'
        ),
        pytest.param(False, dict(), 'needs a presence head.*--evidence box_score', id='no-head'),
        pytest.param(
            False, dict(calibration=at(0.5)), 'needs a presence head', id='other-evidence'
        ),
    ],
)
def test_bad_options_are_named(build, head, options, message):
    with pytest.raises(ValueError, match=message):
        build(head=head).set_presence(options)


def test_a_missing_file_stops_the_build(build, tmp_path):
    with pytest.raises(FileNotFoundError, match=r'no calibration of presence at .*absent\.json'):
        build(test_cfg__presence=dict(calibration=str(tmp_path / 'absent.json')))


def test_presence_is_told_of_the_prompt_while_parents_are_asked(build, sample, images):
    """Gates what lies above as well; rows of ``pred_presence`` stay those of the prompt."""
    asked = ['left kidney', 'liver']
    above = {'kidney', 'abdomen', 'liver and biliary tract'}
    hierarchy = dict(test_cfg__hierarchy=dict(ask_parents=True))
    model = build(**hierarchy)
    (every,) = ask(model, images, sample, asked)
    assert every.pred_presence.label_names == asked
    assert set(every.pred_ancestors.label_names) == above
    never = PhrasePresence(1.0, 0.0, 1.0)
    model.set_presence(
        dict(mode='gate', calibration=at(0.0, **{'left kidney': never, 'kidney': never}))
    )
    (found,) = ask(model, images, sample, asked)
    assert found.pred_presence.present.tolist() == [False, True]
    assert set(found.pred_instances.label_names) == {'liver'}
    assert set(found.pred_ancestors.label_names) == above - {'kidney'}
