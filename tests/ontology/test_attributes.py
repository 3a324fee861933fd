"""What labels look like and where they lie, and which are easily confused."""

import re
from typing import Any

import pytest

from mmdet_medglip.ontology import Attributes, Ontology
from mmdet_medglip.ontology.names import fold

_ONTOLOGY = Ontology.default()


def _own(attributes: Any) -> dict[str, Any]:
    organs = {
        'kidney_{side}': {'name': 'kidney'},
        'liver': {'name': 'liver'},
        'stone': {'name': 'stone'},
    }
    group = {'name': 'organ', 'modalities': ['ct'], 'labels': organs}
    return {
        'format': 1,
        'modalities': {'ct': {'name': 'CT'}},
        'regions': {'belly': {'name': 'belly', 'classes': {'organ': group}}},
        'attributes': attributes,
    }


def test_a_label_has_what_is_said_above_it_unless_it_says_otherwise() -> None:
    ontology = Ontology(
        _own(
            {
                'belly': {'location': ['belly'], 'kind': 'thing'},
                'organ': {'kind': 'organ', 'texture': ['smooth']},
                'kidney_{side}': {'shape': ['oval'], 'location': ['back']},
                'kidney_left': {'location': ['left side']},
            }
        )
    )
    right = Attributes('organ', shape=('oval',), texture=('smooth',), location=('back',))
    assert ontology.attributes('kidney_right') == right
    assert ontology.attributes('liver') == Attributes(
        'organ', texture=('smooth',), location=('belly',)
    )
    assert ontology.attributes('belly') == Attributes('thing', location=('belly',))


def test_the_later_of_two_entries_for_a_side_replaces_it() -> None:
    ontology = Ontology(
        _own({'kidney_{side}': {'kind': 'organ'}, 'kidney_left': {'shape': ['oval']}})
    )
    assert ontology.attributes('kidney_left') == Attributes(shape=('oval',))
    assert ontology.attributes('kidney_right') == Attributes('organ')


def test_nothing_is_known_without_attributes() -> None:
    data = _own({})
    del data['attributes']
    assert Ontology(data).attributes('liver') == Attributes()


def test_attributes_do_not_change_what_names_mean() -> None:
    assert Ontology(_own({'liver': {'kind': 'organ'}})).digest == Ontology(_own({})).digest


@pytest.mark.parametrize(
    ('attributes', 'message'),
    [
        pytest.param({'lever': {'kind': 'organ'}}, r'attributes\.lever.*id of a label', id='id'),
        pytest.param({'liver': {'size': ['big']}}, r'attributes\.liver\.size.*known are', id='key'),
        pytest.param({'liver': {'shape': 'oval'}}, r'liver\.shape.*list of words', id='no list'),
        pytest.param({'liver': {'kind': ['organ']}}, r'liver\.kind.*must be words', id='list'),
        pytest.param({'liver': 'organ'}, r'attributes\.liver.*mapping', id='no mapping'),
    ],
)
def test_faults_name_the_key(attributes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Ontology(_own(attributes))


def test_unknown_id_is_an_error() -> None:
    with pytest.raises(ValueError, match='lever'):
        _ONTOLOGY.attributes('lever')


def test_look_alikes_are_of_one_class_or_of_one_kind_and_look() -> None:
    ontology = Ontology(
        _own(
            {
                'liver': {'kind': 'organ', 'shape': ['round', 'large']},
                'stone': {'kind': 'spot', 'shape': ['round']},
            }
        )
    )
    assert ontology.look_alikes('liver') == ('kidney_left', 'kidney_right', 'stone')
    assert 'gallstone' in _ONTOLOGY.look_alikes('kidney_stone')  # a round concretion, too
    assert 'liver' not in _ONTOLOGY.look_alikes('kidney_stone')
    assert 'kidney_stone' not in _ONTOLOGY.look_alikes('kidney_stone')


@pytest.mark.parametrize('label', ['kidney_stone', 'polyp', 'optic_disc', 'lung_left'])
def test_looking_alike_is_mutual(label: str) -> None:
    alike = _ONTOLOGY.look_alikes(label)
    assert alike
    assert all(label in _ONTOLOGY.look_alikes(other) for other in alike)


def test_every_label_of_the_package_can_be_described() -> None:
    bare = [i for i in _ONTOLOGY.labels if not _ONTOLOGY.attributes(i).kind]
    nowhere = [i for i in _ONTOLOGY.labels if not _ONTOLOGY.attributes(i).location]
    assert (bare, nowhere) == ([], [])


def test_words_are_words_and_no_kind_is_a_name() -> None:
    for label in _ONTOLOGY.labels:
        said = _ONTOLOGY.attributes(label)
        words = (said.kind, *said.colour, *said.shape, *said.texture, *said.location)
        assert all(re.fullmatch(r'[A-Za-z]+(?:[ -][a-z]+)*', word) for word in words), label
        names = (_ONTOLOGY.display_name(label), *_ONTOLOGY.synonyms(label))
        assert fold(said.kind) not in map(fold, names), label
