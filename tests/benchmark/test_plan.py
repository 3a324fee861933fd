from pathlib import Path

import pytest

from mmdet_medglip.benchmark.plan import plan_runs
from mmdet_medglip.benchmark.suite import load_suite

from .conftest import SUITE, write_store


def by_name(runs):
    return {(run.entry.name, run.seed): run for run in runs}


def test_one_run_for_each_entry_and_seed_with_its_data(runs, stores):
    found = by_name(runs)
    assert len(found) == 10
    half, foreign = found['half', 1], found['foreign', 0]
    assert half.config.randomness.seed == 1
    assert half.config.train_dataloader.dataset.data_root == str(stores['here'])
    assert foreign.config.train_dataloader.dataset.data_root == str(stores['there'])
    assert foreign.config.test_dataloader.dataset.data_root == str(stores['here'])
    assert half.folder.parts[-3:] == ('runs', 'half', 'seed-1')
    assert half.trained is half
    assert found['lacking', 0].trained is None


def test_a_run_starts_from_the_same_seed_of_what_it_comes_after(runs):
    found = by_name(runs)
    assert found['tuned', 1].parent is found['foreign', 1]
    assert found['tuned', 0].train_parts['weights'] != found['tuned', 1].train_parts['weights']
    assert found['half', 0].train_parts['weights'] == ''


def test_missing_weights_leave_an_entry_out_and_say_how_to_get_them(runs):
    run = by_name(runs)['lacking', 0]
    assert 'absent.pth' in run.lack
    assert 'fetch <script>' in run.lack
    assert not by_name(runs)['half', 0].lack


def plan(suite, stores, repository: Path, **changes):
    import yaml

    path = repository / 'changed.yaml'
    path.write_text(yaml.safe_dump({**SUITE, **changes}))
    changed = load_suite(path)
    return by_name(plan_runs(changed, changed.entries, stores, repository / 'out', repository))


CHECKOUT = Path(__file__).resolve().parents[2]


def test_image_size_reaches_all_pipelines(stores, tmp_path):
    import yaml

    path = tmp_path / 'sized.yaml'
    entry = {'name': 'half', 'config': 'configs/baselines/all_retinanet.py', 'train_on': 'here'}
    path.write_text(yaml.safe_dump({**SUITE, 'entries': [entry], 'image_size': 96}))
    suite = load_suite(path)
    run = plan_runs(suite, suite.entries, stores, tmp_path / 'out', CHECKOUT)[0]
    assert run.config.image_size == (96, 96)  # The costs of an entry are for this size.
    sizes = {
        loader: [
            step.get('scale') or step.get('size')
            for step in run.config[loader].dataset.pipeline
            if step['type'] in ('Resize', 'Pad')
        ]
        for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader')
    }
    assert sizes == {
        'train_dataloader': [(96, 96)] * 2,
        'val_dataloader': [(96, 96)],
        'test_dataloader': [(96, 96)],
    }


@pytest.mark.parametrize(
    ('options', 'train_changes', 'test_changes'),
    [
        ({'log_level': 'ERROR'}, [], []),
        ({'work_dir': 'elsewhere'}, [], []),
        ({'train_dataloader.batch_size': 2}, ['config'], []),
        ({'test_dataloader.batch_size': 2}, [], ['test config']),
        ({'model.type': 'OtherDetector'}, ['config'], ['test config']),
    ],
    ids=lambda value: str(value),
)
def test_parts_follow_what_results_depend_on(
    suite, stores, repository, runs, options, train_changes, test_changes
):
    before, after = by_name(runs)['half', 0], plan(suite, stores, repository, cfg_options=options)
    after = after['half', 0]

    def changed(old, new):
        return [name for name in old if old[name] != new[name]]

    assert changed(before.train_parts, after.train_parts) == train_changes
    assert changed(before.test_parts, after.test_parts) == test_changes


def test_where_a_store_lies_does_not_matter_but_what_is_in_it(suite, stores, repository, runs):
    before = by_name(runs)['half', 0]
    moved = stores['here'].rename(stores['here'].with_name('moved'))
    after = plan(suite, {**stores, 'here': moved}, repository)['half', 0]
    assert after.train_parts == before.train_parts
    assert after.test_parts == before.test_parts
    other = write_store(repository / 'other', seed=5).root
    (other / 'store.json').write_text(
        (other / 'store.json').read_text().replace('"small"', '"renamed"')
    )
    assert plan(suite, {**stores, 'here': other}, repository)['half', 0].test_parts == (
        before.test_parts
    ), 'the records are the same, and pixels without fingerprints are not looked at'


def test_a_bundled_language_model_reaches_the_config(stores, repository, monkeypatch):
    monkeypatch.delenv('GLIP_LANGUAGE_MODEL', raising=False)
    config = repository / 'configs' / 'toy.py'
    config.write_text(config.read_text() + "name = '{{$GLIP_LANGUAGE_MODEL:bert}}'\n")
    entries = [dict(SUITE['entries'][0], environment={'GLIP_LANGUAGE_MODEL': 'bundled'})]
    found = plan(None, stores, repository, entries=entries, reference='half')
    assert 'MiniLM' in found['half', 0].config.name or 'minilm' in found['half', 0].config.name
