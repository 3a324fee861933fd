"""A store of tiny CT slices with questions, reports and boxes of a detector."""

from pathlib import Path

import numpy as np
import pytest
from mmengine.registry import DefaultScope

from mmdet_medglip.downstream.generate import make_text_files
from mmdet_medglip.evaluation.image_result import ImageResult
from mmdet_medglip.evaluation.result_file import save_results
from mmdet_medglip.evaluation.results import Results
from mmdet_medglip.ingest.writer import StoreWriter
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.structures import Instance, Record

SIDE = 32
SPLITS = ['train'] * 4 + ['val'] * 2 + ['test'] * 2
LEFT, RIGHT = (18, 10, 30, 24), (2, 10, 12, 22)
STONES = {'left': (22, 14, 26, 18), 'right': (5, 14, 9, 18)}


def _record(patient: int, image: int) -> Record:
    found = [Instance(LEFT, 'kidney_left'), Instance(RIGHT, 'kidney_right')]
    if patient % 2:
        found.append(Instance((1, 1, 8, 8), 'liver_lesion'))
    if image:
        side = 'left' if (patient + patient // 2) % 2 else 'right'
        found.append(Instance(STONES[side], 'kidney_stone'))
    if image == 2:
        found.append(Instance((20, 1, 25, 6), 'liver_lesion'))
    return Record(
        f'p{patient}_{image}', SIDE, SIDE, 'ct', 'tiny', f'p{patient}', split=SPLITS[patient],
        instances=tuple(found), spacing_mm=(1.0, 1.0),
    )  # fmt: skip


@pytest.fixture(autouse=True)
def scope():
    """Find types without a prefix, as in a run."""
    with DefaultScope.overwrite_default_scope('mmdet_medglip'):
        yield


@pytest.fixture(scope='session')
def tiny_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a store of 8 patients with 3 slices; ``questions`` in it has all files."""
    root = tmp_path_factory.mktemp('tiny') / 'store'
    random = np.random.default_rng(0)
    with StoreWriter(root, name='tiny') as writer:
        for patient in range(8):
            for image in range(3):
                record = _record(patient, image)
                pixels = random.integers(0, 60, (SIDE, SIDE), dtype=np.uint8)
                for instance in record.instances:
                    x1, y1, x2, y2 = map(int, instance.bbox)
                    pixels[y1:y2, x1:x2] += 45
                writer.add(record, pixels)
    store = GroundingStore(root)
    make_text_files(store, root / 'questions', seed=0)
    save_results(root / 'questions' / 'predicted.npz', _results(store))
    return root


def _results(store: GroundingStore) -> Results:
    """A detector that finds everything, one pixel to the right."""
    classes = store.labels
    images = []
    for record in store:
        boxes = np.array([i.bbox for i in record.instances], np.float32).reshape(-1, 4)
        labels = np.array([classes.index(i.label) for i in record.instances], np.int64)
        images.append(
            ImageResult(
                image_id=record.image_id,
                modality='ct',
                height=SIDE,
                width=SIDE,
                phrases=tuple(store.display_names[label] for label in classes),
                asked=np.arange(len(classes)),
                boxes=boxes + np.float32([1, 0, 1, 0]),
                scores=np.linspace(0.9, 0.5, len(boxes), dtype=np.float32),
                box_phrases=labels,
                gt_boxes=boxes,
                gt_labels=labels,
                gt_ignore=np.zeros(len(boxes), bool),
                source='tiny',
                patient_id=record.patient_id,
            )
        )
    names = tuple(store.display_names[label] for label in classes)
    return Results(classes=classes, class_names=names, images=tuple(images))


CONFIG = """
_base_ = ['{root}/configs/downstream/ct_{task}.py']
expert = dict(type='ResNet', depth=18, base_channels=8, out_indices=(2, 3),
              norm_cfg=dict(type='GN', num_groups=2), norm_eval=False)
model = dict(
    image_encoder=dict(encoder=dict(
        _delete_=True, type='ModalityRouter', experts=dict(ct=expert))),
    in_channels=[64], channels=32)
train_cfg = dict(max_epochs=2, val_interval=2)
train_dataloader = dict(batch_size=4)
optim_wrapper = dict(optimizer=dict(lr=3e-3))
param_scheduler = []
"""


@pytest.fixture
def tiny_config(tiny_store: Path, repo_root: Path, tmp_path: Path):
    """Write the shipped config of a task, made small, for the tiny store; returns its path."""

    def write(task: str) -> str:
        path = tmp_path / f'{task}.py'
        path.write_text(CONFIG.format(root=repo_root, task=task))
        return str(path)

    return write
