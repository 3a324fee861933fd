"""The parts of the rule in their order, and options as a config has them."""

import pytest

from mmdet_medglip.answers.hierarchy import (
    BackOff,
    HierarchyRule,
    Suppression,
    inconsistent_pairs,
    split_answers,
)
from mmdet_medglip.text import prompt_from_caption, prompt_from_phrases

A, NEAR, FAR = [0.0, 0, 10, 10], [0.0, 0, 10, 8], [50.0, 50, 60, 60]
PROMPT = prompt_from_phrases(['left kidney', 'right kidney', 'kidney', 'ren', 'zebra'])
LEFT, RIGHT, KIDNEY, REN, ZEBRA, ABDOMEN = range(6)  # the abdomen is not in the prompt


def answers(options, found, prompt=PROMPT) -> list[tuple[str, float, str]]:
    rule = HierarchyRule.from_test_cfg(options)
    result = rule.answer(found, rule.family(prompt, 'ct'))
    scores = [round(score, 4) for score in result.scores.tolist()]
    return list(zip(result.label_names, scores, result.levels, strict=True))


@pytest.fixture
def found(boxes):
    return boxes(
        (LEFT, 0.6, A), (RIGHT, 0.5, NEAR), (KIDNEY, 0.3, A), (REN, 0.4, NEAR), (ZEBRA, 0.2, FAR)
    )


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        pytest.param(
            dict(nms=dict(rivals='sides')),
            [
                ('left kidney', 0.6, 'label'),
                ('ren', 0.4, 'class'),
                ('zebra', 0.2, ''),
            ],
            id='suppression',
        ),
        pytest.param(
            dict(nms=dict(synonyms=False)),
            [
                *(('left kidney', 0.6, 'label'), ('right kidney', 0.5, 'label')),
                *(('ren', 0.4, 'class'), ('kidney', 0.3, 'class'), ('zebra', 0.2, '')),
            ],
            id='synonyms-apart',
        ),
        # The rival has left before scores become consistent, so ren is raised for the left kidney.
        pytest.param(
            dict(nms=dict(rivals='sides'), consistent='raise'),
            [('ren', 0.6, 'class'), ('left kidney', 0.6, 'label'), ('zebra', 0.2, '')],
            id='rivals-before-consistency',
        ),
        # Raised before the label backs off.
        pytest.param(
            dict(nms=dict(), consistent='raise', back_off=0.55),
            [('ren', 0.6, 'class'), ('left kidney', 0.6, 'label')],
            id='consistency-before-back-off',
        ),
        pytest.param(
            dict(nms=dict(nested='finest'), consistent='raise', back_off=0.55),
            [('left kidney', 0.6, 'label')],
            id='nested-last',
        ),
        pytest.param(
            dict(level='region', combine='noisy_or', back_off=dict(threshold=0.45)),
            [('abdomen', 0.8, 'region')],
            id='level-after-back-off',
        ),
    ],
)
def test_order(found, options, expected):
    assert answers(options, found) == expected


def test_answers_that_back_off_stay_consistent(boxes):
    prompt = prompt_from_phrases(['left kidney', 'right kidney', 'abdomen'])
    rule = HierarchyRule(consistent='raise', back_off=BackOff(0.6, 'noisy_or'))
    family = rule.family(prompt, None)
    result = rule.answer(boxes((0, 0.5, A), (1, 0.5, NEAR), (2, 0.7, A)), family)
    # The kidney, at 0.75, was not asked; the abdomen was, and must be as sure.
    assert list(zip(result.label_names, result.scores.tolist(), strict=True)) == [
        ('abdomen', 0.75),
        ('kidney', 0.75),
    ]
    assert inconsistent_pairs(result, family) == 0


def test_split(found):
    rule = HierarchyRule(level='region')
    family = rule.family(PROMPT, 'ct')
    own, above = split_answers(rule.answer(found, family), family)
    assert own.label_names == ['zebra']
    assert own.labels.tolist() == [ZEBRA]
    assert (above.nodes, above.label_names, above.levels) == (['abdomen'], ['abdomen'], ['region'])
    assert 'labels' not in above
    own, above = split_answers(rule.answer(found, family), family, most=0)
    assert (len(own), len(above)) == (0, 1)


def test_what_is_asked_above():
    rule = HierarchyRule(ask_parents=True)
    family = rule.family(PROMPT, 'ct')
    assert rule.prompt_above(family).phrases == ('abdomen',)
    full = rule.family(prompt_from_phrases(['left kidney', 'kidney', 'abdomen']), 'ct')
    assert rule.prompt_above(full) is None
    caption = prompt_from_caption('Cyst of the left kidney', [[[12, 23]]])
    assert rule.prompt_above(rule.family(caption, 'ct')) is None
    silent = HierarchyRule()
    assert silent.prompt_above(silent.family(PROMPT, 'ct')) is None


def test_no_boxes(boxes):
    options = dict(
        level='class', consistent='lower', back_off=0.5, nms=dict(rivals='siblings', nested='best')
    )
    assert answers(options, boxes()) == []


def test_options_of_a_config(tmp_path):
    assert HierarchyRule.from_test_cfg(None) is None
    rule = HierarchyRule.from_test_cfg(
        dict(
            back_off=dict(threshold=dict(label=0.5, region=0.2) | {'class': 0.3}),
            nms=dict(nested='best', iou_threshold=0.4),
        )
    )
    assert rule.back_off.of_depth(1) == 0.3
    assert rule.nms == Suppression(nested='best', iou_threshold=0.4)
    file = tmp_path / 'labels.yaml'
    file.write_text(
        'format: 1\nmodalities: {ct: {name: CT}}\nregions:\n  farm:\n    name: farm\n    classes:\n'
        '      equine:\n        name: equine\n        modalities: [ct]\n'
        '        labels: {zebra: {name: zebra}}\n'
    )
    own = HierarchyRule.from_test_cfg(dict(ontology=str(file), level='region'))
    assert own.family(PROMPT, 'ct').levels[ZEBRA] == 'label'
    assert own.family(PROMPT, 'ct').levels[LEFT] is None


def test_missing_ontology():
    with pytest.raises(FileNotFoundError):
        HierarchyRule.from_test_cfg(dict(ontology='nowhere.yaml'))
