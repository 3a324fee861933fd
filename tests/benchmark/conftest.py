"""A small store, a suite on it, and runs whose results are made up by rule."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from mmdet_medglip.benchmark import Suite, load_suite
from mmdet_medglip.benchmark.execute import RESULTS_FILE, current_test_parts
from mmdet_medglip.benchmark.plan import Run, plan_runs
from mmdet_medglip.benchmark.state import Budget, RunState, Stage, write_state
from mmdet_medglip.evaluation import ImageResult, Results, save_results
from mmdet_medglip.ingest.writer import StoreWriter
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.structures import Instance, Record

EVIL = '<script>alert(1)</script>|`$x$`'
SIDE = 64
LABELS = {'ct': ('liver', 'spleen'), 'xray': ('heart',)}

CONFIG = """
default_scope = 'mmdet_medglip'
data_root = 'data/demo/store/'
model = dict(type='ToyDetector', data_preprocessor=None)
sampler = dict(type='DefaultSampler', shuffle=False)
dataset = dict(type='MedGroundingDataset', data_root=data_root)
train_dataloader = dict(batch_size=4, dataset=dict(dataset, split='train'))
test_dataloader = dict(batch_size=4, dataset=dict(dataset, split='test'))
test_evaluator = dict(type='MedCocoMetric')
test_cfg = dict(type='TestLoop')
"""

SUITE = {
    'title': f'Made up {EVIL}',
    'description': 'By rule.',
    'data': {'here': {'store': 'make it'}, 'there': {'store': 'make it'}},
    'test_on': 'here',
    'reference': 'half',
    'seeds': [0, 1],
    'entries': [
        {'name': 'half', 'config': 'configs/toy.py', 'train_on': 'here'},
        {'name': 'all', 'config': 'configs/toy.py', 'train_on': 'here', 'note': EVIL},
        {'name': 'foreign', 'config': 'configs/toy.py', 'train_on': 'there'},
        {'name': 'tuned', 'config': 'configs/toy.py', 'train_on': 'here', 'after': 'foreign'},
        {'name': 'lacking', 'config': 'configs/toy.py', 'weights': 'absent.pth',
         'weights_command': f'fetch {EVIL}'},
    ],
}  # fmt: skip


def write_store(root: Path, seed: int) -> GroundingStore:
    """Two images of each of four patients per modality: two train, one val, one test patient."""
    rng = np.random.default_rng(seed)
    with StoreWriter(root, name='small') as writer:
        for modality, labels in LABELS.items():
            for number, split in enumerate(('train', 'train', 'val', 'test', 'test')):
                for image in range(2):
                    boxes = [(4 + 20 * n, 6, 20 + 20 * n, 30) for n in range(len(labels))]
                    pairs = zip(boxes, labels, strict=True)
                    record = Record(
                        f'{modality}-{number}-{image}-{EVIL}', SIDE, SIDE, modality, 'src',
                        f'{modality}-p{number}', split=split,
                        instances=tuple(Instance(box, label=label) for box, label in pairs),
                    )  # fmt: skip
                    writer.add(record, rng.integers(0, 255, (SIDE, SIDE), dtype=np.uint8))
    return GroundingStore(root)


def results_of(store: GroundingStore, found: Callable[[int], bool]) -> Results:
    """Results of the test images: every box is right on images that ``found`` takes, else away."""
    classes = ('heart', 'liver', 'spleen')
    images = []
    for number, row in enumerate(store.indices('test')):
        record = store[int(row)]
        boxes = np.array([i.bbox for i in record.instances], np.float32)
        labels = np.array([classes.index(i.label) for i in record.instances], np.int64)
        answers = boxes if found(number) else boxes + 30
        images.append(
            ImageResult(
                image_id=record.image_id, modality=record.modality, height=SIDE, width=SIDE,
                phrases=tuple(i.label for i in record.instances), asked=labels,
                boxes=answers, scores=np.full(len(boxes), 0.75, np.float32),
                box_phrases=np.arange(len(boxes)), gt_boxes=boxes, gt_labels=labels,
                gt_ignore=np.zeros(len(boxes), bool), patient_id=record.patient_id,
            )
        )  # fmt: skip
    return Results(classes=classes, class_names=classes, images=tuple(images))


def finish(run: Run, results: Results) -> None:
    """Make a run look finished with these results."""
    run.folder.mkdir(parents=True)
    save_results(run.folder / RESULTS_FILE, results)
    common = {'status': 'done', 'seconds': 100.0, 'peak_memory': 2 * 10**9, 'device': 'cpu'}
    train = Stage(dict(run.train_parts), budget=Budget(3, 30, 240), **common)
    test = Stage(current_test_parts(run), images_per_second=12.5, **common)
    write_state(run.folder, RunState(train if run.train_parts else None, test))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Folder with ``configs/toy.py``."""
    (tmp_path / 'configs').mkdir()
    (tmp_path / 'configs' / 'toy.py').write_text(CONFIG)
    return tmp_path


@pytest.fixture
def stores(tmp_path: Path) -> dict[str, Path]:
    return {
        name: write_store(tmp_path / name, seed).root for seed, name in enumerate(('here', 'there'))
    }


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    path = tmp_path / 'mine.yaml'
    path.write_text(yaml.safe_dump(SUITE))
    return load_suite(path)


@pytest.fixture
def runs(suite: Suite, stores: dict[str, Path], repository: Path) -> list[Run]:
    return plan_runs(suite, suite.entries, stores, repository / 'out', repository)
