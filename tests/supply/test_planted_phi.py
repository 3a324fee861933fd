"""Marks planted in every field of DICOM images, searched in all that is written and said."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from mmdet_medglip.store import GroundingStore
from tests.apis.conftest import make_model, model_files
from tests.ingest.faults.ledger import recipe_of
from tests.supply.planted import BORN, MARK, NAME, SEEN, UID, marks_in, save_planted, text_marks

__all__ = ['make_model', 'model_files']

WORDS = (MARK, UID, NAME, BORN, SEEN)
Ingest = Callable[..., str]

pytestmark = [
    pytest.mark.filterwarnings('ignore'),
]
pytest.importorskip('highdicom', reason='pip install highdicom')

MAY_HOLD = {
    # DICOM objects are about images, which they name by UID; docs/dicom_out.md.
    'sr': {UID},
    'gsps': {UID},
    'seg': {UID},
    # Results name their inputs as the caller did: paths, and the series of a slice.
    'json': {NAME, UID},
    'csv': {NAME, UID},
    'coco': {NAME, UID},
    'png': {NAME},
    'volumes': {NAME, UID},
}
"""What the output of a format must hold, or may: nothing else of what was planted."""


@pytest.fixture(scope='module')
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A series of three slices, and copies that are damaged in several ways, in marked names."""
    root = tmp_path_factory.mktemp('raw') / 'planted'
    folder = root / f'{NAME}_DOE_JOHN'
    paths = [save_planted(folder / f'{NAME}{index}.dcm', index) for index in range(3)]
    whole = paths[0].read_bytes()
    rows = b'\x28\x00\x10\x00US\x02\x00'
    damaged = root / f'{NAME}_DAMAGED'
    damaged.mkdir()
    for number, content in enumerate(
        (
            whole[: len(whole) // 2],
            whole[:400],
            whole.replace(b'ISO_IR 192', b'ISO_IR XXX'),
            whole.replace(f'{UID}2'.encode(), f'{UID}7'.encode()).replace(
                b'MONOCHROME2', f'{MARK}MONO'.encode()
            ),
            whole.replace(rows + b'\x30\x00', rows + b'\xff\xff'),
        )
    ):
        # Of a series of their own, so that the whole one stays whole.
        own = content.replace(f'{UID}3.1'.encode(), f'{UID}3.{4 + number}'.encode())
        own = own.replace(f'{UID}2'.encode(), f'{UID}7'.encode())
        (damaged / f'{NAME}{number}.dcm').write_bytes(own)
    return root


@pytest.fixture
def ingest(planted: Path, tmp_path: Path, repo_root: Path) -> Ingest:
    """Ingest what was planted into a store, with more options; return what is said."""
    recipe = recipe_of('planted', 'DicomReader', 'ct', identifiers='pseudonymous')
    recipe |= {'missing': 'negative', 'root': 'planted'}
    path = tmp_path / 'planted.yaml'
    path.write_text(yaml.safe_dump(recipe))

    def run(out: Path, *options: object) -> str:
        places = ('--data-root', planted.parent, '--out', out)
        tool = repo_root / 'tools' / 'ingest.py'
        return _run(tool, 'run', path, *places, '--engine', 'serial', *options)

    return run


def _run(*words: object) -> str:
    """Run a program, and return all that it says."""
    done = subprocess.run(
        [sys.executable, *map(str, words)], capture_output=True, text=True, check=False
    )
    return f'{done.stdout}\n{done.stderr}\nexit {done.returncode}'


def test_the_marks_are_there(planted: Path) -> None:
    """Else the tests below could not fail."""
    path = next((planted / f'{NAME}_DOE_JOHN').iterdir())
    assert marks_in(path, WORDS) == set(WORDS)
    content = path.read_bytes()
    assert content.count(MARK.encode()) > 1000
    for keyword in (b'OVERLAYBITS', b'PRIVATE', b'DEEP', b'PREAMBLE', b'AET', b'00100010'):
        assert MARK.encode() + keyword in content


def test_store_card_and_messages(ingest: Ingest, tmp_path: Path, repo_root: Path) -> None:
    store, report = tmp_path / 'store', tmp_path / 'report.json'
    told = ingest(store, '--json', report)
    assert len(GroundingStore(store)) == 3, told
    assert text_marks(told, WORDS) == set(), told
    for kind in ('coco', 'odvg-od'):
        told = _run(
            repo_root / 'tools' / 'ingest.py',
            'export',
            store,
            '--format',
            kind,
            '--out',
            tmp_path / kind,
        )
        assert text_marks(told, WORDS) == set(), told
    written = [
        report,
        *(f for d in ('store', 'coco', 'odvg-od') for f in (tmp_path / d).rglob('*')),
    ]
    assert sum(path.suffix == '.png' for path in written) >= 3
    assert any(path.suffix in ('.html', '.md') for path in written)
    leaks = {p: marks_in(p, WORDS) for p in written if p.is_file() and marks_in(p, WORDS)}
    assert leaks == {}
    assert not any(NAME in part for path in written for part in path.relative_to(tmp_path).parts)
    private = tmp_path / 'store.private'
    names = [path for path in private.rglob('*') if path.is_file()]
    assert any(marks_in(path, WORDS) for path in names), 'the names that pseudonyms stand for'
    assert private.stat().st_mode & 0o077 == 0


def test_answers_in_all_formats(
    planted: Path, model_files, tmp_path: Path, repo_root: Path
) -> None:
    config, weights = model_files
    out = tmp_path / 'out'
    told = _run(
        repo_root / 'tools' / 'medglip.py',
        'predict',
        config,
        planted,
        '--weights',
        weights,
        '-p',
        'liver, spleen',
        '--modality',
        'ct',
        '--device',
        'cpu',
        '--num-workers',
        '0',
        '--out',
        out,
        '--score-thr',
        '0',
        '--formats',
        *('nifti' if kind == 'volumes' else kind for kind in MAY_HOLD),
    )
    assert text_marks(told, (MARK, BORN, SEEN)) == set(), told
    missing = [name for name in MAY_HOLD if not any(name in str(p) for p in out.rglob('*'))]
    leaks = {}
    for path in (path for path in out.rglob('*') if path.is_file()):
        kind = next((name for name in MAY_HOLD if name in path.relative_to(out).as_posix()), '')
        leaked = marks_in(path, WORDS) - MAY_HOLD.get(kind, set())
        if leaked:
            leaks[path.relative_to(out).as_posix()] = leaked
    assert leaks == {}
    assert missing == [], told


def test_messages_of_readers_name_files_only(planted: Path) -> None:
    from mmdet_medglip.ingest.dicom.files import open_dicom
    from mmdet_medglip.ingest.dicom_picture import load_dicom_picture

    for path in sorted(planted.rglob('*.dcm')):
        for read in (open_dicom, load_dicom_picture):
            try:
                read(path)
            except (ValueError, OSError) as error:
                assert text_marks(str(error), (MARK, UID, BORN, SEEN)) == set(), error


def test_a_patient_key_is_a_keyed_hash(ingest: Ingest, tmp_path: Path) -> None:
    """Two stores of one data set name one patient differently, as each has its own key."""
    patients = []
    for name in ('one', 'two'):
        ingest(tmp_path / name, '--no-card')
        found = {record.patient_id for record in GroundingStore(tmp_path / name)}
        assert len(found) == 1
        patients += found
    assert patients[0] != patients[1]
