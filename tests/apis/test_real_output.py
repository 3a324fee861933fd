"""Real DICOM and NIfTI through the command, and back: boxes are where they were drawn."""

import json

import nibabel
import numpy as np
import pytest
from pydicom import dcmread

from mmdet_medglip.cli.main import main
from mmdet_medglip.dicom_out import read_report

pytest.importorskip('highdicom', reason='pip install highdicom')


@pytest.fixture
def predict(model_files, tmp_path, capsys):
    config, weights = model_files

    def run(path, *words):
        out = tmp_path / 'out'
        options = ('--weights', weights, '--device', 'cpu', '--num-workers', '0', '--out', out)
        few = ('--score-thr', '0', '--max-boxes', '3', '--modality', 'ct')
        status = main(['predict', config, *map(str, (path, *words, *options, *few))])
        assert status == 0, capsys.readouterr()
        return out, json.loads((out / 'predictions.json').read_text())['results']

    return run


@pytest.mark.slow
def test_a_real_series(predict, real_data_root):
    folder = real_data_root / 'dicom' / 'dcmqi_ct_seg' / 'ct-3slice'
    if not folder.is_dir():
        pytest.skip(f'no CT series at {folder}')
    formats = ('json', 'sr', 'gsps', 'seg', 'nifti')
    out, results = predict(folder, '-p', 'liver', '--formats', *formats)
    assert len(results) == 3
    (path,) = (out / 'sr').iterdir()
    findings = read_report(path)
    uid_of = {dcmread(one['path']).SOPInstanceUID: one for one in results}
    regions = [region for one in findings for region in one.regions]
    assert regions
    for region in regions:
        drawn = [box['bbox'] for box in uid_of[region.uid]['boxes']]
        # The JSON has two decimals.
        assert min(np.abs(np.subtract(one, region.box)).max() for one in drawn) <= 0.0051
    assert len(list((out / 'seg').iterdir())) == len(list((out / 'gsps').iterdir())) == 1
    (map_path,) = (out / 'volumes').glob('series~*.nii.gz')
    image = nibabel.load(map_path)
    first = dcmread(results[0]['path'])
    assert image.shape[:2] == (first.Rows, first.Columns)
    corner = image.affine @ [0, 0, 0, 1]
    lps = np.array(first.ImagePositionPatient, float)
    np.testing.assert_allclose(corner[:3], lps * [-1, -1, 1], atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize('plane', ['axial', 'sagittal'])
def test_a_real_volume(predict, real_data_root, plane):
    path = real_data_root / 'ct' / 'totalsegmentator_nifti' / 'example_ct_sm.nii.gz'
    if not path.is_file():
        pytest.skip(f'no CT volume at {path}')
    out, results = predict(
        path, '-p', 'liver', '--plane', plane, '--slice-step', '8', '--formats', 'json', 'nifti'
    )
    (written,) = (out / 'volumes').glob('*.nii.gz')
    image, source = nibabel.load(written), nibabel.load(path)
    assert image.shape == source.shape
    assert np.array_equal(image.affine, source.affine)
    (told,) = (out / 'volumes').glob('*.json')
    boxes = json.loads(told.read_text())['boxes']
    assert boxes
    shown = {one['slice_index']: one['boxes'] for one in results}
    x1, y1, z1, x2, y2, z2 = boxes[0]['voxels_xyz']
    sides = [box['bbox'] for z in range(int(z1), int(z2)) for box in shown.get(z, ())]
    # Each side of a 3-D box is that of a box on one of its slices.
    for column, side in enumerate((x1, y1, x2, y2)):
        assert min(abs(box[column] - side) for box in sides) <= 0.0051
    centre = source.affine @ [*(np.array(np.nonzero(image.get_fdata())).mean(axis=1)), 1]
    low, high = np.array(boxes[0]['enclosing_mm_lps']).reshape(2, 3)
    if len(boxes) == 1:
        assert (low <= centre[:3] * [-1, -1, 1]).all()
        assert (centre[:3] * [-1, -1, 1] <= high).all()
