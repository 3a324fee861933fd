"""One table of how volumes lie in files, and one question: is the box on the patient's left?

A block lies at the patient's left, in front and above. Each row of :data:`ROWS` samples it with
other axes; files are then read by the ingest and by the inferencer, boxes are linked, and written
as label maps and DICOM reports. Nothing of the package computes what is expected.
"""

import json
from itertools import permutations, product

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its usual short name
import torch
from mmengine.config import Config, ConfigDict
from mmengine.model import BaseModel
from mmengine.structures import InstanceData
from pydicom import dcmread

from mmdet_medglip.apis import Failure, MedGLIPInferencer
from mmdet_medglip.apis.writers import WriteOptions, write_results
from mmdet_medglip.ingest.label_map import LabelMap
from mmdet_medglip.ingest.readers import DicomReader, NiftiReader
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.registry import MODELS
from tests.ingest import dicom_files as files

SHAPE, SPACING = (24, 15, 12), (2.5, 4.0, 5.0)  # a cube of 60 mm
BLOCK = ((7.0, 23.0), (-21.0, -5.0), (5.0, 25.0))  # mm: left, back, head
AIR, DENSE = -1000, 200
TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
DIRECTIONS = {'L': (1, 0, 0), 'R': (-1, 0, 0), 'P': (0, 1, 0)} | {
    'A': (0, -1, 0),
    'S': (0, 0, 1),
    'I': (0, 0, -1),
}


def centred(steps):
    """LPS affine whose columns are ``steps``, mm per voxel, with the middle voxel at 0."""
    affine = np.eye(4)
    affine[:3, :3] = steps
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(SHAPE) - 1) / 2)
    return affine


def along(code):
    return np.array([DIRECTIONS[letter] for letter in code], float).T * SPACING


def rotation(x, y, z):
    """Turn by degrees about the patient's axes, one after the other."""
    result = np.eye(3)
    for axis, angle in enumerate(np.deg2rad((x, y, z))):
        one, turn = np.eye(3), [i for i in range(3) if i != axis]
        one[np.ix_(turn, turn)] = [
            [np.cos(angle), -np.sin(angle)],
            [np.sin(angle), np.cos(angle)],
        ]
        result = one @ result
    return result


def tilted(code, degrees):
    """Slices that are pushed along their columns from one to the next, as a tilted gantry does."""
    steps = along(code)
    push = np.tan(np.deg2rad(degrees)) * np.linalg.norm(steps[:, 2])
    steps[:, 2] += steps[:, 0] / np.linalg.norm(steps[:, 0]) * push
    return steps


CODES = [''.join(code) for pairs in permutations(('LR', 'PA', 'SI')) for code in product(*pairs)]
ROWS = {code: along(code) for code in CODES} | {
    'LPS turned 20 about x': rotation(20, 0, 0) @ along('LPS'),
    'RAS turned 20 about y': rotation(0, 20, 0) @ along('RAS'),
    'PLS turned 20 about z': rotation(0, 0, 20) @ along('PLS'),
    'SAR oblique': rotation(10, -15, 12) @ along('SAR'),
    'PLS gantry tilted 15': tilted('PLS', 15),
    'PLS gantry tilted -15': tilted('PLS', -15),
    'ARI gantry tilted 15': tilted('ARI', 15),
}
EXACT = set(CODES)
REPORTED = {*CODES[::5], *(set(ROWS) - EXACT)}
"""Rows whose boxes also go through a DICOM report, which takes longer."""

rows = pytest.mark.parametrize('row', ROWS)


def inside(affine):
    """Voxels whose centre is in the block."""
    index = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing='ij'), -1)
    points = index @ affine[:3, :3].T + affine[:3, 3]
    low, high = np.array(BLOCK).T
    return ((points > low) & (points < high)).all(-1)


def values(affine):
    return np.where(inside(affine), DENSE, AIR).astype(np.int16)


def check_place(points, exact=None):
    """Points (n, 3) of the patient are at the left, in front, above, around the block's middle."""
    points = np.asarray(points)
    assert (points[:, 0] > 0).all()
    middle = np.mean(BLOCK, axis=1)
    assert np.abs(points.mean(axis=0) - middle).max() < 4.0
    if exact is not None:
        assert sorted(map(tuple, points.round(6))) == sorted(map(tuple, exact.round(6)))


def check_shown(view, mask, number, count):
    """The block is where a reader of this view looks for it."""
    rows_, columns = np.nonzero(mask)
    down = (rows_.mean() + 0.5) / mask.shape[0]
    across = (columns.mean() + 0.5) / mask.shape[1]
    depth = (number + 0.5) / count
    assert down < 0.5  # The front of axial images on top, the head of others.
    if view == 'sagittal':  # The front on the left; slices go to the patient's left.
        assert across < 0.5
        assert depth > 0.4
    else:  # The patient's left is on the right of the image.
        assert across > 0.5


def check_volume(view, masks, count):
    """The block as a whole is where a reader of this view looks for it; masks by slice."""
    places = [
        ((down + 0.5) / mask.shape[0], (across + 0.5) / mask.shape[1], (number + 0.5) / count)
        for number, mask in masks.items()
        for down, across in np.argwhere(mask)
    ]
    down, across, depth = np.mean(places, axis=0)
    assert down < 0.45
    assert (across < 0.45 and depth > 0.55) if view == 'sagittal' else across > 0.55


def save_nifti(path, array, affine, form='both'):
    image = nibabel.Nifti1Image(array, TO_LPS @ affine)
    if form == 'qform':
        image.header.set_qform(TO_LPS @ affine, code=1)
        image.header.set_sform(None, code=0)
    elif form == 'sform':
        image.header.set_sform(TO_LPS @ affine, code=1)
        image.header.set_qform(None, code=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, path)
    return path


def save_series(folder, affine, number=0):
    """A DICOM series whose axes are those of the array: row index, column index, slice."""
    array = values(affine)
    down, across = (affine[:3, axis] / SPACING[axis] for axis in (0, 1))
    for index in np.random.default_rng(number).permutation(SHAPE[2]):
        dataset = files.ct_slice(int(index), array[:, :, index] + 1024)
        dataset.SOPInstanceUID = f'2.25.300.{number}.{index + 1}'
        dataset.SeriesInstanceUID = f'2.25.100.{number}'
        dataset.StudyInstanceUID = f'2.25.10.{number}'
        dataset.FrameOfReferenceUID = f'2.25.200.{number}'
        place = affine @ (0, 0, index, 1)
        dataset.ImagePositionPatient = [f'{mm:.10g}' for mm in place[:3]]
        dataset.ImageOrientationPatient = [f'{one:.10g}' for one in (*across, *down)]
        dataset.PixelSpacing = list(SPACING[:2])
        dataset.SliceThickness = SPACING[2]
        files.save(folder / f'{index * 7 % 11}_{index}.dcm', dataset)
    return folder


@MODELS.register_module()
class DenseBlock(BaseModel):
    """Detector that finds what is bright."""

    def __init__(self):
        super().__init__()
        self.test_cfg = ConfigDict()
        self.register_buffer('level', torch.tensor(128.0))

    def forward(self, inputs, data_samples, mode='tensor'):
        for image, sample in zip(inputs, data_samples, strict=True):
            down, across = torch.nonzero(image[0] > self.level, as_tuple=True)
            box = torch.zeros(0, 4)
            if len(down):
                corners = (across.min(), down.min(), across.max() + 1, down.max() + 1)
                box = torch.tensor([[float(corner) for corner in corners]])
            sample.pred_instances = InstanceData(
                bboxes=box, scores=torch.ones(len(box)), labels=torch.zeros(len(box)).long()
            )
        return data_samples


@pytest.fixture(scope='module')
def ask(tmp_path_factory):
    """Ask for the left kidney in a path; ``ask(path, plane=...)``."""
    weights = tmp_path_factory.mktemp('block') / 'weights.pth'
    torch.save({'state_dict': DenseBlock().state_dict()}, weights)
    steps = [dict(type=name) for name in ('LoadMedImage', 'IntensityWindow', 'PackGroundingInputs')]
    config = Config(dict(model=dict(type='DenseBlock'), test_pipeline=steps))
    inferencer = MedGLIPInferencer(config, str(weights), device='cpu', show_progress=False)

    def run(path, **options):
        found = list(
            inferencer.stream([str(path)], ['left kidney'], modality='ct', num_workers=0, **options)
        )
        assert not [one for one in found if isinstance(one, Failure)]
        return found

    return run


def painted(folder):
    """Points of the patient that a label map marks."""
    (path,) = (folder / 'volumes').glob('*.nii.gz')
    image = nibabel.load(path)
    index = np.argwhere(image.get_fdata() > 0)
    return nibabel.affines.apply_affine(TO_LPS @ image.affine, index)


def expected(affine, row):
    if row not in EXACT:
        return None
    return nibabel.affines.apply_affine(affine, np.argwhere(inside(affine)))


@rows
def test_nifti_through_inference_linking_and_label_map(ask, tmp_path, row):
    affine = centred(ROWS[row])
    path = save_nifti(tmp_path / 'ct.nii.gz', values(affine), affine)
    planes = ('axial', 'coronal', 'sagittal') if row in REPORTED else ('axial',)
    for plane in planes:
        found = ask(path, plane=plane)
        assert write_all(found, tmp_path / plane, 'nifti') == []
        check_place(painted(tmp_path / plane), expected(affine, row))
        for number, one in enumerate(found):
            for box in one.boxes:
                x1, y1, x2, y2 = map(int, box.bbox)
                mask = np.zeros((one.height, one.width), bool)
                mask[y1:y2, x1:x2] = True
                check_shown(plane, mask, number, len(found))
        (told,) = (tmp_path / plane / 'volumes').glob('*.json')
        (box,) = json.loads(told.read_text())['boxes']
        assert box['label'] == 'left kidney'


@rows
def test_dicom_through_inference_linking_and_report(ask, tmp_path, row):
    affine = centred(ROWS[row])
    folder = save_series(tmp_path / 'series', affine)
    found = ask(folder)
    formats = ('nifti', 'sr') if row in REPORTED else ('nifti',)
    if 'sr' in formats:
        pytest.importorskip('highdicom', reason='pip install highdicom')
    assert write_all(found, tmp_path / 'out', *formats) == []
    check_place(painted(tmp_path / 'out'), expected(affine, row))
    if 'sr' not in formats:
        return
    from mmdet_medglip.dicom_out import read_report

    (report,) = (tmp_path / 'out' / 'sr').iterdir()
    (finding,) = read_report(report)
    assert finding.label == 'kidney_left'
    headers = {(one := dcmread(path)).SOPInstanceUID: one for path in folder.iterdir()}
    check_place([middle_of(region.box, headers[region.uid]) for region in finding.regions])


def middle_of(box, header):
    """Middle of a box of a DICOM image in the patient, by PS3.3 C.7.6.2.1.1."""
    column, line = (box[0] + box[2]) / 2 - 0.5, (box[1] + box[3]) / 2 - 0.5
    across, down = np.reshape([float(v) for v in header.ImageOrientationPatient], (2, 3))
    between_rows, between_columns = map(float, header.PixelSpacing)
    place = np.array([float(v) for v in header.ImagePositionPatient])
    return place + across * between_columns * column + down * between_rows * line


def write_all(found, folder, *formats):
    folder.mkdir()
    told = write_results(iter(found), folder, list(formats), WriteOptions('block'))
    return [one for one in told if isinstance(one, Failure)]


@pytest.fixture
def common():
    labels = LabelMap({'block': 'kidney_left'}, Ontology.default(), modality='ct')
    return {'modality': 'ct', 'source': 'block', 'label_map': labels}


@pytest.mark.parametrize('plane', ['axial', 'coronal', 'sagittal'])
def test_nifti_through_ingest(common, tmp_path, plane):
    """All rows in one data set, labels in other axes than their images."""
    names = dict(zip(ROWS, (f'c{number:02d}' for number in range(len(ROWS))), strict=True))
    for row, name in names.items():
        affine = centred(ROWS[row])
        save_nifti(tmp_path / 'imagesTr' / f'{name}_0000.nii.gz', values(affine), affine)
        save_nifti(tmp_path / 'labelsTr' / f'{name}.nii.gz', inside(affine).astype('u1'), affine)
    names_file = tmp_path / 'dataset.json'
    names_file.write_text(json.dumps({'labels': {'background': 0, 'block': 1}}))
    reader = NiftiReader(tmp_path, plane=plane, empty_share=1, **common)
    seen = 0
    for item in reader.items():
        images = list(reader.read(item))
        masks = {
            image.slice_index: np.any([region.mask for region in image.regions], axis=0)
            for image in images
            if image.regions
        }
        assert {image.view for image in images} == {plane}
        check_volume(plane, masks, len(images))
        for image in images:
            if image.regions:  # Labels lie on what they name.
                assert image.image[masks[image.slice_index]].min() == image.image.max()
        seen += 1
    assert seen == len(ROWS)


def test_dicom_through_ingest(common, tmp_path):
    for number, row in enumerate(ROWS):
        save_series(tmp_path / f's{number:02d}', centred(ROWS[row]), number)
    reader = DicomReader(tmp_path, **common)
    seen = 0
    for item in reader.items():
        images = list(reader.read(item))
        assert len(images) == SHAPE[2]
        masks = {
            image.slice_index: image.image == image.image.max()
            for image in images
            if image.image.max() > image.image.min()
        }
        check_volume(images[0].view, masks, len(images))
        seen += 1
    assert seen == len(ROWS)


@pytest.mark.parametrize('form', ['qform', 'sform'])
@pytest.mark.parametrize('code', ['LAS', 'RAS', 'LPS', 'IPR'])
def test_either_header_of_nifti_places_the_block(ask, tmp_path, form, code):
    """Axes of either hand: a quaternion turns alone, the sign of qfac mirrors."""
    affine = centred(along(code))
    path = save_nifti(tmp_path / 'ct.nii', values(affine), affine, form)
    assert write_all(ask(path), tmp_path / 'out', 'nifti') == []
    check_place(painted(tmp_path / 'out'), expected(affine, code))


@pytest.mark.parametrize('code', ['LPS', 'RPS', 'RAI', 'SLA', 'IRP'])
@pytest.mark.parametrize('suffix', ['.mha', '.nrrd'])
def test_other_volume_files(ask, tmp_path, suffix, code):
    affine = centred(along(code))
    image = sitk.GetImageFromArray(values(affine).T)
    image.SetSpacing(SPACING)
    image.SetOrigin(affine[:3, 3].tolist())
    image.SetDirection((affine[:3, :3] / SPACING).ravel().tolist())
    path = tmp_path / f'ct{suffix}'
    sitk.WriteImage(image, str(path))
    assert write_all(ask(path), tmp_path / 'out', 'nifti') == []
    check_place(painted(tmp_path / 'out'), expected(affine, code))


@pytest.mark.parametrize(
    ('space', 'signs'),
    [
        pytest.param('left-posterior-superior', (1, 1, 1), id='LPS'),
        pytest.param('right-anterior-superior', (-1, -1, 1), id='RAS'),
        pytest.param('left-anterior-superior', (1, -1, 1), id='LAS'),
    ],
)
def test_nrrd_says_its_space(ask, tmp_path, space, signs):
    """Directions of a file, one of them negative, in the space that the file names."""
    affine = centred(along('RPS'))
    told = np.diag(signs) @ affine[:3]
    vectors = ' '.join(f'({",".join(map(str, told[:, axis]))})' for axis in range(3))
    header = (
        'NRRD0004\ntype: short\ndimension: 3\n'
        f'space: {space}\nsizes: {" ".join(map(str, SHAPE))}\nspace directions: {vectors}\n'
        f'kinds: domain domain domain\nendian: little\nencoding: raw\n'
        f'space origin: ({",".join(map(str, told[:, 3]))})\n\n'
    )
    path = tmp_path / 'ct.nrrd'
    path.write_bytes(header.encode() + values(affine).astype('<i2').tobytes(order='F'))
    assert write_all(ask(path), tmp_path / 'out', 'nifti') == []
    check_place(painted(tmp_path / 'out'), expected(affine, 'RPS'))


def test_the_check_itself_sees_a_mirrored_block():
    """A block on the other side fails in every way it is looked at."""
    affine = centred(along('LPS'))
    wrong = np.flip(inside(affine), axis=0)
    points = nibabel.affines.apply_affine(affine, np.argwhere(wrong))
    with pytest.raises(AssertionError):
        check_place(points)
    with pytest.raises(AssertionError):
        check_shown('axial', wrong[:, :, 9].T, 9, 12)
