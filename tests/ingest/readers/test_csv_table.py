"""Boxes in csv tables."""

import json
import math
import pickle
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmdet_medglip.ingest.label_map import LabelMap
from mmdet_medglip.ingest.readers import CsvReader, RecipeError
from mmdet_medglip.ingest.readers.csv_file import CsvTable
from mmdet_medglip.ontology import Ontology

_XYXY = {'image': 'name', 'label': 'what', 'x1': 'x1', 'y1': 'y1', 'x2': 'x2', 'y2': 'y2'}


@pytest.fixture
def read(tmp_path: Path, save: Callable, common: dict) -> Callable:
    """Write images a and b of 6 x 8 pixels and a table; returns the images and the rejects."""

    def _read(table: str | bytes, files: str = 'ab', **options: Any) -> tuple[list, list]:
        for name in files:
            if not (tmp_path / 'img' / f'{name}.png').exists():
                save(tmp_path / 'img' / f'{name}.png', np.zeros((6, 8), dtype=np.uint8))
        (tmp_path / 'boxes.csv').write_bytes(table if isinstance(table, bytes) else table.encode())
        given = {'annotations': 'boxes.csv', 'images': 'img/{image}.png', 'columns': _XYXY}
        reader = CsvReader(tmp_path, **(given | common | options))
        found = [image for item in reader.items() for image in reader.read(item)]
        return found, reader.take_rejects()

    return _read


def test_rows_of_an_image_need_not_be_neighbours(read: Callable) -> None:
    table = 'name,what,x1,y1,x2,y2\nb,polyp,1,2,3,4\na,ulcer,0,0,8,6\n\nb,"pol,yp",2.5,2,3,nan\n'
    [first, second], rejects = read(table)
    assert rejects == []
    assert [(image.name, image.size) for image in (first, second)] == [
        ('img/a', (6, 8)),
        ('img/b', (6, 8)),
    ]
    assert [(r.name, r.bbox, r.mask, r.is_object) for r in first.regions] == [
        ('ulcer', (0, 0, 8, 6), None, True)
    ]
    assert [r.name for r in second.regions] == ['polyp', 'pol,yp']
    assert second.regions[0].bbox == (1, 2, 3, 4)
    assert math.isnan(second.regions[1].bbox[3])


@pytest.mark.parametrize(
    ('columns', 'cells', 'options', 'box'),
    [
        pytest.param({'x': 1, 'y': 2, 'w': 3, 'h': 4}, '1,2,3,4', {}, (1, 2, 4, 6), id='xywh'),
        pytest.param({'cx': 1, 'cy': 2, 'w': 3, 'h': 4}, '4,3,2,1', {}, (3, 2.5, 5, 3.5), id='cx'),
        pytest.param({'bbox': 1}, '"1, 2, 3, 4"', {}, (1, 2, 3, 4), id='text'),
        pytest.param({'bbox': 1}, '"[1,2,3,4]"', {'bbox': 'xywh'}, (1, 2, 4, 6), id='list'),
        pytest.param(
            {'x1': 1, 'y1': 2, 'x2': 3, 'y2': 4},
            '0.25,0.5,1,1',
            {'coordinates': 'relative'},
            (2, 3, 8, 6),
            id='relative',
        ),
    ],
)
def test_kinds_of_box(read: Callable, columns: dict, cells: str, options: dict, box: tuple) -> None:
    columns = {'image': 0} | columns
    options = {'label': 'polyp', 'header': False} | options
    [image], _ = read(f'a,{cells}\n', columns=columns, **options)
    assert [region.bbox for region in image.regions] == [box]


def test_several_boxes_in_a_cell(read: Callable) -> None:
    table = 'a;(1, 2, 3, 4) (5, 6, 7, 8)\n'
    columns = {'image': 0, 'bbox': 1}
    [image], _ = read(table, columns=columns, label='polyp', header=False, delimiter=';')
    assert [region.bbox for region in image.regions] == [(1, 2, 3, 4), (5, 6, 7, 8)]


def test_facts_of_the_image(read: Callable) -> None:
    table = 'a,1,2,3,4,p7,2,"0.5, 0.25, 5","-175, 275",31,R9,a nodule\na,1,2,3,4,,,,,x,R8,\n'
    roles = ('x1', 'y1', 'x2', 'y2', 'patient', 'split', 'spacing', 'window', 'slice', 'annotator')
    columns = {'image': 0} | {role: place for place, role in enumerate(roles, start=1)}
    columns |= {'phrase': 11}
    [image], [reject] = read(table, columns=columns, label='polyp', header=False, files='a')
    assert (image.patient, image.folder, image.slice_index) == ('p7', '2', 31)
    assert image.spacing_mm == (0.25, 0.5)
    assert image.window == (50, 450)
    assert [(r.annotator, r.phrase) for r in image.regions] == [('R9', 'a nodule'), ('R8', None)]
    assert reject.reason == 'fact cannot be read'


def test_negatives(read: Callable) -> None:
    table = 'name,what,x1,y1,x2,y2\na,No finding,,,,\nb,No finding,0,0,1,1\n'
    found, rejects = read(table, no_finding=['No finding'])
    assert [image.regions for image in found] == [(), ()]
    assert rejects == []


def test_rows_without_box(read: Callable) -> None:
    table = 'name,what,x1,y1,x2,y2\na,polyp,,,,\nb\n'
    found, rejects = read(table)
    assert [image.regions for image in found] == [(), ()]
    assert [reject.detail for reject in rejects] == [
        "row at byte 22: 'polyp' has no box",
        'row at byte 34: it has no label',
    ]
    columns = {role: column for role, column in _XYXY.items() if role != 'label'}
    found, rejects = read(table, columns=columns, label='polyp')
    assert [image.regions for image in found] == [(), ()]
    assert rejects == []


@pytest.mark.parametrize(
    ('cells', 'detail'),
    [
        pytest.param('1,2,x,4', 'box must be numbers', id='word'),
        pytest.param('1,2,,4', 'box must be numbers', id='one-empty'),
    ],
)
def test_bad_row_is_a_reject_and_the_others_stay(read: Callable, cells: str, detail: str) -> None:
    [image], [reject] = read(
        f'name,what,x1,y1,x2,y2\na,polyp,{cells}\na,polyp,1,2,3,4\n', files='a'
    )
    assert len(image.regions) == 1
    assert (reject.file, reject.reason) == ('boxes.csv', 'region cannot be read')
    assert reject.detail.startswith(f'row at byte 22: {detail}')


@pytest.mark.parametrize(
    ('name', 'detail'),
    [
        pytest.param('gone', "0 images fit 'img/gone.png'", id='missing'),
        pytest.param('../../etc/passwd', "free of '..'", id='outside'),
        pytest.param('*', "0 images fit 'img/[*].png'", id='glob'),
    ],
)
def test_rows_without_image_are_counted(read: Callable, name: str, detail: str) -> None:
    row = f'{name},polyp,1,2,3,4\n'
    [image], [reject] = read(f'name,what,x1,y1,x2,y2\n{row}a,polyp,1,2,3,4\n{row}', files='a')
    assert image.name == 'img/a'
    assert (reject.file, reject.reason, reject.count) == ('boxes.csv', 'row without image', 2)
    assert detail in reject.detail


def test_images_without_row(read: Callable) -> None:
    table = 'name,what,x1,y1,x2,y2\nb,polyp,1,2,3,4\n'
    found, [reject] = read(table)
    assert [image.name for image in found] == ['img/b']
    assert (reject.file, reject.reason, reject.count) == ('img/a.png', 'image without row', 1)
    found, rejects = read(table, unannotated='negative')
    assert [(image.name, len(image.regions)) for image in found] == [('img/b', 1), ('img/a', 0)]
    assert rejects == []


def test_rows_left_out_by_the_recipe(read: Callable) -> None:
    table = 'name,what,x1,y1,x2,y2\na,polyp,1,2,3,4\na,ulcer,1,2,3,4\na,x,1,2,3,4\n'
    [image], [reject] = read(table, skip={'what': ['ulcer', 'x']}, files='a')
    assert [region.name for region in image.regions] == ['polyp']
    assert (reject.reason, reject.count) == ('row is left out by the recipe', 2)


def test_name_used_twice_is_a_reject(tmp_path: Path, save: Callable, read: Callable) -> None:
    save(tmp_path / 'img' / 'a.bmp', np.zeros((6, 8), dtype=np.uint8))
    table = 'name,what,x1,y1,x2,y2\na.png,polyp,1,2,3,4\na.bmp,polyp,0,0,3,4\nb.png,polyp,1,1,2,2\n'
    found, [reject] = read(table, images='img/{image}')
    assert [(image.name, len(image.regions)) for image in found] == [('img/a', 1), ('img/b', 1)]
    assert (reject.file, reject.reason) == ('img/a.png', 'name is used twice')
    assert found[1].regions[0].bbox == (1, 1, 2, 2)


@pytest.mark.parametrize(
    ('table', 'message'),
    [
        pytest.param(b'name,what,x1,y1,x2,y2\na,caf\xe9,1,2,3,4\n', 'at byte 27', id='latin-1'),
        pytest.param(b'name,what\xe9,x1\n', 'not UTF-8 at byte 9', id='header'),
        pytest.param(b'name,what,x1,y1,x2,y2\na,"polyp,1\n', 'not csv at byte 22', id='quote'),
        pytest.param(b'name,what,x1\n', "column 'y1' not", id='column'),
        pytest.param(b'name,name,what,x1,y1,x2,y2\n', "'name' twice", id='column-twice'),
        pytest.param(b'', 'is empty', id='empty'),
        pytest.param(b'name,what,x1,y1,x2,y2\na,' + b'x' * 5_000_000, 'over 4000000', id='line'),
    ],
)
def test_table_that_cannot_be_read(read: Callable, table: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=rf'boxes\.csv .*{message}'):
        read(table)


def test_other_encoding_can_be_named(read: Callable) -> None:
    [image], _ = read(b'name,what,x1,y1,x2,y2\na,caf\xe9,1,2,3,4\n', encoding='latin-1')
    assert image.regions[0].name == 'café'


def test_byte_order_mark_and_windows_lines(read: Callable) -> None:
    [image], _ = read(b'\xef\xbb\xbfname,what,x1,y1,x2,y2\r\na,polyp,1,2,3,4\r\n')
    assert image.regions[0].bbox == (1, 2, 3, 4)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        pytest.param({'label': 'polyp'}, "'label'", id='two-labels'),
        pytest.param({'images': '{folder}/{image}.png'}, r"\['folder'\]", id='field'),
        pytest.param({'columns': _XYXY | {'w': 1}}, 'columns of a box', id='mixed-box'),
        pytest.param({'columns': {'image': 0, 'label': 1, 'x1': 2}}, 'columns of', id='half-box'),
        pytest.param({'columns': _XYXY | {'bbox': 1}}, "'bbox'", id='box-twice'),
        pytest.param({'coordinates': 'mm'}, "'coordinates'", id='coordinates'),
        pytest.param({'delimiter': ', '}, "'delimiter'", id='delimiter'),
        pytest.param({'encoding': 'klingon'}, 'klingon', id='unknown-encoding'),
        pytest.param({'encoding': 'utf-16'}, 'agree with ASCII', id='wide-encoding'),
        pytest.param({'unannotated': 'keep'}, "'unannotated'", id='choice'),
    ],
)
def test_bad_options(read: Callable, options: dict, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        read('', **options)


def test_no_table(read: Callable) -> None:
    with pytest.raises(FileNotFoundError, match=r"no table fits '\*\.tsv'"):
        read('', annotations='*.tsv')


def test_items_are_a_plain_sequence(tmp_path: Path, read: Callable, common: dict) -> None:
    read('name,what,x1,y1,x2,y2\nb,polyp,1,2,3,4\na,polyp,1,2,3,4\nb,ulcer,1,2,3,4\n')
    options = {'annotations': 'boxes.csv', 'images': 'img/{image}.png', 'columns': _XYXY}
    items = CsvReader(tmp_path, **options, **common).items()
    assert [item.name for item in items] == ['img/a.png', 'img/b.png']
    assert items[-1] == items[0:][1]
    assert items[1].files == ('img/b.png', 'boxes.csv')
    assert json.loads(json.dumps(items[1].payload)) == items[1].payload
    assert list(pickle.loads(pickle.dumps(items))) == list(items)
    with pytest.raises(IndexError, match='2 is out of range'):
        items[2]


def test_memory_is_bounded(tmp_path: Path, save: Callable, common: dict) -> None:
    for number in range(10):
        save(tmp_path / f'{number}.png', np.zeros((2, 2), dtype=np.uint8))
    rows = ''.join(f'{number},polyp,0,0,1,1\n' for number in range(10))
    with (tmp_path / 'boxes.csv').open('w') as file:
        for _ in range(5_000):
            file.write(rows)
    columns = dict(zip(('image', 'label', 'x1', 'y1', 'x2', 'y2'), range(6), strict=True))
    reader = CsvReader(
        tmp_path, annotations='boxes.csv', images='{image}.png', columns=columns, header=False,
        **common,
    )  # fmt: skip
    tracemalloc.start()
    items = reader.items()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(items[9].payload['rows']) == 5_000
    assert peak < 100 * 50_000


class TestKnownTables:
    """Headers and first rows as the data sets document them."""

    def _read(self, root: Path, common: dict, **options: Any) -> list:
        reader = CsvReader(root, **(common | options))
        found = [image for item in reader.items() for image in reader.read(item)]
        assert reader.take_rejects() == []
        return found

    def test_vindr_cxr(self, tmp_path: Path, save: Callable, common: dict) -> None:
        """VinDr-CXR: several radiologists a box, rows 'No finding' without a box."""
        for name in ('50a418190bc3fb1ef1633bf9678929b3', '9a5094b2563a1ef3ff50dc5c7ff71345'):
            save(tmp_path / 'train' / f'{name}.png', np.zeros((2336, 2080), dtype=np.uint16))
        (tmp_path / 'train.csv').write_text(
            'image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max\n'
            '50a418190bc3fb1ef1633bf9678929b3,No finding,14,R11,,,,\n'
            '9a5094b2563a1ef3ff50dc5c7ff71345,Cardiomegaly,3,R10,691.0,1375.0,1653.0,1831.0\n'
            '9a5094b2563a1ef3ff50dc5c7ff71345,Cardiomegaly,3,R8,690.0,1380.0,1650.0,1830.0\n'
        )
        columns = {'image': 'image_id', 'label': 'class_name', 'annotator': 'rad_id'}
        columns |= {'x1': 'x_min', 'y1': 'y_min', 'x2': 'x_max', 'y2': 'y_max'}
        negative, heart = self._read(
            tmp_path, common, annotations='train.csv', images='train/{image}.png',
            columns=columns, no_finding=['No finding'],
        )  # fmt: skip
        assert negative.regions == ()
        assert [(r.name, r.annotator) for r in heart.regions] == [
            ('Cardiomegaly', 'R10'),
            ('Cardiomegaly', 'R8'),
        ]
        assert heart.regions[0].bbox == (691, 1375, 1653, 1831)

    def test_rsna_pneumonia(self, tmp_path: Path, save: Callable, common: dict) -> None:
        """RSNA pneumonia: no label column; a row without a box is a negative."""
        for name in ('0004cfab', '00436515'):
            save(tmp_path / 'images' / f'{name}.png', np.zeros((1024, 1024), dtype=np.uint8))
        (tmp_path / 'stage_2_train_labels.csv').write_text(
            'patientId,x,y,width,height,Target\n0004cfab,,,,,0\n00436515,264.0,152.0,213.0,379.0,1\n'
        )
        labels = {'label_map': LabelMap({'pneumonia': None}, Ontology.default(), modality='xray')}
        negative, positive = self._read(
            tmp_path, common | labels, annotations='stage_2_train_labels.csv',
            images='images/{image}.png', label='pneumonia',
            columns={'image': 'patientId', 'patient': 'patientId', 'x': 'x', 'y': 'y',
                     'w': 'width', 'h': 'height'},
        )  # fmt: skip
        assert (negative.patient, negative.regions) == ('0004cfab', ())
        assert positive.regions[0].bbox == (264, 152, 477, 531)

    def test_nih_boxes(self, tmp_path: Path, save: Callable, common: dict) -> None:
        """NIH ChestX-ray14 BBox_List_2017.csv: a comma inside the header's name of the box."""
        name = '00013118_008.png'
        save(tmp_path / 'images_001' / 'images' / name, np.zeros((1024, 1024), dtype=np.uint8))
        (tmp_path / 'BBox_List_2017.csv').write_text(
            'Image Index,Finding Label,Bbox [x,y,w,h],,,\n'
            f'{name},Atelectasis,225.08,547.02,86.78,79.19,,,\n'
        )
        columns = {'image': 0, 'label': 1, 'x': 2, 'y': 3, 'w': 4, 'h': 5}
        [image] = self._read(
            tmp_path, common, annotations='BBox_List_2017.csv', columns=columns,
            images='images_*/images/{image}',
        )  # fmt: skip
        assert image.name == 'images_001/images/00013118_008'
        assert image.regions[0].bbox == pytest.approx((225.08, 547.02, 311.86, 626.21))

    def test_deeplesion(self, tmp_path: Path, save: Callable, common: dict) -> None:
        """DeepLesion DL_info.csv: box in one cell, file name in parts, 16-bit PNG."""
        pixels = np.full((512, 512), 32768 + 40, dtype=np.uint16)
        save(tmp_path / 'Images_png' / '000001_01_01' / '109.png', pixels)
        (tmp_path / 'DL_info.csv').write_text(
            'File_name,Patient_index,Key_slice_index,Bounding_boxes,Possibly_noisy,Spacing_mm_px_,'
            'DICOM_windows,Train_Val_Test\n'
            '000001_01_01_109.png,1,109,"226.169, 90.0204, 241.252, 111.977",0,'
            '"0.488281, 0.488281, 5","-175, 275",3\n'
        )
        labels = {'label_map': LabelMap({'lesion': None}, Ontology.default(), modality='ct')}
        [image] = self._read(
            tmp_path, common | labels, annotations='DL_info.csv', label='lesion',
            images='Images_png/{series}/{slice}.png', image_fields='{series}_{slice}.png',
            columns={'image': 'File_name', 'patient': 'Patient_index', 'bbox': 'Bounding_boxes',
                     'spacing': 'Spacing_mm_px_', 'window': 'DICOM_windows',
                     'split': 'Train_Val_Test'},
            skip={'Possibly_noisy': [1]},
            rescale={'intercept': -32768, 'type': 'HU'},
        )  # fmt: skip
        assert (image.name, image.patient, image.folder) == (
            'Images_png/000001_01_01/109',
            '1',
            '3',
        )
        assert image.regions[0].bbox == (226.169, 90.0204, 241.252, 111.977)
        assert (image.rescale_intercept, image.rescale_type) == (-32768, 'HU')
        assert (image.window, image.spacing_mm) == ((50, 450), (0.488281, 0.488281))


def test_one_table_per_image(real_data_root: Path, common: dict) -> None:
    columns = {'label': 'class_name', 'x1': 'xmin', 'y1': 'ymin', 'x2': 'xmax', 'y2': 'ymax'}
    reader = CsvReader(
        real_data_root / 'endoscopy' / 'kvasir_seg',
        annotations='train/bbox/{stem}.csv',
        images='train/images/{stem}.jpg',
        columns=columns,
        **common,
    )
    items = {item.name: item for item in reader.items()}
    assert len(items) == 200
    [image] = reader.read(items['train/images/cju0qkwl35piu0993l0dewei2.jpg'])
    assert image.regions[0].bbox == (38, 5, 430, 338)
    assert reader.take_rejects() == []


def test_rows_with_line_breaks_are_found_again(tmp_path: Path) -> None:
    (tmp_path / 'a.csv').write_bytes(b'x,y\r\n1,"a\r\nb"\r\n\r\n2,c\r\n')
    table = CsvTable(tmp_path / 'a.csv')
    rows = list(table.rows())
    assert rows == [(5, ['1', 'a\r\nb']), (17, ['2', 'c'])]
    assert [table.row(start) for start, _ in rows] == [cells for _, cells in rows]
    with pytest.raises(ValueError, match=r'a\.csv has no row at byte 22'):
        table.row(22)
