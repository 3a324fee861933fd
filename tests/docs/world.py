"""The small world that the pages speak of: a demo store, models, scans."""

from __future__ import annotations

import functools
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.docs.page import ROOT

STORES = ('data/mine', 'data/real', 'data/store', 'data/new/store', 'data/unseen/store',
          'data/both/store', 'data/ct30/store', 'data/demo_questions/store',
          'data/demo_detector/store')  # fmt: skip
"""Folders of stores that pages name; each is a copy of the demo store."""
LINKS = ('configs', 'tools', 'benchmarks', 'requirements', 'mmdet_medglip')
MODALITIES = ('ct', 'mri', 'xray', 'ultrasound', 'endoscopy', 'dermoscopy', 'fundus')


class World:
    """Files that the folders of all pages share, made once, each when it is first asked for.

    Args:
        root: Folder to make them in.
        modalities: Modalities of the demo store.
    """

    def __init__(self, root: Path, modalities: tuple[str, ...] = ('ct', 'endoscopy')) -> None:
        self.root, self.modalities = root, modalities

    @functools.cached_property
    def demo(self) -> Path:
        """Demo data of few patients, each split with some."""
        from mmdet_medglip.testing.phantoms.demo import make_demo_data

        make_demo_data(self.root / 'demo', modalities=self.modalities, patients=8)
        return self.root / 'demo'

    @functools.cached_property
    def weights(self) -> Path:
        """Random weights that find something everywhere, of the configs of all modalities.

        The experts are one: their tensors are in the file once.
        """
        import torch

        state = dict(self.detector.state_dict())
        for name in [name for name in state if 'experts.ct.' in name]:
            for modality in MODALITIES:
                state[name.replace('experts.ct.', f'experts.{modality}.')] = state[name]
        path = self.root / 'epoch_36.pth'
        torch.save({'state_dict': state}, path)
        return path

    @functools.cached_property
    def detector(self) -> Any:
        """The model with these weights."""
        from mmengine.registry import DefaultScope

        from mmdet_medglip.engine.config import load_config
        from mmdet_medglip.registry import MODELS
        from tests.export.detectors import spread

        with DefaultScope.overwrite_default_scope('mmdet_medglip'):
            return spread(MODELS.build(load_config(ROOT / 'configs/medglip/ct.py').model))

    @functools.cached_property
    def classifier(self) -> Path:
        """A checkpoint with a modality classifier."""
        import torch

        from mmdet_medglip.models import ModalityClassifier

        torch.manual_seed(0)
        model = ModalityClassifier(modalities=['ct', 'mri'])
        state = {f'modality_classifier.{k}': v for k, v in model.state_dict().items()}
        path = self.root / 'classifier.pth'
        torch.save({'state_dict': state}, path)
        return path

    def folder(self, name: str) -> Path:
        """Make the folder of a page: links to the checkout, copies of the data, scans."""
        folder = self.root / 'pages' / name.replace('/', '_')
        folder.mkdir(parents=True)
        for link in LINKS:
            (folder / link).symlink_to(ROOT / link)
        # Hard links: files of a store are replaced, never written into.
        shutil.copytree(self.demo, folder / 'data/demo', copy_function=os.link)
        for store in STORES:
            shutil.copytree(self.demo / 'store', folder / store, copy_function=os.link)
        for modality in MODALITIES:
            work = folder / 'work_dirs/medglip' / modality
            work.mkdir(parents=True)
            (work / 'epoch_36.pth').symlink_to(self.weights)
            (work / 'last_checkpoint').write_text(f'work_dirs/medglip/{modality}/epoch_36.pth')
        _write_scans(folder, next((self.demo / 'raw/ct/imagesTr').glob('*.nii.gz')))
        return folder


def _write_scans(folder: Path, volume: Path) -> None:
    import nibabel

    from tests.ingest import dicom_files as files

    stored = nibabel.load(volume)
    slices = np.asarray(stored.dataobj).round().astype(np.int16)
    # Every eighth voxel: a cut in another plane has few slices too.
    affine = stored.affine @ np.diag([8.0, 8.0, 1.0, 1.0])
    nibabel.save(nibabel.Nifti1Image(slices[::8, ::8], affine), folder / 'ct.nii.gz')
    for index in range(min(3, slices.shape[2])):
        pixels = np.ascontiguousarray(slices[:, :, index].T) + np.int16(1024)
        files.save(folder / 'series' / f'{index}.dcm', files.ct_slice(index, pixels))
    shutil.copy(folder / 'series/1.dcm', folder / 'scan.dcm')
    shutil.copy(folder / 'series/1.dcm', folder / '1.dcm')
    shown = np.clip(slices[:, :, 1].T / 400.0 * 255 + 100, 0, 255).astype(np.uint8)
    (folder / 'folder').mkdir()
    for path in ('slice.png', 'folder/a.png', 'folder/b.png'):
        Image.fromarray(shown).convert('RGB').save(folder / path)
    (folder / 'report.txt').write_text('The liver is enlarged. No effusion.\n')
    (folder / 'LICENSE.txt').write_text('Apache-2.0\n')
