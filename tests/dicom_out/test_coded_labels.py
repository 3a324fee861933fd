import pytest

from mmdet_medglip.dicom_out.coded_labels import SCHEME, coded_label
from mmdet_medglip.ontology import Ontology

ONTOLOGY = Ontology.default()


@pytest.mark.parametrize(
    ('label', 'kind', 'side', 'category'),
    [
        pytest.param('liver', ('10200004', 'SCT', 'liver'), None, '91723000', id='organ'),
        pytest.param(
            'kidney_left', ('64033007', 'SCT', 'kidney'), 'Left', '91723000', id='side-apart'
        ),
        pytest.param(
            'thyroid_nodule', ('237495005', 'SCT', 'thyroid nodule'), None, '49755003', id='lesion'
        ),
        pytest.param(
            'kidney_stone', ('kidney_stone', SCHEME, 'kidney stone'), None, '49755003', id='own'
        ),
    ],
)
def test_codes_of_labels(label, kind, side, category):
    found = coded_label(label, ONTOLOGY)
    assert tuple(found.kind)[:3] == kind
    assert (found.own.value, found.own.scheme_designator) == (label, SCHEME)
    assert (found.side.meaning if found.side else None) == side
    assert found.category.value == category


def test_every_label_has_codes_that_dicom_can_hold():
    for label in ONTOLOGY.labels:
        found = coded_label(label, ONTOLOGY)
        for code in (found.kind, found.own):
            assert 1 <= len(code.meaning) <= 64, label
            assert code.scheme_designator in ('SCT', 'RADLEX', SCHEME), label
            assert code.value.strip() == code.value != '', label
        assert (found.kind == found.own) == (found.kind.scheme_designator == SCHEME), label


def test_words_need_leave():
    with pytest.raises(ValueError, match='only written with allow_words=True'):
        coded_label('nodule of Mr Doe', ONTOLOGY)
    found = coded_label('a small nodule', ONTOLOGY, allow_words=True)
    assert tuple(found.kind)[:3] == ('words', SCHEME, 'a small nodule')
    with pytest.raises(ValueError, match='at most 64 characters, got 65'):
        coded_label('x' * 65, ONTOLOGY, allow_words=True)
