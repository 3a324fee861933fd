"""Results on DICOM images to DICOM objects and back."""

import json

import numpy as np
import pytest
from pydicom import dcmread

from mmdet_medglip.apis import Failure
from mmdet_medglip.apis.writers import WriteOptions, write_results
from mmdet_medglip.apis.writers.dicom_writer import unknown_words
from mmdet_medglip.dicom_out import Identity, read_report
from mmdet_medglip.ontology import Ontology
from tests.ingest import dicom_files as files

pytest.importorskip('highdicom', reason='pip install highdicom')


@pytest.fixture
def series(tmp_path):
    """Four slices."""
    pixels = np.full((16, 16), 3, np.int16)
    folder = tmp_path / 'DOE_JOHN'
    return [files.save(folder / f'{n}.dcm', files.ct_slice(n, pixels)) for n in range(4)]


def on_slices(answer, series, boxes_of):
    return [
        answer(path, *boxes_of.get(n, ()), path=str(path), slice_index=n, volume='DOE_JOHN:1')
        for n, path in enumerate(series)
    ]


def write(found, folder, *formats, **options):
    return [
        one
        for one in write_results(iter(found), folder, formats, WriteOptions('ct', **options))
        if isinstance(one, Failure)
    ]


def test_slices_of_a_series_are_one_finding(answer, series, tmp_path):
    found = on_slices(
        answer,
        series,
        {
            1: [('liver', 0.75, (2.5, 3.0, 9.0, 8.25))],
            2: [('liver', 0.5, (3.0, 3.0, 9.0, 8.0)), ('spleen', 0.25, (1, 11, 3, 13))],
        },
    )
    out = tmp_path / 'out'
    assert write(found, out, 'sr', 'gsps', 'seg') == []
    (path,) = (out / 'sr').iterdir()
    liver, spleen = read_report(path)
    assert (liver.label, liver.score, spleen.label) == ('liver', 0.75, 'spleen')
    assert {region.uid: region.box for region in liver.regions} == {
        dcmread(series[1]).SOPInstanceUID: (2.5, 3.0, 9.0, 8.25),
        dcmread(series[2]).SOPInstanceUID: (3.0, 3.0, 9.0, 8.0),
    }
    (seg,) = (out / 'seg').iterdir()
    assert dcmread(seg).SOPClassUID == files.SEG
    assert len(list((out / 'gsps').iterdir())) == 1
    assert 'John' not in str(dcmread(path)) + str(dcmread(seg))
    assert 'DOE' not in ' '.join(str(one) for one in out.rglob('*'))


def test_nothing_found_is_reported(answer, series, tmp_path):
    assert write(on_slices(answer, series, {}), tmp_path / 'out', 'sr', 'gsps', 'seg') == []
    (path,) = (tmp_path / 'out' / 'sr').iterdir()
    assert read_report(path) == []
    assert [one.name for one in (tmp_path / 'out').iterdir()] == ['sr']


def test_frames_of_a_film_are_not_linked(answer, tmp_path):
    path = files.save(
        tmp_path / 'film.dcm',
        files.set_pixels(
            files.new_dataset('2.25.7', files.ULTRASOUND, 'US'), np.zeros((3, 16, 16), np.uint8)
        ),
    )
    found = [
        answer(
            f'{path}#{n}', ('liver', 0.5, (1, 2, 9, 8)), path=str(path), slice_index=n, volume='x'
        )
        for n in range(2)
    ]
    assert write(found, tmp_path / 'out', 'sr') == []
    (report,) = (tmp_path / 'out' / 'sr').iterdir()
    assert [[region.frame for region in one.regions] for one in read_report(report)] == [[0], [1]]


def test_each_image_and_series_has_its_own_report(answer, series, tmp_path):
    box = ('liver', 0.5, (1, 2, 9, 8))
    single = [answer(path, box, path=str(path)) for path in series[:2]]
    assert write(single, tmp_path / 'out', 'sr') == []
    assert len(list((tmp_path / 'out' / 'sr').iterdir())) == 2


def test_what_is_no_dicom_is_passed_over_once(answer, picture, tmp_path):
    (told,) = write([answer(picture, path=str(picture))], tmp_path / 'out', 'sr', 'json')
    assert (told.stage, str(picture) in told.reason) == ('skip', True)
    assert 'is no DICOM file' in (tmp_path / 'out' / 'predictions.json').read_text()
    (told,) = write([answer('array 0')], tmp_path / 'out', 'sr')
    assert 'given in memory' in told.reason


def test_one_image_that_cannot_be_written_leaves_the_results_of_all(answer, series, tmp_path):
    dose = files.ct_slice(9, SOPClassUID='1.2.840.10008.5.1.4.1.1.481.2', NumberOfFrames=1)
    paths = [files.save(tmp_path / 'dose.dcm', dose), series[0]]
    found = [answer(path, ('liver', 0.5, (1, 1, 5, 5)), path=str(path)) for path in paths]
    out = tmp_path / 'out'
    told = write(found, out, 'sr', 'gsps', 'seg', 'json')
    assert [(one.stage, one.source.path) for one in told] == [('write', str(paths[0]))] * 2
    assert all('of the class RT Dose Storage' in one.reason for one in told)
    assert [len(list((out / kind).iterdir())) for kind in ('sr', 'gsps', 'seg')] == [2, 1, 1]
    assert len(json.loads((out / 'predictions.json').read_text())['results']) == 2


def test_words_of_a_prompt_stay_out_unless_allowed(answer, series, tmp_path):
    box = ('Mr Smith shadow', 0.5, (1, 2, 9, 8))
    found = [answer(series[0], box, path=str(series[0]), phrases=('Mr Smith shadow',))]
    (told,) = write(found, tmp_path / 'out', 'sr')
    assert told.stage == 'write'
    assert '--allow-words' in told.reason
    assert write(found, tmp_path / 'out', 'sr', allow_words=True) == []


def test_the_patient_is_written_where_it_is_asked_for(answer, series, tmp_path):
    found = [answer(series[0], path=str(series[0]))]
    write(found, tmp_path / 'out', 'sr', identity=Identity('kept'))
    (path,) = (tmp_path / 'out' / 'sr').iterdir()
    assert dcmread(path).PatientName == 'Doe^John'


def test_names_of_the_ontology_are_no_unknown_words():
    ontology = Ontology.default()
    assert unknown_words(['Left Kidney', 'kidney', 'abdomen', 'my word'], ontology) == ['my word']
