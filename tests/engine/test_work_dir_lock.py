import multiprocessing
import os
import subprocess
import sys
import time

import pytest

from mmdet_medglip.engine.training_stopped import TrainingStoppedError
from mmdet_medglip.engine.work_dir_lock import hold_work_dir

HOLDER = """
import fcntl, os, sys
file = open(sys.argv[1], 'a+')
fcntl.lockf(file, fcntl.LOCK_EX)
file.truncate(0)
file.write(str(os.getpid()))
file.flush()
print('held', flush=True)
sys.stdin.read()
"""


def test_a_second_training_is_refused_and_the_first_may_be_killed(tmp_path):
    (tmp_path / 'work').mkdir()
    holder = subprocess.Popen(
        [sys.executable, '-c', HOLDER, tmp_path / 'work' / '.training'],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == 'held\n'
    message = rf'Another training \(process {holder.pid}\) works in .*work; .* --work-dir'
    with pytest.raises(TrainingStoppedError, match=message), hold_work_dir(tmp_path / 'work'):
        pass
    holder.kill()
    holder.wait()
    with hold_work_dir(tmp_path / 'work'):
        assert (tmp_path / 'work' / '.training').read_text() == str(os.getpid())


def hold_and_die(folder, begun):
    holding = hold_work_dir(folder)
    holding.__enter__()
    worker = multiprocessing.get_context('fork').Process(target=time.sleep, args=(5,))
    worker.start()
    begun.set()
    os._exit(0)


def test_workers_that_outlive_a_killed_training_do_not_hold_on(tmp_path):
    fork = multiprocessing.get_context('fork')
    begun = fork.Event()
    training = fork.Process(target=hold_and_die, args=(tmp_path / 'work', begun))
    training.start()
    assert begun.wait(20)
    training.join()
    with hold_work_dir(tmp_path / 'work'):
        pass
