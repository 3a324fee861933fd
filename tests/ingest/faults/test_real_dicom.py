"""Real DICOM files of other makers, damaged one at a time."""

from collections import Counter
from pathlib import Path

import pytest

from .corruption import damage_bytes
from .ledger import Document, recipe_of, run_document

pytestmark = pytest.mark.filterwarnings('ignore')


@pytest.mark.parametrize(
    ('name', 'images'),
    [('ct-3slice/01.dcm', 1), ('24x38x3/multiframe/mf.dcm', 3)],
    ids=['slice', 'multi-frame'],
)
def test_damaged_real_file(tmp_path: Path, real_data_root: Path, name: str, images: int) -> None:
    path = real_data_root / 'dicom' / 'dcmqi_ct_seg' / name
    if not path.is_file():
        pytest.skip(f'there is no file {path}')
    recipe = recipe_of('real', 'DicomReader', 'ct', gaps='keep', empty_share=1.0)
    damages = damage_bytes(path.read_bytes(), name, magic=128, header=2000, flips=12)
    counts: Counter[str] = Counter()
    for number, damage in enumerate(damages):
        document = Document(damage.name, recipe, {'x.dcm': damage.data}, 'x.dcm', 'any', images)
        found = run_document(document, tmp_path / str(number))
        assert not damage.fatal or not found.counts['harmless'], damage.name
        counts += found.counts
    assert counts.total() == len(damages)
