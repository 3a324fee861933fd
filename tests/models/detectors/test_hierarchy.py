"""Answers in the hierarchy, wired into the detector."""

import pytest
import torch
from mmengine.structures import InstanceData

from mmdet_medglip.answers.hierarchy import inconsistent_pairs

ASKED = ['left kidney', 'right kidney', 'kidney', 'abdomen', 'liver', 'zebra']
ABOVE = ('hepatobiliary_organ',)  # what the prompt does not name
CAPTION, SPANS = 'A cyst of the left kidney.', [[[14, 25]]]


@pytest.fixture
def answer(build, images, sample):
    """Predict with options of ``test_cfg.hierarchy``; gives the sample and the model."""

    @torch.no_grad()
    def run(options=None, text=ASKED, most=None, **meta):
        model = build('ct', test_cfg__hierarchy=options)
        if most is not None:
            model.bbox_head.test_cfg = model.bbox_head.test_cfg | dict(max_per_img=1000)
            model.test_cfg = model.test_cfg | dict(max_per_img=most)
        one = sample(text, shape=(96, 96), **meta)
        return model.predict(images[:1], [one])[0], model

    return run


def equal(found, expected) -> None:
    assert len(found) == len(expected) > 5
    torch.testing.assert_close(found.scores, expected.scores, rtol=0, atol=1e-5)
    torch.testing.assert_close(found.bboxes, expected.bboxes, rtol=0, atol=1e-3)
    assert torch.equal(found.labels, expected.labels)


@pytest.mark.parametrize('options', [None, {}])
def test_off_by_default(answer, options):
    result, model = answer(options)
    assert model.hierarchy is None
    assert 'pred_ancestors' not in result
    assert 'levels' not in result.pred_instances


def test_asking_for_parents_leaves_other_answers_as_they_are(answer):
    plain, _ = answer()
    result, _ = answer(dict(ask_parents=True))
    equal(result.pred_instances, plain.pred_instances)
    assert result.asked_above == ABOVE
    above = result.pred_ancestors
    assert set(above.nodes) == set(ABOVE)
    assert set(above.label_names) == {'liver and biliary tract'}
    assert set(above.levels) == {'class'}
    assert len(above) > 5


def test_parents_answer_as_if_they_were_asked_alone(answer):
    result, _ = answer(dict(ask_parents=True))
    alone, _ = answer(text=['liver and biliary tract'])
    torch.testing.assert_close(
        result.pred_ancestors.scores, alone.pred_instances.scores, rtol=0, atol=1e-5
    )


def test_boxes_say_their_level(answer):
    result, _ = answer(dict(nms=dict()))
    level = dict(zip(ASKED, ('label', 'label', 'class', 'region', 'label', ''), strict=True))
    found = result.pred_instances
    assert found.levels == [level[name] for name in found.label_names]
    assert len(set(found.levels)) == 4
    assert len(result.pred_ancestors) == 0
    assert result.asked_above == ()


@pytest.mark.parametrize('way', ['raise', 'lower'])
def test_scores_become_consistent_and_stay_so_when_the_list_is_cut(answer, way):
    asked = ['polyp', 'adenoma']
    counts = []
    for options in (dict(), dict(consistent=way)):
        result, model = answer(dict(ask_parents=True) | options, asked, most=20)
        family = model.hierarchy.family(model._question_of(result).prompt, 'ct')
        own, above = result.pred_instances, result.pred_ancestors
        assert 0 < len(own) <= 20
        assert own.scores.tolist() == sorted(own.scores.tolist(), reverse=True)
        assert own.label_names == [asked[label] for label in own.labels.tolist()]
        above.labels = torch.tensor([family.nodes.index(node) for node in above.nodes])
        for one in (own, above):
            for field in set(one.keys()) - {'bboxes', 'scores', 'labels'}:
                delattr(one, field)
        counts.append(inconsistent_pairs(InstanceData.cat([own, above]), family))
    assert counts[0] > 5
    assert counts[1] == 0


def test_one_level(answer):
    result, _ = answer(dict(level='class'))
    assert set(result.pred_instances.label_names) <= {'kidney', 'zebra'}
    assert set(result.pred_ancestors.nodes) == set(ABOVE)
    regions, _ = answer(dict(level='region'), text=['left kidney', 'liver'])
    assert len(regions.pred_instances) == 0
    assert set(regions.pred_ancestors.nodes) == {'abdomen'}


def test_unsure_boxes_back_off(answer):
    plain, _ = answer(text=['left kidney', 'liver'])
    least = float(plain.pred_instances.scores.median())
    combine = dict(threshold=dict(label=least, region=0.0) | {'class': 2 * least / 3})
    result, _ = answer(dict(back_off=combine), text=['left kidney', 'liver'])
    assert result.pred_instances.scores.min() >= least - 1e-4
    assert {'class', 'region'} & set(result.pred_ancestors.levels)


def test_captions_are_asked_as_they_are(answer):
    result, _ = answer(dict(ask_parents=True, consistent='raise'), CAPTION, tokens_positive=SPANS)
    assert result.asked_above == ()
    assert set(result.pred_instances.label_names) == {'left kidney'}


@torch.no_grad()
def test_a_prompt_that_is_set_and_several_images(build, images, sample):
    model = build('ct', test_cfg__hierarchy=dict(ask_parents=True))
    alone = model.predict(images[:1], [sample(ASKED, shape=(96, 96))])[0]
    model.set_prompts(ASKED)
    texts = [['liver'], None, CAPTION]
    samples = [sample(text, shape=(96, 96)) for text in texts[:2]]
    samples.append(sample(CAPTION, shape=(96, 96), tokens_positive=SPANS))
    together = model.predict(images[[1, 0, 2]], samples)
    equal(together[1].pred_instances, alone.pred_instances)
    assert [len(one.asked_above) for one in together] == [2, 1, 0]


@torch.no_grad()
def test_it_can_be_switched(build, images, sample):
    model = build('ct')
    model.set_hierarchy(dict(nms=dict(nested='finest')))
    found = model.predict(images[:1], [sample(ASKED, shape=(96, 96))])[0]
    assert 'levels' in found.pred_instances
    model.set_hierarchy(None)
    found = model.predict(images[:1], [sample(ASKED, shape=(96, 96))])[0]
    assert 'levels' not in found.pred_instances


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        pytest.param(dict(levels='class'), r"test_cfg\.hierarchy knows .*got 'levels'", id='key'),
        pytest.param(dict(level='organ'), r"level must be one of .*got 'organ'", id='level'),
        pytest.param(dict(consistent=True), r'consistent must be one of .*got True', id='way'),
        pytest.param(dict(back_off=2), r'back_off\.threshold must be in', id='threshold'),
        pytest.param(dict(nms='finest'), r"hierarchy\.nms must be a dict of .*'finest'", id='nms'),
        pytest.param(dict(nms=dict(rivals='all')), r'nms\.rivals must be one of', id='rivals'),
        pytest.param(dict(iou_threshold=0), r'iou_threshold must be in \(0, 1\], got 0', id='iou'),
    ],
)
def test_bad_options_are_named_when_the_model_is_built(build, options, message):
    with pytest.raises(ValueError, match=message):
        build('ct', test_cfg__hierarchy=options)
