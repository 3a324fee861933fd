import json

import pytest

from mmdet_medglip.answers import (
    PhrasePresence,
    PresenceCalibration,
    load_presence,
    save_presence,
)


@pytest.fixture
def calibration() -> PresenceCalibration:
    stone = PhrasePresence(1 / 3, -0.1, 0.7, 12, 30)
    few = PhrasePresence(0.5, 0.25, 0.4, 2, 40, own_threshold=False)
    return PresenceCalibration(
        'presence_head',
        PhrasePresence(0.1 + 0.2, 1e-17, 0.4, 14, 70),
        {'kidney stone': stone, 'caecum (Zäkum)': few},
        criterion='recall',
        target=0.95,
        shrinkage=1.0,
        weights='ab' * 32,
        source='epoch_12.pth of ct.py',
    )


def test_what_is_written_is_read(tmp_path, calibration):
    path = tmp_path / 'new' / 'presence.json'
    save_presence(path, calibration)
    assert load_presence(path) == calibration


def test_people_can_read_it(tmp_path, calibration):
    save_presence(tmp_path / 'p.json', calibration)
    text = (tmp_path / 'p.json').read_text(encoding='utf-8')
    assert 'caecum (Zäkum)' in text
    content = json.loads(text)['calibration']
    assert content['phrases']['kidney stone']['positives'] == 12
    assert content['source'] == 'epoch_12.pth of ct.py'
    assert content['criterion'] == 'recall'


def broken(*path: str, value: object = None) -> object:
    """Set (or, for a value of ..., remove) one entry of a file's content."""

    def change(content: dict) -> None:
        node = content
        for key in path[:-1]:
            node = node[key]
        if value is ...:
            del node[path[-1]]
        else:
            node[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        pytest.param(broken('calibration', value=...), 'missing required field `calib', id='half'),
        pytest.param(
            broken('calibration', 'overall', 'slope', value='1'),
            r'Expected `float`, got `str` - at `\$\.calibration\.overall\.slope`',
            id='type',
        ),
        pytest.param(
            broken('calibration', 'phrases', 'kidney stone', 'threshold', value=2.0),
            r'threshold must be in \[0, 1\], got 2\.0 - at `\$\.calibration\.phrases',
            id='range',
        ),
        pytest.param(
            broken('calibration', 'evidence', value='mood'),
            'evidence must be one of',
            id='evidence',
        ),
        pytest.param(broken('format', value='other 9'), "has the format 'other 9'", id='format'),
    ],
)
def test_a_bad_value_is_named(tmp_path, calibration, change, message):
    path = tmp_path / 'p.json'
    save_presence(path, calibration)
    content = json.loads(path.read_text(encoding='utf-8'))
    change(content)
    path.write_text(json.dumps(content), encoding='utf-8')
    with pytest.raises(ValueError, match=message) as caught:
        load_presence(path)
    assert str(path) in str(caught.value)
    assert 'tools/calibrate_presence.py' in str(caught.value)


@pytest.mark.parametrize(
    'content',
    [
        pytest.param(b'', id='empty'),
        pytest.param(b'{"format": ', id='cut-off'),
        pytest.param(b'\xff\xfe\x00', id='no-text'),
        pytest.param(b'[1, 2]', id='another-json'),
        pytest.param(b'{"format": NaN}', id='nan'),
        pytest.param(b'[' * 100_000, id='deep'),
    ],
)
def test_what_is_no_calibration_is_one_error(tmp_path, content):
    (tmp_path / 'p.json').write_bytes(content)
    with pytest.raises(ValueError, match='is no calibration of presence'):
        load_presence(tmp_path / 'p.json')


def test_a_missing_file_says_what_writes_one(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'at .*p\.json; write it with tools/calib'):
        load_presence(tmp_path / 'p.json')
