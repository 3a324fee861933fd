"""A mention: its side, its attributes, its labels."""

import pytest

from mmdet_medglip.text import parse_report


@pytest.mark.parametrize(
    ('text', 'side'),
    [
        pytest.param('left effusion', 'left', id='before'),
        pytest.param('Effusion on the right', 'right', id='behind'),
        pytest.param('Mass in the left lung', 'left', id='by-its-place'),
        pytest.param('Bilateral effusions', 'bilateral', id='bilateral'),
        pytest.param('Bibasilar atelectasis', 'bilateral', id='in-one-word'),
        pytest.param('Effusions, left greater than right', 'bilateral', id='both-said'),
        pytest.param('Opacities in both lung bases', 'bilateral', id='both'),
        pytest.param('RUL opacity', 'right', id='by-its-abbreviation'),
        pytest.param('Right effusion compared to the left', 'right', id='not-by-comparison'),
        pytest.param('Effusion', None, id='none'),
    ],
)
def test_sides(text, side):
    assert parse_report(text).mentions[0].side == side


def test_attributes_by_kind():
    text = 'Two mild, round, red, calcified, focal, chronic, degenerative 5 x 8 mm lesions'
    (mention,) = parse_report(text).mentions
    assert {a.kind: a.text for a in mention.attributes} == {
        'number': 'Two',
        'severity': 'mild',
        'shape': 'round',
        'colour': 'red',
        'texture': 'calcified',
        'extent': 'focal',
        'time': 'chronic',
        'nature': 'degenerative',
        'size': '5 x 8 mm',
    }
    assert mention.attributes[-1].millimetres == (5, 8)
    assert all(text[a.span[0] : a.span[1]] == a.text for a in mention.attributes)


def test_attributes_behind_the_name():
    (mention,) = parse_report('A polyp measuring 12 mm, sessile and red.').mentions
    assert [(a.kind, a.text) for a in mention.attributes] == [
        ('size', '12 mm'), ('shape', 'sessile'), ('colour', 'red'),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ('text', 'labels'),
    [
        pytest.param('Cyst in the left kidney', ('kidney_cyst',), id='place-decides'),
        pytest.param('Effusion', ('pleural_effusion', 'pericardial_effusion'), id='undecided'),
        pytest.param('left and right kidneys', ('kidney_right', 'kidney_left'), id='both-sides'),
        pytest.param('fractured left femur', ('femur_left',), id='side-decides'),
        pytest.param('Hiatal hernia', (), id='not-in-the-ontology'),
    ],
)
def test_labels(text, labels):
    assert parse_report(text).mentions[0].labels == labels
