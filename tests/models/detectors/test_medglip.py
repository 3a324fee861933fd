"""MedGLIP: training on labels and on free text, and prompts that belong to their image."""

import math

import pytest
import torch

from mmdet_medglip.models.detectors import medglip, turns
from mmdet_medglip.models.detectors.medglip import prompt_of
from mmdet_medglip.registry import MODELS
from mmdet_medglip.text import prompt_from_phrases, split_prompt

CT = ['liver', 'spleen', 'left kidney', 'right kidney', 'aorta', 'gallbladder', 'pancreas']
MRI = ['brain tumor', 'ventricle']
CAPTION = 'Two nodules: one in the left lung, one near the heart.'
MOST = 50  # as build sets it
SPANS = {0: [[24, 33]], 1: [[13, 16], [35, 38]]}


def same(found, expected, tolerance: float = 1e-4) -> None:
    assert len(found) == len(expected) > 5
    torch.testing.assert_close(found.scores, expected.scores, rtol=0, atol=tolerance)
    torch.testing.assert_close(found.bboxes, expected.bboxes, rtol=0, atol=1e-2)
    assert torch.equal(found.labels, expected.labels)
    assert found.label_names == expected.label_names


def step(model, images, samples) -> dict[str, float]:
    """One training step; the losses by name."""
    model.train()
    losses = model.loss(images, samples)
    sum(losses.values()).backward()
    return {name: value.item() for name, value in losses.items()}


@pytest.mark.parametrize(
    ('text', 'meta', 'labels'),
    [
        pytest.param(CT, {}, [2, 0], id='OD-list'),
        pytest.param('. '.join(CT), {}, [2, 0], id='OD-written-list'),
        pytest.param(CAPTION, {'tokens_positive': SPANS}, [1, 0], id='VG-dict'),
        pytest.param(CAPTION, {'tokens_positive': list(SPANS.values())}, [1, 0], id='VG-list'),
        pytest.param(CT, {}, [], id='negatives-only'),
    ],
)
def test_training_step_reaches_every_part(build_small, sample, images, text, meta, labels):
    model = build_small('ct')
    boxes = [[10, 10, 60, 70], [40, 30, 90, 90]][: len(labels)]
    one = sample(text, boxes=boxes, labels=labels, shape=(96, 96), **meta)
    losses = step(model, images[:1], [one])
    assert set(losses) == {'loss_cls', 'loss_bbox', 'loss_centerness'}
    assert all(math.isfinite(value) for value in losses.values())
    assert (losses['loss_bbox'] > 0) == bool(labels)
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


def test_training_learns_an_image(build_small, sample, images):
    model = build_small('ct').train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    one = sample(CT[:2], boxes=[[6, 6, 40, 50]], labels=[1], shape=(64, 64))
    history = []
    for _ in range(10):
        losses = model.loss(images[:1, :, :64, :64], [one])
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
        history.append(sum(losses.values()).item())
    assert history[-1] < 0.7 * history[0], history


def test_negatives_only_image_trains_beside_a_full_one(build_small, sample, images):
    model = build_small('ct')
    full = sample(CT, boxes=[[10, 10, 60, 70]], labels=[3], shape=(96, 96))
    losses = step(model, images[:2], [full, sample(CT, shape=(96, 96))])
    assert losses['loss_cls'] > 0
    assert losses['loss_bbox'] > 0


def test_a_ct_batch_gives_the_mri_expert_no_gradient(build_small, sample, images):
    model = build_small('ct', 'mri')
    step(model, images[:1], [sample(CT, boxes=[[10, 10, 60, 70]], labels=[0], shape=(96, 96))])
    experts = model.backbone.experts
    assert all(p.grad is None for p in experts['mri'].parameters())
    assert all(p.grad is not None for p in experts['ct'].parameters())


@torch.no_grad()
def test_predictions_carry_names_and_are_sorted(build, sample, images):
    (result,) = build('ct').predict(images[:1], [sample(CT[:3], shape=(96, 96))])
    found = result.pred_instances
    assert found.label_names == [CT[label] for label in found.labels.tolist()]
    assert found.scores.tolist() == sorted(found.scores.tolist(), reverse=True)
    assert found.bboxes.min() >= 0
    assert found.bboxes.max() <= 96


@torch.no_grad()
def test_prompts_of_a_batch_do_not_mix(build, sample, images):
    model = build('ct', 'mri')
    requests = [(CT[:2], 'ct', {}), (MRI, 'mri', {}), (CAPTION, 'ct', {'tokens_positive': SPANS})]
    samples = [sample(t, m, shape=(96, 96), **meta) for t, m, meta in requests]
    together = model.predict(images, samples)
    for row, (text, modality, meta) in enumerate(requests):
        alone = [sample(text, modality, shape=(96, 96), **meta)]
        expected = model.predict(images[row : row + 1], alone)[0]
        same(together[row].pred_instances, expected.pred_instances)


@torch.no_grad()
def test_the_prompt_changes_the_answer(build, sample, images):
    model = build('ct')
    first, second = (
        model.predict(images[:1], [sample([phrase], shape=(96, 96))])[0].pred_instances
        for phrase in ('liver', 'left kidney')
    )
    assert (first.scores[:5] - second.scores[:5]).abs().max() > 1e-3


@torch.no_grad()
def test_a_long_prompt_equals_its_parts_one_after_another(build, sample, images):
    model = build('ct', language_model__max_tokens=12)
    tokenizer = model.language_model.tokenizer
    texts = [CT, CT[:2], CT[::-1] * 2]
    together = model.predict(images, [sample(text, shape=(96, 96)) for text in texts])
    counts = []
    for row, text in enumerate(texts):
        parts = split_prompt(prompt_of(sample(text)), tokenizer, 12)
        counts.append(len(parts))
        boxes, scores, labels, before = [], [], [], 0
        for part in parts:
            request = [sample(list(part.phrases), shape=(96, 96))]
            found = model.predict(images[row : row + 1], request)[0].pred_instances
            boxes.append(found.bboxes)
            scores.append(found.scores)
            labels.append(found.labels + before)
            before += len(part)
        scores, boxes, labels = torch.cat(scores), torch.cat(boxes), torch.cat(labels)
        merged = together[row].pred_instances
        best = scores.sort(descending=True).values[:MOST]
        torch.testing.assert_close(merged.scores, best, rtol=0, atol=1e-4)
        twin = (
            ((merged.bboxes[:, None] - boxes[None]).abs().amax(-1) < 1e-2)
            & (merged.labels[:, None] == labels[None])
            & ((merged.scores[:, None] - scores[None]).abs() < 1e-4)
        )
        assert twin.any(1).all()
        assert merged.label_names == [text[label] for label in merged.labels.tolist()]
    assert counts[1] == 1
    assert counts[2] > counts[0] > 1


@torch.no_grad()
def test_few_parts_at_a_time_change_nothing(build, sample, images, monkeypatch):
    model = build('ct', language_model__max_tokens=12)
    texts = [CT, CT[:2], CT[::-1] * 2]
    together = model.predict(images, [sample(text, shape=(96, 96)) for text in texts])
    monkeypatch.setitem(turns._PLACES_AT_ONCE, 'cpu', 1)
    sizes = []
    fuse = model.fuse

    def watched(pyramid, text):
        sizes.append(len(text))
        return fuse(pyramid, text)

    monkeypatch.setattr(model, 'fuse', watched)
    by_turns = model.predict(images, [sample(text, shape=(96, 96)) for text in texts])
    assert max(sizes) == 1 and len(sizes) > 3
    for one, other in zip(together, by_turns, strict=True):
        same(other.pred_instances, one.pred_instances)


@torch.no_grad()
def test_image_features_are_computed_once_for_all_parts(build, sample, images, monkeypatch):
    model = build('ct', test_cfg__chunked_size=2)
    calls = []
    for part in (model.backbone, model.neck.fpn):
        part.register_forward_hook(lambda module, *_: calls.append(type(module).__name__))
    found = model.predict(images[:1], [sample(CT, shape=(96, 96))])[0].pred_instances
    assert calls == ['ModalityRouter', 'FPN']
    assert len({label // 2 for label in found.labels.tolist()}) > 2, 'several chunks answer'


@torch.no_grad()
def test_chunks_of_phrases_equal_their_prompts_alone(build, sample, images):
    model = build('ct', test_cfg__chunked_size=3)
    merged = model.predict(images[:1], [sample(CT, shape=(96, 96))])[0].pred_instances
    alone = [
        model.predict(images[:1], [sample(CT[i : i + 3], shape=(96, 96))])[0].pred_instances
        for i in range(0, len(CT), 3)
    ]
    best = torch.cat([part.scores for part in alone]).sort(descending=True).values
    torch.testing.assert_close(merged.scores, best[:MOST], rtol=0, atol=1e-4)


@torch.no_grad()
def test_a_prompt_is_split_once_for_each_set_of_limits(build, sample, images, monkeypatch):
    model = build('ct', language_model__max_tokens=12)
    calls = []

    def counted(prompt, *limits):
        calls.append(prompt.phrases)
        return split_prompt(prompt, *limits)

    monkeypatch.setattr(medglip, 'split_prompt', counted)
    for _ in range(2):
        model.predict(images, [sample(text, shape=(96, 96)) for text in (CT, CT, CT[:2])])
    assert calls == [tuple(CT), tuple(CT[:2])]
    model.test_cfg.chunked_size = 1
    assert [part.phrases for part in model.parts_of(prompt_from_phrases(CT[:2]))] == [
        ('liver',),
        ('spleen',),
    ]


def test_a_chunk_must_hold_a_phrase(build, sample, images):
    with pytest.raises(ValueError, match=r'test_cfg\.chunked_size=0; expected 1 or more, or -1'):
        build('ct', test_cfg__chunked_size=0).predict(images[:1], [sample(CT)])


@torch.no_grad()
@pytest.mark.parametrize('limit', [64, 12], ids=['one-part', 'several-parts'])
@pytest.mark.parametrize(
    'kind', [list, '. '.join, prompt_from_phrases], ids=['list', 'text', 'prompt']
)
def test_prompts_that_are_set_serve_images_without_text(build, sample, images, limit, kind):
    model = build('ct', language_model__max_tokens=limit)
    expected = model.predict(images[:1], [sample(CT, shape=(96, 96))])[0].pred_instances
    other = model.predict(images[:1], [sample(MRI, shape=(96, 96))])[0].pred_instances
    model.set_prompts(kind(CT))
    model.language_model._run = None  # nothing may be computed any more
    for _ in range(2):
        found = model.predict(images[:1], [sample(None, shape=(96, 96))])[0].pred_instances
        same(found, expected)
    del model.language_model._run
    same(model.predict(images[:1], [sample(MRI, shape=(96, 96))])[0].pred_instances, other)
    model.set_prompts(None)
    with pytest.raises(ValueError, match=r'Empty prompt.* field text'):
        model.predict(images[:1], [sample(None)])


@torch.no_grad()
@pytest.mark.parametrize('limit', [64, 12], ids=['one-part', 'several-parts'])
def test_prompts_go_through_a_file(build, sample, images, tmp_path, limit):
    model = build('ct', language_model__max_tokens=limit)
    with pytest.raises(ValueError, match='no prompts are set; call set_prompts first'):
        model.save_prompts(tmp_path / 'organs.safetensors')
    model.set_prompts(CT)
    model.save_prompts(tmp_path / 'organs.safetensors')
    expected = model.predict(images[:1], [sample(None, shape=(96, 96))])[0].pred_instances
    other = build('ct', language_model__max_tokens=limit)
    assert other.load_prompts(tmp_path / 'organs.safetensors') == tuple(CT)
    other.language_model._run = None
    same(other.predict(images[:1], [sample(None, shape=(96, 96))])[0].pred_instances, expected)


@torch.no_grad()
def test_prompts_that_are_set_follow_the_weights(build, sample, images):
    model = build('ct')
    model.set_prompts(CT)
    for parameter in model.language_model.parameters():
        parameter.mul_(1.1)
    found = model.predict(images[:1], [sample(None, shape=(96, 96))])[0].pred_instances
    expected = model.predict(images[:1], [sample(CT, shape=(96, 96))])[0].pred_instances
    same(found, expected)


@torch.no_grad()
def test_a_mixed_batch_equals_its_images_alone(build, sample, images):
    model = build('ct', 'mri')
    modalities = ['mri', 'ct', 'mri']
    together = model.predict(images, [sample(CT[:3], m, shape=(96, 96)) for m in modalities])
    for row, modality in enumerate(modalities):
        alone = [sample(CT[:3], modality, shape=(96, 96))]
        expected = model.predict(images[row : row + 1], alone)[0]
        same(together[row].pred_instances, expected.pred_instances)


@torch.no_grad()
def test_raw_outputs_serve_export(build, sample, images):
    logits, deltas, centerness = build('ct')(images[:2], [sample(CT[:2])] * 2, mode='tensor')
    assert len(logits) == len(deltas) == len(centerness) == 5
    assert logits[0].shape[:2] == (2, 12 * 12)


def test_any_single_backbone_and_plain_neck_will_do(build_small, sample, images):
    model = build_small('ct')
    model.backbone = model.backbone.experts['ct']
    model.neck = model.neck.fpn
    losses = step(
        model,
        images[:1],
        [sample(CT, None, boxes=[[10, 10, 60, 70]], labels=[0], shape=(96, 96))],
    )
    assert all(math.isfinite(value) for value in losses.values())


@pytest.mark.parametrize(
    'labels', [pytest.param([0, 7], id='too-large'), pytest.param([-1, 0], id='negative')]
)
def test_label_without_phrase_names_the_image(build_small, sample, images, labels):
    boxes = [[10, 10, 60, 70], [40, 30, 90, 90]]
    bad = sample(CT, boxes=boxes, labels=labels, shape=(96, 96))
    bad.set_metainfo(dict(img_path='data/ct/7.png'))
    message = (
        rf'Image data/ct/7\.png: gt_instances\.labels reach from {min(labels)} to {max(labels)}, '
        'but its prompt has 7 phrases'
    )
    with pytest.raises(ValueError, match=message):
        build_small('ct').loss(images[:2], [sample(CT, shape=(96, 96)), bad])


@pytest.mark.parametrize('mode', ['loss', 'predict'])
@pytest.mark.parametrize(
    ('text', 'meta', 'message'),
    [
        pytest.param([], {}, r'Image image\.png: Empty prompt', id='no-phrase'),
        pytest.param('', {}, r'Image image\.png: Empty prompt', id='empty-text'),
        pytest.param('  .', {}, r'Image image\.png: Empty prompt', id='blank-text'),
        pytest.param(None, {}, r'Image image\.png: Empty prompt.* field text', id='no-text'),
        pytest.param(['liver', ' '], {}, r"image\.png: .*phrase '' is empty", id='blank-phrase'),
        pytest.param(
            CAPTION,
            {'tokens_positive': {0: [[50, 99]]}},
            r'image\.png: .*span \[50, 99\) .*outside the caption',
            id='span-outside',
        ),
        pytest.param(CAPTION, {'tokens_positive': {}}, 'Empty prompt', id='caption-no-phrase'),
    ],
)
def test_bad_prompt_names_the_image(build_small, sample, images, text, meta, message, mode):
    model = build_small('ct').eval()
    with pytest.raises(ValueError, match=message):
        model(images[:1], [sample(text, shape=(96, 96), **meta)], mode=mode)


@pytest.mark.parametrize(
    ('text', 'meta', 'message'),
    [
        pytest.param(
            ['liver', 'large lesion of the left lobe near the fissure'],
            {},
            "Phrase 'large lesion of .* limit of 8",
            id='phrase',
        ),
        pytest.param(
            CAPTION, {'tokens_positive': SPANS}, "Caption 'Two nodules.* limit of 8", id='caption'
        ),
    ],
)
def test_text_beyond_the_limit_is_never_cut(build_small, sample, images, text, meta, message):
    model = build_small('ct', language_model__max_tokens=8).eval()
    with pytest.raises(ValueError, match=message):
        model.predict(images[:1], [sample(text, shape=(96, 96), **meta)])
    with pytest.raises(ValueError, match=r'more than the limit of 8 \(language_model\.max_tokens'):
        model.loss(images[:1], [sample(text, shape=(96, 96), **meta)])


def test_unknown_modality_is_an_error(build_small, sample, images):
    with pytest.raises(ValueError, match=r"modality 'cct' .*Did you mean 'ct'\?"):
        build_small('ct', 'mri').predict(images[:1], [sample(CT, 'cct')])


@pytest.mark.parametrize('part', ['neck', 'bbox_head'])
def test_widths_must_agree_with_the_language_model(build_small, part):
    with pytest.raises(ValueError, match=rf'{part}\.text_channels=96, .* gives 48 channels'):
        build_small('ct', **{f'{part}__text_channels': 96})


def test_an_unrouted_image_gets_no_box_and_disturbs_no_other(build, images, sample):
    model = build('ct', 'mri')
    ct, mri, lost = ((text, m) for text, m in ((CT, 'ct'), (MRI, 'mri'), (CT, 'unrouted')))
    with torch.no_grad():
        expected = model.predict(images[[0, 2]], [sample(*ct), sample(*mri)])
        found = model.predict(images, [sample(*ct), sample(*lost), sample(*mri)])
        (nothing,) = model.predict(images[:1], [sample(*lost)])
    same(found[0].pred_instances, expected[0].pred_instances)
    same(found[2].pred_instances, expected[1].pred_instances)
    for empty in (found[1].pred_instances, nothing.pred_instances):
        assert empty.bboxes.shape == (0, 4)
        assert len(empty.scores) == len(empty.labels) == len(empty.label_names) == 0


def test_the_modality_classifier_is_trained_along(build_small, images, sample):
    model = build_small('ct', 'mri').train()
    model.modality_classifier = MODELS.build(
        dict(type='ModalityClassifier', known_per_step=4, foreign_per_step=4)
    )
    samples = [sample(CT, m, boxes=[[8, 8, 40, 40]], labels=[0]) for m in ('ct', 'mri', 'ct')]
    for one in samples:
        one.modality_thumbnail = torch.randint(0, 256, (3, 64, 64), dtype=torch.uint8)
    losses = model.loss(images, samples)
    assert losses['loss_modality'] > 0
    losses['loss_modality'].backward()
    touched = {n.split('.')[0] for n, p in model.named_parameters() if p.grad is not None}
    assert touched == {'modality_classifier'}
    del samples[1].modality_thumbnail
    with pytest.raises(ValueError, match='has no modality_thumbnail'):
        model.loss(images, samples)


def test_without_a_classifier_nothing_of_it_exists(build_small):
    model = build_small('ct', 'mri')
    assert not model.with_modality_classifier
    assert not any('modality_classifier' in key for key in model.state_dict())
