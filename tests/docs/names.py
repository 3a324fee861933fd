"""What a page says in words is there before its first block, such as ``model``."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.docs.world import World
from tests.ingest import dicom_files as files
from tests.tools.test_evaluate import write_volume


def _model(world: World, folder: Path) -> dict[str, Any]:
    return {'model': world.detector}


def _hierarchy(world: World, folder: Path) -> dict[str, Any]:
    import torch

    from mmdet_medglip.testing.samples import make_sample

    return {
        'model': world.detector,
        'images': torch.zeros(1, 3, 128, 128),
        'sample': make_sample(None, 'ct', shape=(128, 128)),
        'boxes': torch.tensor([[10.0, 20.0, 60.0, 90.0]]),
    }


def _routing(world: World, folder: Path) -> dict[str, Any]:
    path = folder / 'work_dirs/medglip/all_auto/epoch_36.pth'
    path.parent.mkdir(parents=True)
    path.symlink_to(world.classifier)
    return {'model': world.detector}


def _speed(world: World, folder: Path) -> dict[str, Any]:
    from mmdet.models.utils.vlfuse_helper import BiMultiHeadAttention
    from torch import nn

    attention = BiMultiHeadAttention(v_dim=8, l_dim=8, embed_dim=16, num_heads=2)
    return {'model': nn.Sequential(attention)}


def _cards(world: World, folder: Path) -> dict[str, Any]:
    from mmdet_medglip.ingest.captions import with_caption
    from mmdet_medglip.structures import Instance, Record

    boxes = ((5, 5, 20, 20), (30, 5, 40, 20))
    found = [Instance(bbox=box, label='liver_lesion') for box in boxes]
    kidney = Instance(bbox=(50, 30, 60, 44), label='kidney_left')
    # The hash of the id chooses the wording; the page shows one of them.
    records = [
        Record(
            f'btcv/{number}', 64, 64, 'ct', 'btcv', 'p1', view='axial', body_region='abdomen',
            instances=(*found, kidney),
        )
        for number in range(50)
    ]  # fmt: skip
    shown = 'This axial CT slice of the abdomen shows'
    return {'record': next(r for r in records if with_caption(r).caption.startswith(shown))}


def _data(world: World, folder: Path) -> dict[str, Any]:
    """A COCO file of a brain MR, as the page names it."""
    import json

    root = folder / 'brain/valid'
    root.mkdir(parents=True)
    Image.fromarray(np.zeros((32, 32), np.uint8)).save(root / 'a.png')
    box = {'id': 1, 'image_id': 1, 'category_id': 1, 'bbox': [4, 4, 8, 8], 'area': 64}
    box |= {'iscrowd': 0, 'segmentation': [[4, 4, 12, 4, 12, 12, 4, 12]]}
    content = {
        'images': [{'id': 1, 'file_name': 'a.png', 'height': 32, 'width': 32}],
        'annotations': [box],
        'categories': [{'id': 1, 'name': 'Tumor'}],
    }
    (root / '_annotations.coco.json').write_text(json.dumps(content))
    return {}


def _evaluation(world: World, folder: Path) -> dict[str, Any]:
    """The result file that a slow command of the page writes."""
    write_volume(folder / 'ct.npz')
    return {}


def _ingest(world: World, folder: Path) -> dict[str, Any]:
    """Two sources in the layouts of their recipes, one with an image of each split."""
    from mmdet_medglip.ingest import load_recipe
    from tests.ingest.recipes.layouts import LAYOUTS
    from tests.ingest.recipes.layouts.files import image

    shutil.rmtree(folder / 'data/store')
    for name in ('kvasir_seg', 'drishti_gs'):
        root = folder / 'data/raw' / load_recipe(name).root
        root.mkdir(parents=True)
        LAYOUTS[name].make(root)
    polyps = folder / 'data/raw' / load_recipe('kvasir_seg').root / 'Kvasir-SEG'
    for number in range(1, 21):
        image(polyps / f'images/cju{number}.jpg')
        shutil.copy(polyps / 'masks/cju0.jpg', polyps / f'masks/cju{number}.jpg')
    return {}


def _inference(world: World, folder: Path) -> dict[str, Any]:
    """A packed model; docs/pack.md makes one."""
    from mmdet_medglip.cli.main import main

    words = ['pack', 'configs/medglip/ct.py', 'models/ct', '--licence', 'Apache-2.0']
    assert main(words) == 0
    return {}


def _tutorial(world: World, folder: Path) -> dict[str, Any]:
    """What the long commands of the page make: phantoms and a result file."""
    shutil.copytree(world.demo, folder / 'data/tutorial')
    write_volume(folder / 'polyps.npz')
    return {}


def _modalities(world: World, folder: Path) -> dict[str, Any]:
    """An image of each modality."""
    for name in ('chest.png', 'thyroid.png', 'frame.jpg', 'mole.jpg', 'retina.jpg'):
        Image.open(folder / 'slice.png').save(folder / name)
    shutil.copy(folder / 'ct.nii.gz', folder / 'brain.nii.gz')
    return {}


def _formats(world: World, folder: Path) -> dict[str, Any]:
    """A CT series with its SEG, which the page shows as a list of files alone."""
    root = folder / 'raw/dicom'
    square = np.zeros((6, 8), np.uint8)
    square[1:4, 2:5] = 1
    files.write_series(root, count=3)
    files.write_seg(root / 'liver.dcm', [(1, 1, square)], {1: 'liver'})
    return {}


NAMES: dict[str, Callable[[World, Path], dict[str, Any]]] = {
    'data.md': _data,
    'evaluation.md': _evaluation,
    'formats.md': _formats,
    'exports_and_cards.md': _cards,
    'hierarchy.md': _hierarchy,
    'inference.md': _inference,
    'ingest.md': _ingest,
    'modalities.md': _modalities,
    'model.md': _model,
    'model_card.md': _evaluation,
    'routing.md': _routing,
    'speed.md': _speed,
    'tutorial.md': _tutorial,
    'volumes.md': _evaluation,
}
"""Names of the first block by page; the function may also put files into the page's folder."""
