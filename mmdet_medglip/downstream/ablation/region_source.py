"""The regions of a data set by the name of their source: the conditions of an ablation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from mmdet_medglip.evaluation.result_file import load_results
from mmdet_medglip.store import GroundingStore

from ..region_sources import patients_of, predicted_regions, shuffled_regions, true_regions
from ..regions import ImageRegions

__all__ = ['SOURCES', 'Source', 'regions_of']

Source = Literal['none', 'predicted', 'true', 'shuffled']
SOURCES: tuple[Source, ...] = get_args(Source)


def regions_of(
    store: GroundingStore,
    source: Source,
    predicted: str | Path | None = None,
    *,
    min_score: float = 0.2,
    max_regions: int = 32,
    seed: int = 0,
) -> Mapping[str, ImageRegions]:
    """Return the regions of all images of a store.

    Args:
        store: The images.
        source: ``none``; ``predicted`` by a detector; ``true``; or ``shuffled``: the predicted
            ones of another patient of the same split.
        predicted: Result file of the detector, asked of all splits; needed where its boxes are.
        min_score: Least score of a predicted box.
        max_regions: Most predicted boxes of an image.
        seed: Of the shuffling.

    Returns:
        Regions by image id; an image that has none has an empty entry.

    Raises:
        FileNotFoundError: If the result file does not exist.
        ValueError: If the source is unknown, no result file is named, or it lacks an image.
    """
    if source not in SOURCES:
        raise ValueError(f'regions.source must be one of {", ".join(SOURCES)}, got {source!r}.')
    if source == 'true':
        return true_regions(store)
    if source == 'none':
        nothing = np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
        return {
            r.image_id: ImageRegions(r.image_id, r.height, r.width, r.modality, (), *nothing)
            for r in store
        }
    if predicted is None:
        raise ValueError(
            f"regions.source={source!r} needs regions.predicted, the detector's result file: "
            '`python tools/test.py CONFIG --results FILE.npz --cfg-options data_root=STORE '
            'test_dataloader.dataset.split=None`.'
        )
    if not Path(predicted).is_file():
        raise FileNotFoundError(
            f'The result file {predicted} of regions.predicted does not exist; write it with '
            f'`python tools/test.py CONFIG --results {predicted} --cfg-options '
            f'data_root={store.root} test_dataloader.dataset.split=None`.'
        )
    found = predicted_regions(load_results(predicted), min_score, max_regions)
    patients = patients_of(store)
    absent = [image_id for image_id in patients if image_id not in found]
    if absent:
        raise ValueError(
            f'{predicted} has no answer for {len(absent)} of the {len(patients)} images of '
            f'{store.root}, such as {absent[0]!r}; test the detector on all splits of this store '
            'with `--cfg-options test_dataloader.dataset.split=None`.'
        )
    found = {image_id: found[image_id] for image_id in patients}
    if source == 'predicted':
        return found
    # Within each split: what training sees stays in training.
    splits: dict[str, dict[str, ImageRegions]] = {}
    for image_id, split in zip(patients, store.column('split').to_pylist(), strict=True):
        splits.setdefault(split, {})[image_id] = found[image_id]
    return {
        image_id: regions
        for of_split in splits.values()
        for image_id, regions in shuffled_regions(of_split, patients, seed).items()
    }
