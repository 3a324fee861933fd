import numpy as np
import pytest
from PIL import Image

from mmdet_medglip.ingest.data_card.drawing import draw_grid, draw_record, network_view, regions_of
from mmdet_medglip.ingest.masks import encode_rle
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.structures import Instance, Record

GREY = np.full((100, 100, 3), 90, dtype=np.uint8)
BOX = (20, 30, 60, 80)


def _regions(*instances: Instance, only: str | None = None):
    record = Record('a', 100, 100, 'ct', 's', 'p', instances=instances)
    return regions_of(record, Ontology.default(), only)


def _draw(*instances: Instance, side: int = 100, **options) -> np.ndarray:
    return np.asarray(draw_record(GREY, _regions(*instances), side=side, **options))


def test_lines_lie_outside_the_box() -> None:
    picture = _draw(Instance(BOX, 'liver'))
    inside = picture[30:80, 20:60]
    assert (inside == 90).all()
    for line in (picture[30:80, 19], picture[30:80, 60], picture[80, 20:60]):
        assert (line != 90).any(axis=-1).all()


def test_masks_are_outlined() -> None:
    mask = np.zeros((100, 100), dtype=bool)
    mask[40:60, 30:50] = True
    instance = Instance(BOX, 'liver', mask=encode_rle(mask))
    drawn = _draw(instance, outlines=True)
    plain = _draw(instance, outlines=False)
    changed = np.argwhere((drawn != plain).any(axis=-1))
    assert (changed.min(axis=0) >= (38, 28)).all()
    assert (changed.max(axis=0) <= (61, 51)).all()
    assert (drawn[45:55, 35:45] == 90).all()


def test_regions_have_names_numbers_and_one_colour_per_name() -> None:
    regions = _regions(
        Instance((0, 0, 5, 5), 'kidney_stone'),
        Instance((0, 0, 50, 50), 'liver'),
        Instance((9, 9, 12, 12), 'kidney_stone'),
        Instance((1, 1, 2, 2), phrase='a\nspot \u202e'),
    )
    assert [region.name for region in regions] == [
        'liver',
        'kidney stone',
        'kidney stone',
        'a spot',
    ]
    assert [region.number for region in regions] == [2, 1, 1, 3]
    assert len({region.colour for region in regions}) == 3


def test_only_one_label_is_drawn() -> None:
    boxes = (Instance(BOX, 'liver'), Instance(BOX, 'kidney_stone'))
    assert [region.name for region in _regions(*boxes, only='liver')] == ['liver']


@pytest.mark.parametrize(
    'boxes',
    [
        pytest.param([], id='none'),
        pytest.param([(0, 0, 100, 100)], id='whole image'),
        pytest.param([(99.5, 99.5, 100, 100)], id='last half pixel'),
        pytest.param([(0, 0, 1e-3, 1e-3)] * 30, id='many tiny'),
        pytest.param([(n, n, n + 20, n + 20) for n in range(40)], id='many overlapping'),
    ],
)
@pytest.mark.parametrize('side', [32, 240])
def test_any_boxes_can_be_drawn(boxes: list, side: int) -> None:
    labels = Ontology.default().labels
    instances = [Instance(box, labels[n]) for n, box in enumerate(boxes)]
    picture = _draw(*instances, side=side, title=('an id ' * 20, 's'))
    assert picture.shape[1] == side


def test_legends_are_cut_and_say_how_much() -> None:
    labels = Ontology.default().labels[:30]
    instances = [Instance((n, n, n + 9, n + 9), label) for n, label in enumerate(labels)]
    short = _draw(*instances, side=240, legend_lines=2)
    whole = _draw(*instances, side=240, legend_lines=None)
    assert short.shape[0] < whole.shape[0]
    assert _draw(*instances, side=240, legend_lines=0).shape[0] < short.shape[0]


def test_wide_images_keep_their_shape() -> None:
    image = np.zeros((10, 400, 3), dtype=np.uint8)
    assert draw_record(image, (), side=200).size == (200, 5 + 6)


def test_images_are_drawn_as_the_network_sees_them(make_store) -> None:
    record = Record('a', 2, 2, 'ct', 's', 'p', rescale_type='HU', rescale_intercept=-1000.0)
    store = make_store([record])
    # Soft tissue: -160 HU is black, 240 HU is white.
    Image.fromarray(np.array([[0, 840], [1040, 1240]], np.uint16)).save(store.image_path(store[0]))
    view = network_view(store, store[0])
    assert view.dtype == np.uint8
    assert view[..., 0].tolist() == [[0, 0], [128, 255]]


def test_grids() -> None:
    tiles = [Image.new('RGB', (10, height)) for height in (10, 20, 5)]
    assert draw_grid(tiles, 2).size == (2 * 16 + 6, 20 + 5 + 3 * 6)
    assert draw_grid(tiles[:1], 4).size == (22, 22)
    with pytest.raises(ValueError, match='Expected a picture and a column'):
        draw_grid([], 2)
