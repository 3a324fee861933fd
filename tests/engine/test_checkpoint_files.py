"""Torn checkpoints are never taken while an older whole one is there."""

import logging

import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger

from mmdet_medglip.engine.checkpoint_files import checkpoint_fault, newest_whole
from mmdet_medglip.engine.launch import find_checkpoint, find_resume


def save(path, value=1.0):
    torch.save({'state_dict': {'w': torch.full((400,), value)}, 'meta': {'epoch': 1}}, path)
    return path


def flip(place):
    def damage(data):
        at = int(len(data) * place)
        return data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]

    return damage


DAMAGES = [
    pytest.param(lambda data: b'', 'is empty', id='empty'),
    pytest.param(lambda data: data[: len(data) // 2], 'cut off or damaged', id='half'),
    pytest.param(lambda data: data[:-1], 'cut off or damaged', id='one-byte-short'),
    pytest.param(lambda data: b'\0' * len(data), 'cut off or damaged', id='zeros'),
    pytest.param(flip(0.5), 'is damaged', id='a-bit-of-a-weight'),
    pytest.param(lambda data: b'no checkpoint', 'cut off or damaged', id='text'),
]


@pytest.fixture
def warnings():
    lines = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: lines.append(record.getMessage())
    logger = MMLogger.get_current_instance()
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)


@pytest.fixture
def folder(tmp_path):
    for number in (1, 2, 10):
        save(tmp_path / f'epoch_{number}.pth', number)
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'epoch_10.pth'))
    save(tmp_path / 'best_coco_epoch_99.pth')
    return tmp_path


def test_the_newest_is_taken_by_number(folder, warnings):
    assert newest_whole(folder).path == folder / 'epoch_10.pth'
    (folder / 'last_checkpoint').unlink()
    assert newest_whole(folder).path == folder / 'epoch_10.pth'
    # Killed between the checkpoint and the pointer to it.
    (folder / 'last_checkpoint').write_text(str(folder / 'epoch_2.pth'))
    assert newest_whole(folder).path == folder / 'epoch_10.pth'
    assert warnings == []


def test_what_an_earlier_training_left_is_not_taken(folder, warnings):
    """A second training of the folder reached epoch 2; epoch 10 was there before it."""
    save(folder / 'epoch_2.pth', 22)
    (folder / 'last_checkpoint').write_text(str(folder / 'epoch_2.pth'))
    assert newest_whole(folder).path == folder / 'epoch_2.pth'
    save(folder / 'epoch_3.pth', 33)  # ... and then 3, and was killed before the pointer to it.
    assert newest_whole(folder).path == folder / 'epoch_3.pth'
    assert warnings == []


@pytest.mark.parametrize('pointer', ['right', 'none', 'empty', 'gone'])
@pytest.mark.parametrize(('damage', 'reason'), DAMAGES)
def test_a_torn_one_is_passed_over_with_one_warning(folder, warnings, damage, reason, pointer):
    torn = folder / 'epoch_10.pth'
    torn.write_bytes(damage(torn.read_bytes()))
    {
        'right': lambda: None,
        'none': (folder / 'last_checkpoint').unlink,
        'empty': lambda: (folder / 'last_checkpoint').write_text(''),
        'gone': lambda: (folder / 'last_checkpoint').write_text('/elsewhere/epoch_11.pth'),
    }[pointer]()
    assert reason in checkpoint_fault(torn)
    found = newest_whole(folder)
    assert found.path == folder / 'epoch_2.pth'
    assert torn in [path for path, _ in found.faults]
    (warning,) = warnings
    assert str(torn) in warning
    assert f'{folder / "epoch_2.pth"} is taken' in warning
    config = Config(dict(work_dir=str(folder)))
    find_resume(config, 'auto')
    assert (config.resume, config.load_from) == (True, str(folder / 'epoch_2.pth'))
    assert find_checkpoint(config, None, 'c.py') == str(folder / 'epoch_2.pth')


def test_every_flipped_byte_that_changes_a_weight_is_seen(tmp_path):
    path = save(tmp_path / 'epoch_1.pth')
    data, weights = path.read_bytes(), torch.load(path)['state_dict']['w']
    unseen = 0
    for at in range(0, len(data), 7):
        path.write_bytes(data[:at] + bytes([data[at] ^ 16]) + data[at + 1 :])
        if checkpoint_fault(path) is None:
            unseen += 1
            assert torch.equal(torch.load(path)['state_dict']['w'], weights)
    assert unseen < 0.5 * len(data) / 7


def test_none_whole_is_an_error_and_none_at_all_a_beginning(folder):
    config = Config(dict(work_dir=str(folder / 'new'), load_from='pretrained.pth'))
    find_resume(config, 'auto')
    assert (config.resume, config.load_from) == (False, 'pretrained.pth')
    for path in folder.glob('epoch_*.pth'):
        path.write_bytes(b'')
    config.work_dir = str(folder)
    with pytest.raises(
        ValueError, match=r'no checkpoint that is whole \(epoch_10.pth: it is empty'
    ):
        find_resume(config, 'auto')
    with pytest.raises(FileNotFoundError, match='holds no checkpoint that is whole'):
        find_checkpoint(config, None, 'c.py')


def test_a_named_checkpoint_is_taken_as_it_is():
    config = Config(dict(work_dir='w'))
    find_resume(config, 'mine.pth')
    assert (config.resume, config.load_from) == (True, 'mine.pth')
    find_resume(config, None)
    assert config.load_from == 'mine.pth'


def test_a_folder_that_was_moved(folder, tmp_path_factory):
    there = tmp_path_factory.mktemp('other') / 'moved'
    folder.rename(there)
    assert newest_whole(there).path == there / 'epoch_10.pth'
    folder.mkdir()


def test_a_file_of_an_old_format_cannot_be_checked(tmp_path):
    path = tmp_path / 'epoch_1.pth'
    torch.save({'w': torch.ones(2)}, path, _use_new_zipfile_serialization=False)
    assert checkpoint_fault(path) is None
    assert 'does not exist' in checkpoint_fault(tmp_path / 'epoch_2.pth')
