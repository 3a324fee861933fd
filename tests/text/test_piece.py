"""Pieces of a sentence: terms, measures, masks."""

import pytest

from mmdet_medglip.text.report import read_sentence


@pytest.mark.parametrize(
    ('text', 'millimetres'),
    [
        pytest.param('5 mm', (5,), id='one'),
        pytest.param('2.5cm', (25,), id='no-blank'),
        pytest.param('1,5 cm', (15,), id='decimal-comma'),
        pytest.param('1.2 x 3 cm', (12, 30), id='last-unit-counts-for-all'),
        pytest.param('3 mm x 1 cm', (3, 10), id='own-units'),
        pytest.param('4-6 mm', (4, 6), id='range'),
        pytest.param('20 microns', (0.02,), id='microns'),
    ],
)
def test_measures_are_one_piece_in_millimetres(text, millimetres):
    (piece,) = read_sentence(text)
    assert piece.kind('measure') == 'size'
    assert piece.millimetres == pytest.approx(millimetres)


@pytest.mark.parametrize('text', ['5', '2 x 3', '9' * 5000 + ' mm'], ids=['bare', 'pair', 'absurd'])
def test_numbers_without_unit_are_no_measure(text):
    assert 'measure' not in read_sentence(text)[0].roles


def test_every_word_is_in_one_piece():
    pieces = read_sentence('Small left pleural effusion, XXXX 2 cm.')
    assert [piece.key for piece in pieces] == [
        'small', 'left', 'pleural effusion', ',', 'xxxx', '2 cm', '.',
    ]  # fmt: skip
    assert pieces[4].kind('mask') == 'mask'
