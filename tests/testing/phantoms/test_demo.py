import functools
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdet_medglip.ingest.images import read_image
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.structures import Record
from mmdet_medglip.testing.phantoms import SPECS, PhantomImage, draw_patient
from mmdet_medglip.testing.phantoms.contact_sheet import contact_sheet
from mmdet_medglip.testing.phantoms.demo import RECIPES, make_demo_data


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob('*'))
        if path.is_file()
    }


@functools.cache
def drawn_patient(modality: str, patient: int) -> list[PhantomImage]:
    return draw_patient(modality, patient)


def phantom_of(record: Record) -> PhantomImage:
    """Find the phantom that a record was made of, by its patient and number."""
    patient = int(record.patient_id.rsplit('_', 1)[1])
    images = drawn_patient(record.modality, patient)
    if record.slice_index is None:
        return images[int(record.image_id.rsplit('_', 1)[1])]
    down = record.modality == 'ct'  # drawn from the top, numbered from the feet up
    return images[::-1][record.slice_index] if down else images[record.slice_index]


@pytest.mark.parametrize('modality', list(SPECS))
def test_boxes_come_back_from_the_store_exactly(small_store: GroundingStore, modality: str):
    indices = small_store.indices(modality=modality)
    assert len(indices) == 4 * SPECS[modality].images_per_patient
    for i in indices[:: max(1, len(indices) // 6)]:
        record = small_store[int(i)]
        drawn = {
            (name, *map(float, box))
            for name in SPECS[modality].labels
            for box in phantom_of(record).boxes(name)
        }
        assert {(item.label, *item.bbox) for item in record.instances} == drawn


@pytest.mark.parametrize('modality', ['ct', 'mri', 'xray', 'ultrasound', 'fundus'])
def test_pixels_come_back_from_the_store_exactly(small_store: GroundingStore, modality: str):
    record = small_store[int(small_store.indices(modality=modality)[1])]
    stored = read_image(small_store.image_path(record)).astype(np.float64)
    values = record.rescale_slope * stored + record.rescale_intercept
    assert np.array_equal(values, phantom_of(record).image)


def test_all_splits_have_all_modalities(small_store: GroundingStore):
    for split in ('train', 'val', 'test'):
        for modality in SPECS:
            assert len(small_store.indices(split=split, modality=modality))


def test_a_patient_is_in_one_split(small_store: GroundingStore):
    splits: dict[str, set[str]] = {}
    for record in small_store:
        splits.setdefault(record.patient_id, set()).add(record.split)
    assert len(splits) == 4 * len(SPECS)
    assert {len(found) for found in splits.values()} == {1}


def test_ct_keeps_hounsfield_units_and_spacing(small_store: GroundingStore):
    record = small_store[int(small_store.indices(modality='ct')[0])]
    assert record.rescale_type == 'HU'
    assert record.rescale_intercept == -1024
    assert record.spacing_mm == (1.5, 1.5)


def test_native_files_are_as_their_layouts_want(small_demo: Path):
    raw = small_demo / 'raw'
    labels = json.loads((raw / 'ct' / 'dataset.json').read_text())['labels']
    assert labels['background'] == 0
    assert labels['liver'] == 1
    assert (raw / 'ct' / 'imagesTr' / 'ct_0003_0000.nii.gz').is_file()
    assert (raw / 'ct' / 'labelsTr' / 'ct_0003.nii.gz').is_file()
    coco = json.loads((raw / 'xray' / 'annotations.json').read_text())
    assert len(coco['images']) == 8
    with Image.open(next((raw / 'dermoscopy' / 'masks').glob('*.png'))) as mask:
        assert set(np.unique(np.asarray(mask))) <= {0, 1, 2}
    assert (raw / 'fundus' / 'masks' / 'optic_disc').is_dir()


def test_xray_has_both_depths(small_store: GroundingStore):
    kinds = {
        read_image(small_store.image_path(small_store[int(i)])).dtype.name
        for i in small_store.indices(modality='xray')
    }
    assert kinds == {'uint8', 'uint16'}


def test_same_arguments_give_same_bytes_in_one_process_or_two(tmp_path: Path):
    arguments = {'modalities': ['xray', 'mri', 'endoscopy'], 'patients': 2, 'seed': 7}
    make_demo_data(tmp_path / 'a', **arguments)
    make_demo_data(tmp_path / 'b', **arguments, jobs=2)
    assert contents(tmp_path / 'a') == contents(tmp_path / 'b')
    make_demo_data(tmp_path / 'a', **(arguments | {'seed': 8}))  # replaces demo data
    assert contents(tmp_path / 'a') != contents(tmp_path / 'b')
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith('.')] == []


def test_other_folders_are_not_replaced(tmp_path: Path):
    (tmp_path / 'thesis.txt').write_text('mine')
    with pytest.raises(FileExistsError, match='holds no demo data'):
        make_demo_data(tmp_path, modalities=['mri'], patients=1)
    assert (tmp_path / 'thesis.txt').read_text() == 'mine'


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'modalities': ['pet']}, "'pet'; known are ct, mri"),
        ({'patients': 0}, "'patients' must be at least 1, got 0"),
        ({'seed': -1}, "'seed' must be at least 0, got -1"),
        ({'jobs': 0}, "'jobs' must be at least 1, got 0"),
    ],
    ids=['modality', 'patients', 'seed', 'jobs'],
)
def test_wrong_arguments_are_named(tmp_path: Path, arguments, message):
    with pytest.raises(ValueError, match=message):
        make_demo_data(tmp_path / 'demo', **arguments)
    assert not (tmp_path / 'demo').exists()


def test_every_modality_has_a_recipe():
    assert {path.stem for path in RECIPES.glob('*.yaml')} == set(SPECS)


def test_contact_sheet_has_a_row_per_modality(small_store: GroundingStore):
    sheet = contact_sheet(small_store, columns=2, tile=64)
    assert sheet.size == (128, 64 * len(SPECS))
    assert np.asarray(sheet).std() > 10
