import numpy as np
import pycocotools.mask
import pytest

from mmdet_medglip.ingest.masks import decode_rle
from mmdet_medglip.ingest.outlines import RegionError, checked_rle
from mmdet_medglip.structures.run_lengths import checked_runs, runs_of


def padded(runs: list[int], more: int) -> str:
    """Write runs with ``more`` characters than each needs, which no program does."""
    text = ''
    for place, run in enumerate(runs):
        value, left = run - runs[place - 2] if place > 2 else run, more
        while True:
            low, value = value & 0x1F, value >> 5
            done = (value == 0 and not low & 0x10) or (value == -1 and bool(low & 0x10))
            if done and left == 0:
                text += chr(48 + low)
                break
            left -= done
            text += chr(48 + (low | 0x20))
    return text


def test_runs_are_those_that_were_written():
    mask = np.zeros((5, 7), bool)
    mask[1:3, 2:6] = True
    counts = pycocotools.mask.encode(np.asfortranarray(mask, np.uint8))['counts'].decode()
    assert runs_of(counts).tolist() == [11, 2, 3, 2, 3, 2, 3, 2, 7]
    assert runs_of('').size == 0


def test_longer_numbers_are_read_alike_or_refused():
    """From seven characters on, pycocotools reads another mask than is written, or crashes."""
    runs = [3, 10, 4, 2, 16]
    for more in range(8):
        rle = {'size': [5, 7], 'counts': padded(runs, more)}
        if max(map(len, (padded([run], more) for run in (3, 10)))) > 6:
            with pytest.raises(ValueError, match='damaged'):
                checked_runs(rle)
            with pytest.raises(RegionError, match='damaged'):
                checked_rle(rle, (5, 7))
        elif more < 4:
            expected = np.repeat(np.arange(5) % 2 == 1, runs).reshape(7, 5).T
            assert (decode_rle(rle) == expected).all()


@pytest.mark.parametrize(
    ('rle', 'message'),
    [
        pytest.param({'size': [2, 2], 'counts': 'o'}, 'damaged', id='never-ends'),
        pytest.param({'size': [2, 2], 'counts': '漢'}, 'damaged', id='other-letters'),
        pytest.param({'size': [2, 2], 'counts': '~'}, 'damaged', id='beyond-the-alphabet'),
        pytest.param(
            {'size': [2, 2], 'counts': '5'}, 'do not add up to the 4 pixels', id='too-long'
        ),
        pytest.param({'size': [2, 2], 'counts': ''}, 'do not add up', id='empty'),
        pytest.param({'size': [2, 2], 'counts': '5O'}, 'do not add up', id='negative'),
        pytest.param({'size': [2, 2], 'counts': [4]}, "text as 'counts'", id='list'),
        pytest.param({'size': [2], 'counts': '4'}, r"'size' \[height, width\]", id='size'),
        pytest.param({'size': [-2, -2], 'counts': '4'}, r"'size' \[height, width\]", id='sign'),
        pytest.param({}, r"'size' \[height, width\]", id='nothing'),
    ],
)
def test_what_is_refused(rle, message):
    with pytest.raises(ValueError, match=message):
        checked_runs(rle)
