from pathlib import Path

import numpy as np
import pytest

from mmdet_medglip.dicom_out import Algorithm, Finding, Region, findings_of_image


def test_boxes_of_an_image_become_findings():
    found = findings_of_image('a.dcm', np.array([[0, 1, 2, 3]]), [0.5], ['liver'], frame=2)
    assert found == [Finding('liver', 0.5, (Region(Path('a.dcm'), (0, 1, 2, 3), 2),))]
    assert findings_of_image('a.dcm', np.empty((0, 4)), [], []) == []
    with pytest.raises(ValueError, match='shorter'):
        findings_of_image('a.dcm', [[0, 1, 2, 3]], [0.5], [])


@pytest.mark.parametrize(
    ('make', 'message'),
    [
        pytest.param(lambda: Region('a', (1, 0, 1, 2)), 'x1 < x2', id='empty'),
        pytest.param(lambda: Region('a', (0, 0, np.nan, 2)), 'finite', id='nan'),
        pytest.param(lambda: Region('a', (0, 0, 1, 2), -1), 'frame must be', id='frame'),
        pytest.param(lambda: Finding(' ', 1, (Region('a', (0, 0, 1, 1)),)), 'label', id='label'),
        pytest.param(
            lambda: Finding('x', 1.5, (Region('a', (0, 0, 1, 1)),)),
            r'\[0, 1\], got 1.5',
            id='score',
        ),
        pytest.param(lambda: Finding('x', 1, ()), 'at least one region', id='nowhere'),
        pytest.param(
            lambda: Finding('x', 1, (Region('a', (0, 0, 1, 1)),) * 2), 'at most one', id='twice'
        ),
        pytest.param(lambda: Algorithm(''), 'model must have 1 to 64', id='model'),
        pytest.param(lambda: Algorithm('m', weights='/home/x/w.pth'), 'not a path', id='path'),
    ],
)
def test_bad_values_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_uid_of_an_algorithm_is_that_of_what_it_is():
    assert Algorithm('m', weights='a').uid == Algorithm('m', weights='a').uid
    assert Algorithm('m', weights='a').uid != Algorithm('m', weights='b').uid
    assert Algorithm('m').uid.startswith('2.25.')
