"""The whole way: plan, tasks, publication, continuation, growth."""

import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from mmdet_medglip.ingest import IngestError, remove_source, run_ingest
from mmdet_medglip.ingest import tasks as tasks_module
from mmdet_medglip.ingest.recipe import Recipe, parse_recipe
from mmdet_medglip.ingest.rejects import Reject, read_rejects
from mmdet_medglip.ingest.run import private_folder
from mmdet_medglip.ingest.tasks import Progress
from mmdet_medglip.registry import READERS
from mmdet_medglip.store import GroundingStore


def ingest(tmp_path: Path, *recipes: dict, out: str = 'store', **options: Any):
    options.setdefault('engine', 'serial')
    parsed = [parse_recipe(recipe) for recipe in recipes]
    return run_ingest(parsed, tmp_path / 'raw', tmp_path / out, name='s', **options)


def bytes_of(root: Path) -> dict[str, bytes]:
    """Content of each file below a folder."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob('*'))
        if path.is_file()
    }


def test_store_holds_what_the_masks_say(tmp_path: Path, polyp_source: Callable) -> None:
    (report,) = ingest(tmp_path, polyp_source())
    store = GroundingStore(tmp_path / 'store')
    assert len(store) == 40
    assert report.added
    assert report.entry['rejected'] == {}
    first = store[0]
    assert (first.image_id, first.patient_id) == ('polyps/p000_0000', 'polyps/p000')
    assert first.instances == ()
    region = store[1].instances[0]
    assert region.label == 'polyp'
    x1, y1, x2, y2 = region.bbox
    assert (x2 - x1, y2 - y1) == (9, 8)
    assert all(store.image_path(record).is_file() for record in store)
    assert store.verify() == ()


def test_patients_are_whole(tmp_path: Path, polyp_source: Callable) -> None:
    ingest(tmp_path, polyp_source())
    splits: dict[str, set[str]] = {}
    for record in GroundingStore(tmp_path / 'store'):
        splits.setdefault(record.patient_id, set()).add(record.split)
    assert len(splits) == 20
    assert all(len(of_patient) == 1 for of_patient in splits.values())
    assert len(set.union(*splits.values())) == 3


@pytest.mark.parametrize(
    'options',
    [{'engine': 'processes', 'workers': 2}, {'engine': 'processes', 'workers': 1}],
    ids=['two', 'one'],
)
def test_bytes_do_not_depend_on_workers(
    tmp_path: Path, polyp_source: Callable, options: dict
) -> None:
    recipe = polyp_source()
    ingest(tmp_path, recipe, out='serial')
    ingest(tmp_path, recipe, out='parallel', **options)
    assert bytes_of(tmp_path / 'serial') == bytes_of(tmp_path / 'parallel')


def test_cluster_gives_the_same_bytes(tmp_path: Path, polyp_source: Callable) -> None:
    pytest.importorskip('distributed', reason='Dask is not installed')
    recipe = polyp_source()
    ingest(tmp_path, recipe, out='serial')
    ingest(tmp_path, recipe, out='cluster', engine='dask', workers=2)
    assert bytes_of(tmp_path / 'serial') == bytes_of(tmp_path / 'cluster')


def _ingest_and_die(recipes: list[Recipe], raw: Path, store: Path, after: int) -> None:
    calls = []

    def count(progress: Progress) -> None:
        calls.append(progress)
        if len(calls) == after:
            os.kill(os.getpid(), signal.SIGKILL)

    run_ingest(recipes, raw, store, name='s', engine='serial', on_progress=count)


def test_killed_run_continues_to_the_same_bytes(
    tmp_path: Path, polyp_source: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = [polyp_source(), polyp_source('more', 20, seed=1)]
    ingest(tmp_path, *sources, out='whole')
    recipes = [parse_recipe(recipe) for recipe in sources]
    killed = tmp_path / 'store'
    context = multiprocessing.get_context('fork')
    for after in (1, 3, 2, 3):
        arguments = (recipes, tmp_path / 'raw', killed, after)
        process = context.Process(target=_ingest_and_die, args=arguments)
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    assert (killed / '.ingest').is_dir()
    done: list[Progress] = []
    ingest(tmp_path, *sources, on_progress=done.append)
    assert done[0].items > 0
    assert bytes_of(killed) == bytes_of(tmp_path / 'whole')
    assert not (killed / '.ingest').exists()


def test_unfinished_store_says_how_to_go_on(tmp_path: Path, polyp_source: Callable) -> None:
    recipes = [parse_recipe(polyp_source())]
    context = multiprocessing.get_context('fork')
    arguments = (recipes, tmp_path / 'raw', tmp_path / 'store', 2)
    process = context.Process(target=_ingest_and_die, args=arguments)
    process.start()
    process.join()
    with pytest.raises(FileNotFoundError, match='Run the same command again'):
        GroundingStore(tmp_path / 'store')


def test_changed_file_is_read_again(tmp_path: Path, polyp_source: Callable, save) -> None:
    recipe = polyp_source()
    context = multiprocessing.get_context('fork')
    arguments = ([parse_recipe(recipe)], tmp_path / 'raw', tmp_path / 'store', 3)
    process = context.Process(target=_ingest_and_die, args=arguments)
    process.start()
    process.join()
    mask = np.full((24, 32), 255, dtype=np.uint8)
    mask[:, :2] = 0
    save(tmp_path / 'raw' / 'polyps' / 'masks' / 'p000_0001.png', mask)
    ingest(tmp_path, recipe)
    ingest(tmp_path, recipe, out='fresh')
    assert GroundingStore(tmp_path / 'store')[1].instances[0].bbox == (2, 0, 32, 24)
    assert bytes_of(tmp_path / 'store') == bytes_of(tmp_path / 'fresh')


def test_growth_touches_nothing_old(tmp_path: Path, polyp_source: Callable) -> None:
    first, second = polyp_source(), polyp_source('more', 20, seed=1)
    ingest(tmp_path, first)
    before = bytes_of(tmp_path / 'store')
    old = GroundingStore(tmp_path / 'store')
    reports = ingest(tmp_path, first, second)
    assert [report.added for report in reports] == [False, True]
    after = bytes_of(tmp_path / 'store')
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {'store.json', 'rejects.parquet'}
    new = GroundingStore(tmp_path / 'store')
    assert [record.split for record in old] == [new[i].split for i in range(len(old))]
    assert len(new) == 60
    ingest(tmp_path, first, second, out='at_once')
    assert bytes_of(tmp_path / 'at_once') == after


def test_removed_source_can_come_again(tmp_path: Path, polyp_source: Callable) -> None:
    first, second = polyp_source(), polyp_source('more', 20, seed=1)
    ingest(tmp_path, first, second)
    whole = bytes_of(tmp_path / 'store')
    remove_source(tmp_path / 'store', 'more')
    assert len(GroundingStore(tmp_path / 'store')) == 40
    assert not any('more' in name for name in bytes_of(tmp_path / 'store'))
    ingest(tmp_path, first, second)
    assert bytes_of(tmp_path / 'store') == whole


def test_another_recipe_of_the_name_is_refused(tmp_path: Path, polyp_source: Callable) -> None:
    recipe = polyp_source()
    ingest(tmp_path, recipe)
    with pytest.raises(IngestError, match=r"source 'polyps' from another recipe.*remove"):
        ingest(tmp_path, recipe | {'boxes': {'min_area': 4}})
    ingest(tmp_path, recipe | {'title': 'another title'})


def test_two_writers_are_refused(tmp_path: Path, polyp_source: Callable) -> None:
    recipe = polyp_source()

    def again(progress: Progress) -> None:
        ingest(tmp_path, recipe)

    with pytest.raises(IngestError, match='Another ingest works on'):
        ingest(tmp_path, recipe, on_progress=again)


def test_foreign_folder_is_left_alone(tmp_path: Path, polyp_source: Callable) -> None:
    (tmp_path / 'store').mkdir()
    (tmp_path / 'store' / 'thesis.txt').write_text('precious')
    with pytest.raises(FileExistsError, match='is not a store'):
        ingest(tmp_path, polyp_source())


def rejects(tmp_path: Path) -> list[Reject]:
    return list(read_rejects(tmp_path / 'store' / 'rejects.parquet'))


def test_what_is_left_out_is_listed(tmp_path: Path, polyp_source: Callable, save) -> None:
    recipe = polyp_source()
    root = tmp_path / 'raw' / 'polyps'
    (root / 'images' / 'p000_0000.png').write_bytes(b'no image')
    save(root / 'masks' / 'p000_0001.png', np.zeros((3, 3), np.uint8))
    save(root / 'images' / 'p001_0002.png', np.zeros((24, 32, 3), np.uint8))
    (root / 'masks' / 'p001_0003.png').unlink()
    other = (root / 'images' / 'p002_0005.png').read_bytes()
    (root / 'images' / 'p003_0007.png').write_bytes(other)
    mask = (root / 'masks' / 'p002_0005.png').read_bytes()
    (root / 'masks' / 'p003_0007.png').write_bytes(mask)
    (report,) = ingest(tmp_path, recipe)
    found = {(r.stage, r.file.rsplit('/')[-1].removesuffix('.png')) for r in rejects(tmp_path)}
    assert {
        ('read', 'p000_0000'),
        ('read', 'p000_0001'),
        ('quality', 'p001_0002'),
        ('read', 'p001_0003'),
        ('quality', 'p003_0007'),
    } <= found
    left = sum(sum(reasons.values()) for reasons in report.entry['rejected'].values())
    assert left == len(rejects(tmp_path)) == 5
    store = GroundingStore(tmp_path / 'store')
    assert len(store) == 35
    assert store.verify() == ()
    files = {p.name for p in (tmp_path / 'store' / 'images').rglob('*.png')}
    assert len(files) == 35


def test_details_name_files_relative_to_the_source(tmp_path: Path, polyp_source: Callable) -> None:
    recipe = polyp_source(count=4)
    (tmp_path / 'raw' / 'polyps' / 'images' / 'p000_0000.png').write_bytes(b'no image')
    ingest(tmp_path, recipe)
    (reject,) = rejects(tmp_path)
    assert reject.detail.startswith('images/p000_0000.png cannot be read as an image')


def test_names_without_label_are_listed_with_the_nearest(
    tmp_path: Path, polyp_source: Callable
) -> None:
    recipe = polyp_source(masks=[{'path': 'masks/{stem}.png', 'label': 'polipp'}])
    with pytest.raises(ValueError, match=r"'polipp'.*polyp.*labels"):
        ingest(tmp_path, recipe)


def test_pseudonyms(tmp_path: Path, polyp_source: Callable) -> None:
    recipe = polyp_source(identifiers='pseudonymous')
    (tmp_path / 'raw' / 'polyps' / 'images' / 'p000_0000.png').write_bytes(b'no image')
    ingest(tmp_path, recipe)
    store = tmp_path / 'store'
    assert len(GroundingStore(store)) == 39
    content = b''.join(bytes_of(store).values()) + ''.join(bytes_of(store)).encode()
    assert b'p000_0000' not in content
    assert b'p001' not in content
    private = private_folder(store)
    names = pq.read_table(private / 'names' / 'polyps.parquet').to_pylist()
    record = GroundingStore(store)[0]
    told = {(row['kind'], row['name']): row['pseudonym'] for row in names}
    assert record.image_id == f'polyps/{told["image", "p000_0001"]}'
    assert record.patient_id == f'polyps/{told["patient", "p000"]}'
    (reject,) = rejects(tmp_path)
    assert reject.file in {p for (kind, _), p in told.items() if kind == 'file'}
    assert oct((private / 'key').stat().st_mode)[-3:] == '600'


def test_pseudonyms_keep_splits_and_need_the_same_key(
    tmp_path: Path, polyp_source: Callable
) -> None:
    open_recipe = polyp_source()
    recipe = open_recipe | {'identifiers': 'pseudonymous'}
    ingest(tmp_path, open_recipe, out='open')
    ingest(tmp_path, recipe)
    assert [r.split for r in GroundingStore(tmp_path / 'open')] == [
        r.split for r in GroundingStore(tmp_path / 'store')
    ]
    (private_folder(tmp_path / 'store') / 'key').unlink()
    with pytest.raises(IngestError, match='from another key'):
        ingest(tmp_path, recipe)


def test_patients_of_one_scope_stay_in_their_split(tmp_path: Path, polyp_source: Callable) -> None:
    first = polyp_source(split={'fixed': 'train'}, patient_scope='clinic')
    second = polyp_source('more', 20, seed=1, split={'fixed': 'test'}, patient_scope='clinic')
    reports = ingest(tmp_path, first, second)
    reasons = {'split': {'patient is in another split of the store': 20}}
    assert reports[1].entry['rejected'] == reasons
    assert len(GroundingStore(tmp_path / 'store')) == 40


def test_full_disk_stops_and_continues(
    tmp_path: Path, polyp_source: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = polyp_source()
    ingest(tmp_path, recipe, out='whole')
    original = Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        if 'p010' in self.name:
            raise OSError(28, 'No space left on device', str(self))
        return original(self, data)

    with monkeypatch.context() as patched:
        patched.setattr(Path, 'write_bytes', full)
        patched.setattr('shutil.copyfile', lambda a, b: full(Path(b), Path(a).read_bytes()))
        with pytest.raises(OSError, match='No space left on device'):
            ingest(tmp_path, recipe)
    assert not (tmp_path / 'store' / 'store.json').exists()
    ingest(tmp_path, recipe)
    assert bytes_of(tmp_path / 'store') == bytes_of(tmp_path / 'whole')


def test_limit_takes_the_first_items(tmp_path: Path, polyp_source: Callable) -> None:
    ingest(tmp_path, polyp_source(), limit=5)
    assert len(GroundingStore(tmp_path / 'store')) == 5


def test_item_that_kills_its_process_is_rejected(
    tmp_path: Path, polyp_source: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decoder that crashes is played by isolated calls that report a signal."""
    recipe = parse_recipe(polyp_source())
    calls: list[int] = []

    def crash(function: Callable, arguments: tuple) -> int:
        items = arguments[3]
        calls.append(len(items))
        if any(item.name.endswith('p005_0010.png') for item in items):
            return -signal.SIGSEGV
        function(*arguments)
        return 0

    def die(self: Any, function: Callable, tasks: Iterable) -> Iterator:
        for number, task in enumerate(tasks):
            if number == 1 and not calls:
                raise tasks_module.WorkerDiedError('a worker died')
            yield function(*task)

    monkeypatch.setattr(tasks_module, 'run_isolated', crash)
    monkeypatch.setattr(tasks_module.TaskEngine, 'run', die)
    run_ingest([recipe], tmp_path / 'raw', tmp_path / 'store', engine='serial')
    (reject,) = rejects(tmp_path)
    assert reject.reason == 'the reader process died'
    assert reject.detail == f'ended by signal {int(signal.SIGSEGV)}'
    assert 'p005_0010' in reject.file
    assert len(GroundingStore(tmp_path / 'store')) == 39


def test_index_tells_where_a_source_comes_from(tmp_path: Path, polyp_source: Callable) -> None:
    ingest(tmp_path, polyp_source())
    (entry,) = json.loads((tmp_path / 'store' / 'store.json').read_text())['sources']
    assert entry['url'] == 'https://example.org/polyps'
    assert entry['licence'] == 'CC0-1.0'
    assert len(entry['digest']) == len(entry['inputs']) == 64


READER = """
from mmdet_medglip.ingest.readers import Reader
from mmdet_medglip.ingest.source import SourceImage, SourceItem, SourceRegion
from mmdet_medglip.registry import READERS


@READERS.register_module(force=True)
class CornerReader(Reader):
    def items(self):
        return [SourceItem(path.name) for path in sorted(self.root.glob('images/*.png'))]

    def read(self, item):
        path = self.root / 'images' / item.name
        region = SourceRegion('polyp', bbox=(0, 0, 5, 5))
        yield SourceImage(path.stem, path, (24, 32), (region,))
"""


@pytest.mark.parametrize('engine', ['serial', 'processes'])
def test_reader_of_ones_own(
    tmp_path: Path, polyp_source: Callable, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    (tmp_path / 'corner_reader.py').write_text(READER)
    monkeypatch.syspath_prepend(str(tmp_path))
    recipe = polyp_source(count=4, reader='CornerReader')
    del recipe['images'], recipe['masks']
    with pytest.raises(ValueError, match=r"unknown reader 'CornerReader'.*--import"):
        READERS.module_dict.pop('CornerReader', None)
        ingest(tmp_path, recipe)
    ingest(tmp_path, recipe, engine=engine, imports=['corner_reader'])
    assert GroundingStore(tmp_path / 'store')[0].instances[0].bbox == (0, 0, 5, 5)
    READERS.module_dict.pop('CornerReader')
    sys.modules.pop('corner_reader')
