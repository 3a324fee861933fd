import pytest

from mmdet_medglip.evaluation.functional import LabelTree
from mmdet_medglip.ontology import Ontology


def test_labels_keep_their_numbers_and_what_is_above_follows():
    tree = LabelTree.of_labels(Ontology.default(), ['liver', 'kidney_left', 'kidney_right'])
    assert tree.ids[:3] == ('liver', 'kidney_left', 'kidney_right')
    assert set(tree.ids[3:]) == {'hepatobiliary_organ', 'kidney', 'abdomen'}
    assert tree.levels == ('label', 'label', 'label', 'class', 'class', 'region')
    number = tree.index
    assert tree.ancestors[1] == (number['kidney'], number['abdomen'])
    assert tree.ancestors[number['kidney']] == (number['abdomen'],)
    assert tree.ancestors[number['abdomen']] == ()


def test_groups_may_be_among_the_labels():
    tree = LabelTree.of_labels(Ontology.default(), ['kidney', 'kidney_left'])
    assert tree.ids == ('kidney', 'kidney_left', 'abdomen')
    assert tree.ancestors == ((2,), (0, 2), ())


def test_unknown_id():
    with pytest.raises(ValueError, match="Unknown id 'kidny'"):
        LabelTree.of_labels(Ontology.default(), ['kidny'])
