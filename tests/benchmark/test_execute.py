"""Runs carried out with small programs in place of training and test; see test_benchmark.py."""

import pytest
import torch
from mmengine.config import Config
from msgspec.structs import replace

from mmdet_medglip.benchmark.command import CommandError, ToolRunner
from mmdet_medglip.benchmark.execute import execute_run, stale_parts
from mmdet_medglip.benchmark.state import Budget, read_state, write_state
from mmdet_medglip.evaluation import save_results
from mmdet_medglip.store import GroundingStore

from .conftest import results_of

TRAIN = """
import shutil, sys
from pathlib import Path
work = Path(sys.argv[sys.argv.index('--work-dir') + 1])
start = 2 if '--resume' in sys.argv else 1
(work / '20250101' / 'vis_data').mkdir(parents=True, exist_ok=True)
with (work / 'steps.txt').open('a') as file:
    for epoch in range(start, 4):
        file.write(f'{epoch} ')
        shutil.copy(Path(sys.argv[0]).with_name(f'epoch_{epoch}.pth'), work)
        (work / 'last_checkpoint').write_text(f'/elsewhere/epoch_{epoch}.pth')
        if epoch == 1 and Path(sys.argv[0]).with_name('break').exists():
            file.flush()
            raise SystemExit('killed')
(work / '20250101' / 'vis_data' / 'scalars.json').write_text('{"memory": 7}\\n{"cut')
"""
TEST = """
import shutil, sys
from pathlib import Path
work = Path(sys.argv[sys.argv.index('--work-dir') + 1])
(work / '20250102').mkdir(parents=True)
(work / '20250102' / '20250102.json').write_text('{"coco/AP50": 0.5, "time": 0.25}')
here = Path(sys.argv[0]).parent
with (here / 'tested.txt').open('a') as file:
    print(sys.argv[2], file=file)
shutil.copy(here / 'results.npz', sys.argv[sys.argv.index('--results') + 1])
"""


@pytest.fixture
def programs(tmp_path, stores) -> ToolRunner:
    tools = tmp_path / 'tools'
    tools.mkdir()
    (tools / 'train.py').write_text(TRAIN)
    (tools / 'test.py').write_text(TEST)
    for epoch in (1, 2, 3):
        meta = dict(epoch=epoch, iter=10 * epoch)
        torch.save(dict(meta=meta, state_dict={}), tools / f'epoch_{epoch}.pth')
    results = results_of(GroundingStore(stores['here']), lambda number: True)
    save_results(tools / 'results.npz', results)
    return ToolRunner(tools)


@pytest.fixture
def by_name(runs):
    return {run.name: run for run in runs}


def steps(run) -> str:
    return (run.folder / 'train' / 'steps.txt').read_text().strip()


def shown_weights(programs) -> list[str]:
    return (programs.tools / 'tested.txt').read_text().splitlines()


def test_a_run_is_carried_out_once(by_name, programs):
    run, told = by_name['half seed 0'], []
    execute_run(run, programs, told.append)
    assert told == ['half seed 0: training', 'half seed 0: test']
    state = read_state(run.folder)
    assert state.train.budget == Budget(epochs=3, iterations=30, images=120)
    assert state.train.peak_gpu_memory == 7 << 20
    # 8 images in 2 batches of 4, 0.25 s each.
    assert state.test.images_per_second == pytest.approx(16.0)
    assert stale_parts(run) == ([], [])
    assert shown_weights(programs) == [str(run.folder / 'train' / 'epoch_3.pth')]
    execute_run(run, programs, told.append)
    assert told[2:] == ['half seed 0: finished before']
    assert steps(run) == '1 2 3'


def test_a_training_that_was_cut_off_goes_on(by_name, programs):
    run, told = by_name['half seed 0'], []
    (programs.tools / 'break').touch()
    with pytest.raises(CommandError, match='killed'):
        execute_run(run, programs, told.append)
    assert read_state(run.folder).train.status == 'started'
    assert stale_parts(run) == (['not finished'], ['not finished'])
    (programs.tools / 'break').unlink()
    execute_run(run, programs, told.append)
    assert told[1] == 'half seed 0: training goes on from epoch_1.pth'
    assert steps(run) == '1 2 3'
    state = read_state(run.folder)
    assert state.train.done and state.test.done
    assert '--resume' in (run.folder / 'train.log').read_text()


@pytest.mark.parametrize(
    ('stage', 'part', 'any_code', 'trained', 'number_of_tests'),
    [
        ('train', 'config', False, '1 2 3', 2),
        ('train', 'code', True, '1 2 3', 1),
        ('test', 'test data', False, '1 2 3', 2),
        ('test', 'test code', True, '1 2 3', 1),
        ('test', 'test code', False, '1 2 3', 2),
    ],
)
def test_what_has_changed_is_done_again(
    by_name, programs, stage, part, any_code, trained, number_of_tests
):
    run, told = by_name['half seed 0'], []
    execute_run(run, programs, told.append)
    marker = run.folder / 'train' / 'kept'
    marker.touch()
    state = read_state(run.folder)
    old = getattr(state, stage)
    changed = replace(old, parts={**old.parts, part: 'other'})
    write_state(run.folder, replace(state, **{stage: changed}))
    execute_run(run, programs, told.append, any_code=any_code)
    assert steps(run) == trained
    assert len(shown_weights(programs)) == number_of_tests
    assert marker.exists() is not (stage == 'train' and not any_code)
    if stage == 'train' and not any_code:
        assert f'changed: {part}' in told[2]


def test_weights_of_another_run(by_name, programs):
    parent, child = by_name['foreign seed 1'], by_name['tuned seed 1']
    for run in (parent, child):
        execute_run(run, programs, lambda line: None)
    start = Config.fromfile(child.folder / 'config.py').load_from
    assert start == str(parent.folder / 'train' / 'epoch_3.pth')
    assert shown_weights(programs)[1] == str(child.folder / 'train' / 'epoch_3.pth')


def test_a_failed_test_does_not_train_again(by_name, programs):
    run = by_name['half seed 0']
    good = (programs.tools / 'test.py').read_text()
    (programs.tools / 'test.py').write_text('raise SystemExit("no memory")')
    with pytest.raises(CommandError, match='no memory'):
        execute_run(run, programs, lambda line: None)
    assert stale_parts(run) == ([], ['not finished'])
    (programs.tools / 'test.py').write_text(good)
    told = []
    execute_run(run, programs, told.append)
    assert told == ['half seed 0: test']
