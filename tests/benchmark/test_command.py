import threading
import time

import pytest

from mmdet_medglip.benchmark.command import CommandError, ToolRunner


@pytest.fixture
def runner(tmp_path):
    (tmp_path / 'works.py').write_text(
        'import sys, time\nblock = bytearray(50_000_000)\nprint("said", *sys.argv[1:])\n'
        'time.sleep(2)\n'
    )
    (tmp_path / 'fails.py').write_text('print("before")\nraise SystemExit("the reason")\n')
    (tmp_path / 'sleeps.py').write_text(
        'import subprocess, sys, time\n'
        'child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])\n'
        'print(child.pid, flush=True)\ntime.sleep(60)\n'
    )
    return ToolRunner(tmp_path)


def test_output_and_cost_are_kept(runner, tmp_path):
    log = tmp_path / 'logs' / 'a.log'
    ballast = bytearray(b'x' * 400_000_000)  # not the command's
    usage = runner.run('works.py', ['a b', 'c'], log)
    assert 0 < usage.seconds < 60
    assert 50e6 < usage.peak_memory < 200e6 < len(ballast)
    text = log.read_text()
    assert text.startswith('$ ')
    assert "works.py 'a b' c" in text.splitlines()[0]
    assert text.endswith('said a b c\n')


def test_a_failure_shows_the_last_lines(runner, tmp_path):
    with pytest.raises(CommandError, match=r'`python fails\.py` ended with status 1') as error:
        runner.run('fails.py', [], tmp_path / 'b.log')
    assert 'the reason' in str(error.value)
    assert str(tmp_path / 'b.log') in str(error.value)


def test_end_reaches_commands_of_other_threads_and_their_children(runner, tmp_path):
    log, errors = tmp_path / 'c.log', []

    def work():
        try:
            runner.run('sleeps.py', [], log)
        except CommandError as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    deadline = time.monotonic() + 30
    while not (log.is_file() and len(log.read_text().splitlines()) == 2):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    child = int(log.read_text().splitlines()[1])
    runner.end()
    thread.join(timeout=30)
    assert 'status -15' in str(errors[0])
    while _runs(child):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with pytest.raises(CommandError, match='was ended'):
        runner.run('works.py', [], log)


def _runs(pid: int) -> bool:
    try:
        with open(f'/proc/{pid}/stat') as file:
            return file.read().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False
