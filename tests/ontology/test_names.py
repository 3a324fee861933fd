"""Forms of names."""

import pytest

from mmdet_medglip.ontology.names import (
    fold,
    plural_of,
    side_behind,
    side_of,
    swap_sides,
    without_side,
    word_set,
)


@pytest.mark.parametrize(
    ('name', 'key'),
    [
        pytest.param('  Left  Kidney ', 'left kidney', id='case-and-spaces'),
        pytest.param('kidney_left', 'kidney left', id='underscore'),
        pytest.param('X-ray', 'x ray', id='hyphen'),
        pytest.param('Nodule/Mass', 'nodule mass', id='slash'),
        pytest.param('kidney (left)', 'kidney left', id='brackets'),
        pytest.param('Tumour', 'tumor', id='our'),
        pytest.param('haemangioma', 'hemangioma', id='ae'),
        pytest.param('oesophageal', 'esophageal', id='oe'),
        pytest.param('optic disk', 'optic disc', id='disk'),
        pytest.param('grey matter', 'gray matter', id='grey'),
    ],
)
def test_fold(name: str, key: str) -> None:
    assert fold(name) == key
    assert fold(key) == key


@pytest.mark.parametrize(
    ('name', 'plural'),
    [
        ('kidney', 'kidneys'),
        ('ovary', 'ovaries'),
        ('fovea', 'foveas'),
        ('metastasis', 'metastases'),
        ('abscess', 'abscesses'),
        ('sinus', 'sinuses'),
        ('arch', 'arches'),
        ('costal cartilages', 'costal cartilages'),
        ('peripheral zone of the prostate', 'peripheral zones of the prostate'),
    ],
)
def test_plural_of(name: str, plural: str) -> None:
    assert plural_of(name) == plural


@pytest.mark.parametrize(
    ('name', 'side', 'without', 'behind', 'swapped'),
    [
        pytest.param('left kidney', 'left', 'kidney', 'kidney left', 'right kidney', id='in-front'),
        pytest.param(
            'upper right canine',
            'right',
            'upper canine',
            'upper canine right',
            'upper left canine',
            id='inside',
        ),
        pytest.param('liver', None, 'liver', 'liver', 'liver', id='no-side'),
        pytest.param(
            'left or right lung', None, 'or lung', 'left or right lung', 'right or left lung'
        ),
        pytest.param('cleft lip', None, 'cleft lip', 'cleft lip', 'cleft lip', id='part-of-a-word'),
    ],
)
def test_sides(name: str, side: str | None, without: str, behind: str, swapped: str) -> None:
    assert side_of(name) == side
    assert without_side(name) == without
    assert side_behind(name) == behind
    assert swap_sides(name) == swapped


def test_word_order_does_not_matter() -> None:
    assert word_set('portal vein') == word_set('Vein, portal') == 'portal vein'
