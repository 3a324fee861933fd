import subprocess
import sys
from pathlib import Path

import pytest

from mmdet_medglip.ingest.volumes.itk_file import open_itk
from tests.ingest.faults.volume_bytes import labels, nrrd


def _file(folder: Path, old: bytes = b'', new: bytes = b'') -> Path:
    path = folder / 'a.nrrd'
    path.write_bytes(nrrd(labels()).replace(old, new, 1))
    return path


@pytest.mark.parametrize(
    'line',
    [
        pytest.param(b'space origin: ' + b'9' * 1000, id='value'),
        pytest.param(b'encodi' + b'ng' * 1000 + b': raw', id='name'),
        pytest.param(b'units: ' + b'"mm" ' * 250, id='list'),
    ],
)
def test_long_field_is_refused(tmp_path: Path, line: bytes) -> None:
    path = _file(tmp_path, b'space origin: (0,0,0)', line)
    with pytest.raises(ValueError, match=r'a\.nrrd has a field of \d+ bytes .* limit of 400'):
        open_itk(path, root=tmp_path)


def test_long_comment_and_pair_are_read(tmp_path: Path) -> None:
    more = b'\n# ' + b'c' * 5000 + b'\nkey:=' + b'v' * 5000 + b'\nspace origin:'
    volume = open_itk(_file(tmp_path, b'\nspace origin:', more), root=tmp_path)
    assert (volume.load() == labels()).all()


def test_header_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / 'a.nrrd'
    path.write_bytes(b'NRRD0004\n' + b'# comment\n' * 1_700_000)
    with pytest.raises(ValueError, match=r'a\.nrrd has a header of over 16000000 bytes'):
        open_itk(path, root=tmp_path)


def test_longest_field_that_passes_ends_no_process(tmp_path: Path) -> None:
    """The limit is below what the library survives, in each field."""
    code = (
        'import sys\nfrom pathlib import Path\n'
        'from mmdet_medglip.ingest.volumes.itk_file import open_itk\n'
        'for path in sorted(Path(sys.argv[1]).glob("*.nrrd")):\n'
        '    try:\n        open_itk(path, root=path.parent)\n'
        '    except (ValueError, OSError) as error:\n        print(str(error)[-200:])\n'
    )
    sound = nrrd(labels())
    lines = sound[: sound.index(b'\n\n')].split(b'\n')[1:]
    fields = [line.split(b':')[0] for line in lines]
    fields += [b'units', b'kinds', b'labels', b'thicknesses', b'space units', b'content', b'min',
               b'measurement frame', b'data file', b'line skip', b'max', b'x' * 200]  # fmt: skip
    for number, field in enumerate(fields):
        for kind, word in enumerate((b'9', b'(', b'"mm" ', b'x', b'%s%n')):
            line = (field + b': ' + word * 400)[:400].strip()
            others = [one for one in lines if not one.startswith(field + b':')]
            header = b'\n'.join([b'NRRD0004', *others, line])
            (tmp_path / f'{number}_{kind}.nrrd').write_bytes(header + b'\n\n' + bytes(480))
    done = subprocess.run([sys.executable, '-c', code, tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-500:]
    assert 'limit of 400' not in done.stdout
