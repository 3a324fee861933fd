import math

import pytest

from mmdet_medglip.visualization.legend import DIM, LegendEntry, legend_rows, listed
from mmdet_medglip.visualization.lettering import font_for

FONT = font_for(768)
PHRASES = [
    *('liver', 'spleen', 'left kidney', 'right kidney', 'aorta', 'inferior vena cava'),
    *('portal vein and splenic vein', 'pancreas', 'gallbladder', 'stomach', 'duodenum'),
    *('left adrenal gland', 'right adrenal gland', 'oesophagus', 'urinary bladder'),
    'hypodense lesion in the right hepatic lobe, next to the inferior vena cava',
]


@pytest.mark.parametrize('width', [304, 752])
def test_every_phrase_of_a_list_can_be_read(width):
    rows = legend_rows(listed('not found:', PHRASES, DIM), width, FONT)
    texts = [entry.text for row in rows for _, entry in row]
    assert ' '.join(texts) == f'not found: {", ".join(PHRASES)}'
    for row in rows:
        left, last = row[-1]
        assert left + math.ceil(FONT.getlength(last.text)) <= width


def test_a_list_begins_a_row_and_an_empty_one_has_no_heading():
    rows = legend_rows([LegendEntry('liver'), *listed('not found:', ['cyst'], DIM)], 752, FONT)
    assert [[entry.text for _, entry in row] for row in rows] == [['liver'], ['not found:', 'cyst']]
    assert listed('not found:', [], DIM) == []


def test_a_word_longer_than_a_row_is_cut():
    ((_, entry),) = legend_rows([LegendEntry('w' * 300)], 304, FONT)[0]
    assert '…' in entry.text
    assert FONT.getlength(entry.text) <= 304
