from pathlib import Path

from mmdet_medglip.datasets.meta_keys import GROUNDING_META_KEYS
from mmdet_medglip.datasets.record_info import record_info
from mmdet_medglip.datasets.vocabulary import Vocabulary
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.structures import Instance, Record


def info_of(**changes):
    instances = (
        Instance((0, 0, 4, 4), 'spleen', volume_instance_id='spleen'),
        Instance((1, 1, 5, 5), 'liver'),
    )
    record = Record('i', 8, 8, 'ct', 'set', 'p', instances=instances, **changes)
    labels = ('liver', 'spleen')
    vocabulary = Vocabulary.of(Ontology.default(), labels, {('ct', 'set'): set(labels)}, 'label')
    return record_info(record, Path('root'), vocabulary, masks=False, prefer='phrases')


def test_a_slice_says_which_and_of_what():
    info = info_of(series_id='s', slice_index=0)
    assert (info['series_id'], info['slice_index']) == ('s', 0)
    spleen, liver = info['instances']
    assert spleen['volume_instance_id'] == 'spleen'
    assert 'volume_instance_id' not in liver
    assert {'series_id', 'slice_index', 'instances'} <= set(GROUNDING_META_KEYS)


def test_an_image_of_no_volume_says_none():
    info = info_of()
    assert (info['series_id'], info['slice_index']) == (None, None)


def test_the_view_is_told():
    assert info_of(view='sagittal')['view'] == 'sagittal'
