"""What headers say, from closed vocabularies."""

import pytest
from pydicom import Dataset

from mmdet_medglip.ingest.dicom.attributes import (
    _BODY_PARTS,
    body_region_of,
    modality_of,
    spacing_of,
    view_of,
    window_of,
)
from mmdet_medglip.ontology import Ontology
from tests.ingest.dicom_files import item

pytestmark = pytest.mark.filterwarnings('ignore:Invalid value for VR')


@pytest.mark.parametrize(
    ('code', 'modality'),
    [
        *(('CT', 'ct'), ('MR', 'mri'), ('CR', 'xray'), ('DX', 'xray'), ('MG', 'xray')),
        *(('IO', 'xray'), ('US', 'ultrasound'), ('ES', 'endoscopy'), ('OP', 'fundus')),
        *(('XC', None), ('OT', None), ('', None)),
    ],
)
def test_modality(code: str, modality: str | None) -> None:
    assert modality_of(item(Modality=code), Ontology.default()) == modality


@pytest.mark.parametrize(('code', 'told'), [('PT', 'PT'), ('Doe John', 'unreadable')])
def test_unknown_modality(code: str, told: str) -> None:
    with pytest.raises(ValueError, match=f'modality {told} is none of ct'):
        modality_of(item(Modality=code), Ontology.default())


@pytest.mark.parametrize(
    ('values', 'view'),
    [
        pytest.param({'ViewPosition': 'PA'}, 'PA', id='projection'),
        pytest.param({'ViewPosition': 'MLO', 'ImageLaterality': 'R'}, 'right MLO', id='both'),
        pytest.param({'Laterality': 'L'}, 'left', id='side'),
        pytest.param({'ViewPosition': 'DOE', 'Laterality': 'John'}, None, id='free-text'),
        pytest.param({}, None, id='nothing'),
    ],
)
def test_view(values: dict, view: str | None) -> None:
    assert view_of(item(**values)) == view


@pytest.mark.parametrize(
    ('part', 'region'), [('CHEST', 'chest'), ('Head', 'head_and_neck'), ('DOE', None), ('', None)]
)
def test_body_region(part: str, region: str | None) -> None:
    assert body_region_of(item(BodyPartExamined=part)) == region


def test_body_regions_are_those_of_the_ontology() -> None:
    assert set(_BODY_PARTS.values()) <= set(Ontology.default().regions)


@pytest.mark.parametrize(
    ('values', 'window'),
    [
        pytest.param({'WindowCenter': 40, 'WindowWidth': 400}, (40.0, 400.0), id='one'),
        pytest.param({'WindowCenter': [40, 1], 'WindowWidth': [400, 2]}, (40.0, 400.0), id='two'),
        pytest.param({'WindowCenter': 40, 'WindowWidth': 0}, None, id='no-width'),
        pytest.param({'WindowCenter': 40}, None, id='half'),
    ],
)
def test_window(values: dict, window: tuple | None) -> None:
    assert window_of(item(**values)) == window


def _ultrasound(**changes: object) -> Dataset:
    region = {
        'RegionSpatialFormat': 1,
        'PhysicalUnitsXDirection': 3,
        'PhysicalUnitsYDirection': 3,
        'PhysicalDeltaX': 0.02,
        'PhysicalDeltaY': -0.03,
    }
    return item(SequenceOfUltrasoundRegions=[item(**(region | changes))])


@pytest.mark.parametrize(
    ('dataset', 'spacing'),
    [
        pytest.param(item(PixelSpacing=[0.5, 0.25]), (0.5, 0.25), id='patient'),
        pytest.param(
            item(PixelSpacing=[1, 1], ImagerPixelSpacing=[2, 2]), (1.0, 1.0), id='patient-first'
        ),
        pytest.param(item(ImagerPixelSpacing=[0.2, 0.1]), (0.2, 0.1), id='detector'),
        pytest.param(
            item(ImagerPixelSpacing=[0.2, 0.1], EstimatedRadiographicMagnificationFactor=2),
            (0.1, 0.05),
            id='magnified',
        ),
        pytest.param(item(NominalScannedPixelSpacing=[0.3, 0.3]), (0.3, 0.3), id='film'),
        pytest.param(_ultrasound(), pytest.approx((0.3, 0.2)), id='ultrasound'),
        pytest.param(_ultrasound(PhysicalUnitsXDirection=4), None, id='seconds'),
        pytest.param(_ultrasound(RegionSpatialFormat=3), None, id='spectrum'),
        pytest.param(item(PixelSpacing=[0, 1]), None, id='zero'),
        pytest.param(item(), None, id='nothing'),
    ],
)
def test_spacing(dataset: Dataset, spacing: tuple | None) -> None:
    assert spacing_of(dataset) == spacing
