"""Groups are asked only where all of them is annotated."""

from mmdet_medglip.datasets.label_groups import complete_groups
from mmdet_medglip.ontology import Ontology

ONTOLOGY = Ontology.default()
BOTH = ('kidney_left', 'kidney_right')


def test_members_in_the_order_of_the_labels():
    assert ONTOLOGY.grouped(['liver', 'kidney_right', 'kidney_left', 'heart']) == {
        'heart_structure': ('heart',),
        'hepatobiliary_organ': ('liver',),
        'kidney': ('kidney_right', 'kidney_left'),
        'chest': ('heart',),
        'abdomen': ('liver', 'kidney_right', 'kidney_left'),
    }
    assert ONTOLOGY.grouped([]) == {}


def test_a_source_that_annotates_a_part_is_not_asked_for_the_whole():
    usage = {
        ('ct', 'organs'): ('liver', *BOTH),
        ('ct', 'kidneys'): BOTH,
        ('ct', 'left'): ('kidney_left',),
        ('mri', 'left'): ('kidney_left',),
    }
    assert complete_groups(ONTOLOGY, usage, ('liver', *BOTH)) == {
        ('ct', 'organs'): ('hepatobiliary_organ', 'kidney', 'abdomen'),
        ('ct', 'kidneys'): ('kidney',),
        ('ct', 'left'): (),
        ('mri', 'left'): ('kidney', 'abdomen'),  # nothing else is annotated in MRI
    }


def test_a_label_that_is_left_out_takes_its_groups_with_it():
    usage = {('ct', 'organs'): ('liver', *BOTH)}
    assert complete_groups(ONTOLOGY, usage, ('liver', 'kidney_left')) == {
        ('ct', 'organs'): ('hepatobiliary_organ',)
    }
