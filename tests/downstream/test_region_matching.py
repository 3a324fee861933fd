import pytest

from mmdet_medglip.downstream import match_regions


@pytest.mark.parametrize(
    ('entry', 'image_id'),
    [
        pytest.param('synpic1', 'synpic1', id='own_id'),
        pytest.param('vqa_rad/synpic1', 'synpic1', id='of_a_source'),
        pytest.param('rad/images/synpic1.jpg', 'synpic1', id='with_ending'),
        pytest.param('slake/xmlab1/source', 'xmlab1', id='named_by_its_folder'),
    ],
)
def test_finds(make_regions, entry, image_id):
    regions = {entry: make_regions(entry, ('x', 0.5, (0, 0, 2, 2))), 'b': make_regions('b')}
    found = match_regions(regions, [image_id, image_id])
    assert list(found) == [image_id]
    assert found[image_id].image_id == image_id
    assert found[image_id].labels == ('x',)


def test_the_own_id_comes_first(make_regions):
    regions = {name: make_regions(name) for name in ('a', 's/a', 't/a')}
    assert match_regions(regions, ['a'])['a'] is not None


@pytest.mark.parametrize(
    ('entries', 'message'),
    [
        pytest.param(['s/a', 't/a'], "may be any of 2 entries .* 's/a' and 't/a'", id='two'),
        pytest.param(['s/ab'], "1 images have no entry .* first is 'a'; .* 's/ab'", id='no_part'),
        pytest.param([], 'entries are such as none', id='none'),
    ],
)
def test_refuses(make_regions, entries, message):
    with pytest.raises(ValueError, match=message):
        match_regions({name: make_regions(name) for name in entries}, ['a'])
