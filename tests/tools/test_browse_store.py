from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdet_medglip.ingest import StoreWriter
from mmdet_medglip.structures import Instance, Record


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Six records: CT of two sources with livers and stones, one flagged, one negative."""
    liver, stone = Instance((2, 2, 20, 30), 'liver'), Instance((5, 5, 8, 8), 'kidney_stone')
    common = {'modality': 'ct', 'source': 'scans'}
    records = [
        Record('s/0', 40, 40, patient_id='0', instances=(liver, stone), **common),
        Record('s/1', 40, 40, patient_id='1', instances=(liver,), split='val', **common),
        Record('s/2', 40, 40, patient_id='2', instances=(stone,), flags=('tiny_box',), **common),
        Record('s/3', 40, 40, patient_id='3', **common),
        Record('[red]t/0', 20, 60, 'ct', 'other', '4', instances=(stone,)),
        Record(
            'e/0', 40, 40, 'endoscopy', 'scopes', '5', instances=(Instance((1, 1, 9, 9), 'polyp'),)
        ),
    ]
    with StoreWriter(tmp_path / 'store', name='demo') as writer:
        for record in records:
            shade = np.arange(record.height * record.width, dtype=np.uint16)
            writer.add(record, shade.reshape(record.height, record.width))
    return tmp_path / 'store'


@pytest.fixture
def browse(store: Path, load_tool: Callable, capsys: pytest.CaptureFixture) -> Callable:
    """Run the program; returns its status, output, errors, and the files it wrote."""
    program = load_tool('browse_store.py')

    def run(*arguments: str, root: Path = store) -> tuple[int, str, str, list[str]]:
        out = store.parent / 'pictures'
        capsys.readouterr()
        status = program.main([str(root), '--out', str(out), *arguments])
        said = capsys.readouterr()
        return status, said.out, said.err, sorted(path.name for path in out.glob('*'))

    return run


@pytest.mark.parametrize(
    ('arguments', 'expected'),
    [
        pytest.param([], ['0', '1', '2', '3', '4', '5'], id='all'),
        pytest.param(['--label', 'Liver'], ['0', '1'], id='label by another name'),
        pytest.param(['--label', 'kidney_stone', '--source', 'scans'], ['0', '2'], id='source'),
        pytest.param(['--modality', 'CT', '--split', 'val'], ['1'], id='modality and split'),
        pytest.param(['--flag', 'tiny_box'], ['2'], id='flag'),
        pytest.param(['--negatives'], ['3'], id='negatives'),
        pytest.param(['--image-id', 'e/0'], ['5'], id='one image'),
    ],
)
def test_a_picture_per_record(browse: Callable, arguments: list[str], expected: list[str]) -> None:
    status, out, _, files = browse(*arguments)
    assert status == 0
    assert sorted(name[:7].lstrip('0') or '0' for name in files) == expected
    assert f'{len(expected)} records' in out


def test_names_of_a_source_are_not_markup(browse: Callable) -> None:
    _, out, _, files = browse('--image-id', '[red]t/0')
    assert '[red]t/0' in out
    assert files == ['0000004-_red_t_0.png']


def test_a_grid_is_one_sheet(browse: Callable, store: Path) -> None:
    status, out, _, files = browse('--grid', '--columns', '3', '--side', '64')
    assert (status, files) == (0, ['grid-000.png'])
    assert 'grid-000.png' in out
    assert Image.open(store.parent / 'pictures' / 'grid-000.png').width == 3 * 70 + 6


def test_the_same_records_are_drawn_each_time(browse: Callable) -> None:
    first = browse('--num', '2')[3]
    assert len(first) == 2
    assert browse('--num', '2')[3] == first


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        pytest.param(['--label', 'lver'], "Did you mean 'liver'", id='misspelt label'),
        pytest.param(['--label', 'spleen'], "has no label 'spleen'", id='label not in the store'),
        pytest.param(['--source', 'x'], 'the sources of the store are', id='source'),
        pytest.param(['--image-id', 'x'], "has image_id 'x'", id='image'),
        pytest.param(['--modality', 'mri'], "has no modality 'mri'", id='modality'),
        pytest.param(['--flag', 'x'], 'No record of', id='flag'),
    ],
)
def test_what_is_not_there_is_one_error(
    browse: Callable, arguments: list[str], message: str
) -> None:
    status, _, err, files = browse(*arguments)
    assert (status, files) == (1, [])
    assert err.startswith('browse_store: ') and message in err
    assert len(err.splitlines()) == 1


def test_no_store_is_an_error(browse: Callable, tmp_path: Path) -> None:
    status, _, err, _ = browse(root=tmp_path / 'none')
    assert status == 1
    assert 'does not exist' in err


@pytest.mark.parametrize(
    'arguments', [['--num', '0'], ['--side', '9'], ['--only'], ['--split', 'dev']]
)
def test_wrong_options_are_refused(browse: Callable, arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        browse(*arguments)
