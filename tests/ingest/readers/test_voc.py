"""Pascal VOC XML."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmdet_medglip.ingest.readers import RecipeError, VocReader

_BOX = '<bndbox><xmin>2</xmin><ymin>1</ymin><xmax>5</xmax><ymax>3</ymax></bndbox>'


def _object(inner: str = _BOX, name: str = '<name>polyp</name>') -> str:
    return f'<object>{name}{inner}</object>'


def _size(width: Any = 8, height: Any = 6) -> str:
    return f'<size><width>{width}</width><height>{height}</height><depth>1</depth></size>'


@pytest.fixture
def read(tmp_path: Path, save: Callable, common: dict) -> Callable:
    """Write an image of 6 x 8 pixels and its XML; returns the images and the rejects."""

    def _read(xml: str | bytes | None, **options: Any) -> tuple[list, list]:
        save(tmp_path / 'JPEGImages' / 'a.jpg', np.zeros((6, 8), dtype=np.uint8))
        (tmp_path / 'Annotations').mkdir(exist_ok=True)
        if xml is not None:
            data = xml if isinstance(xml, bytes) else f'<annotation>{xml}</annotation>'.encode()
            (tmp_path / 'Annotations' / 'a.xml').write_bytes(data)
        reader = VocReader(tmp_path, **(common | options))
        found = [image for item in reader.items() for image in reader.read(item)]
        return found, reader.take_rejects()

    return _read


@pytest.mark.parametrize(
    ('convention', 'box'),
    [
        pytest.param('voc', (1, 0, 5, 3), id='first-pixel-is-1-and-last-belongs'),
        pytest.param('corners', (2, 1, 5, 3), id='corners-from-0'),
    ],
)
def test_box(read: Callable, convention: str, box: tuple) -> None:
    [image], rejects = read(_size() + _object(), convention=convention)
    [region] = image.regions
    assert (region.name, region.bbox, region.is_object) == ('polyp', box, True)
    assert (image.name, image.size, rejects) == ('a', (6, 8), [])


def test_declared_encoding_is_followed(read: Callable) -> None:
    text = f'<?xml version="1.0" encoding="latin-1"?><annotation>{_object(name="<name>é</name>")}'
    [image], _ = read(f'{text}</annotation>'.encode('latin-1'))
    assert image.regions[0].name == 'é'


def test_numbers_are_passed_on_as_they_are(read: Callable) -> None:
    box = _BOX.replace('>5<', '>99.5<').replace('>2<', '>inf<')
    [image], _ = read(_object(box), convention='corners')
    assert image.regions[0].bbox == (float('inf'), 1, 99.5, 3)


@pytest.mark.parametrize(
    ('given', 'detail'),
    [
        pytest.param(_object(name=''), "object 1: it lacks 'name'", id='no-name'),
        pytest.param(_object(''), "bndbox/xmin must be a number, got ''", id='no-box'),
        pytest.param(_object(_BOX.replace('>3<', '>x<')), 'ymax must be a number', id='word'),
    ],
)
def test_bad_object_is_a_reject_and_the_others_stay(
    read: Callable, given: str, detail: str
) -> None:
    [image], [reject] = read(given + _object())
    assert len(image.regions) == 1
    assert (reject.file, reject.reason) == ('Annotations/a.xml', 'region cannot be read')
    assert detail in reject.detail


def test_marked_objects_can_be_left_out(read: Callable) -> None:
    xml = _object(f'<difficult>1</difficult>{_BOX}') + _object(f'<difficult>0</difficult>{_BOX}')
    assert len(read(xml)[0][0].regions) == 2
    [image], [reject] = read(xml, skip=['difficult'])
    assert len(image.regions) == 1
    assert reject.reason == 'marked object is left out by the recipe'


@pytest.mark.parametrize(
    ('xml', 'images', 'reasons'),
    [
        pytest.param('', 1, [], id='no-object-is-negative'),
        pytest.param(None, 0, ['annotation file is missing'], id='no-file-is-skipped'),
    ],
)
def test_no_region(read: Callable, xml: str | None, images: int, reasons: list[str]) -> None:
    found, rejects = read(xml)
    assert [image.regions for image in found] == [()] * images
    assert [reject.reason for reject in rejects] == reasons


def test_size_of_0_is_no_size(read: Callable) -> None:
    assert len(read(_size(0, 0))[0]) == 1


_LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
    b'<annotation><object><name>&b;</name></object></annotation>'
)
_OUTSIDE = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    b'<annotation><object><name>&a;</name></object></annotation>'
)


@pytest.mark.parametrize(
    ('xml', 'message'),
    [
        pytest.param(f'<annotation>{_size(9)}</annotation>'.encode(), '9 x 6 px', id='size'),
        pytest.param(b'<annotation><object>', 'not valid XML', id='truncated'),
        pytest.param(b'', 'not valid XML', id='empty'),
        pytest.param(b'<html/>', 'expected <annotation>, got <html>', id='other-root'),
        pytest.param(_LAUGHS, 'is refused', id='entity-bomb'),
        pytest.param(_OUTSIDE, 'is refused', id='external-entity'),
        pytest.param(b'<annotation>\xe9</annotation>', 'not valid XML', id='not-utf-8'),
        pytest.param(b'<?xml version="1.0" encoding="x"?><a/>', 'not valid', id='encoding'),
    ],
)
def test_file_that_cannot_be_read(read: Callable, xml: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=rf'a\.xml .*{message}'):
        read(xml)


def test_xml_of_no_image_is_a_reject(tmp_path: Path, read: Callable) -> None:
    (tmp_path / 'Annotations').mkdir()
    (tmp_path / 'Annotations' / 'b.xml').touch()
    _, [reject] = read('')
    assert (reject.file, reject.reason) == ('Annotations/b.xml', 'annotation file without image')


@pytest.mark.parametrize(
    'options',
    [{'convention': 'coco'}, {'skip': ['hard']}, {'unannotated': 'keep'}],
    ids=['convention', 'skip', 'unannotated'],
)
def test_bad_options(read: Callable, options: dict) -> None:
    with pytest.raises(RecipeError, match=f"'{next(iter(options))}'"):
        read('', **options)
