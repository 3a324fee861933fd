"""Batches of one modality each, balanced over modalities by a temperature."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from mmengine.dist import get_dist_info
from torch.utils.data import BatchSampler, Sampler

from mmdet_medglip.registry import DATA_SAMPLERS

__all__ = ['ModalityBalancedBatchSampler', 'batches_per_modality', 'modality_indices']


@DATA_SAMPLERS.register_module()
class ModalityBalancedBatchSampler(BatchSampler):
    """Yield single-modality batches, each modality as often as its temperature share says.

    One epoch of all ranks together is ``len(batch_sampler) * world_size`` full batches:

    - **Share.** Modality ``m`` with ``n_m`` images gets ``p_m ~ n_m ** temperature`` of the
      batches (1: natural, 0: the same number for each), rounded by largest remainder so that the
      sum is exact; every modality gets at least one batch where there are enough.
    - **Data sets.** With ``dataset_ratio`` the batches are first shared out over the data sets of a
      ``ConcatDataset`` in that ratio, then over the modalities of each; a batch is then of one data
      set too. So old data are replayed beside new ones, however many images each has.
    - **Images.** The batches of ``m`` are cut from a stream of shuffles of its ``n_m`` images laid
      end to end: no image comes a second time before each has come once. Hence all batches are
      full, a modality with a large share repeats images within the epoch, one with a small share
      shows a new random part of its images in each epoch.
    - **Ranks.** The batches are shuffled and dealt out, rank ``r`` takes every ``world_size``-th
      from ``r`` on. Ranks may therefore hold different modalities in one step, always yield the
      same number of batches, and share no image as long as the modality is not repeated.
    - **Seed.** The order depends on ``sampler.seed`` and ``sampler.epoch`` only (both set by
      mmengine and equal on all ranks), not on global random state; resuming at epoch ``k`` gives
      the order that an uninterrupted run has in epoch ``k``.

    Only ``sampler.dataset``, ``seed`` and ``epoch`` of the wrapped sampler are used; its own order
    is not. Use it for training; validation needs mmengine's ``DefaultSampler(shuffle=False)``.

    Args:
        sampler: A sampler over a ``MedGroundingDataset`` or a ``ConcatDataset`` of such.
        batch_size: Images per batch and rank.
        drop_last: If True an epoch has ``len(dataset) // (batch_size * world_size)`` batches per
            rank, otherwise the next larger number. Batches are full either way.
        temperature: The exponent, 0..1.
        num_batches: Batches per rank and epoch; by default as ``drop_last`` says.
        dataset_ratio: Share of the batches of each data set, as in mmdet's ``MultiDataSampler``;
            one number per data set, none negative; 0 leaves a data set out.

    Raises:
        TypeError: If ``sampler`` is not a torch sampler or its dataset has no modalities.
        ValueError: If a number is out of its range or an epoch would have no batch.
    """

    def __init__(
        self,
        sampler: Sampler,
        batch_size: int,
        drop_last: bool = False,
        temperature: float = 0.5,
        num_batches: int | None = None,
        dataset_ratio: Sequence[float] | None = None,
    ) -> None:
        if not isinstance(sampler, Sampler) or not hasattr(sampler, 'dataset'):
            raise TypeError(f'sampler must be a torch Sampler with a dataset, got {sampler!r}.')
        if not isinstance(batch_size, int) or batch_size <= 0:
            raise ValueError(f'batch_size must be a positive integer, got {batch_size!r}.')
        if not 0 <= temperature <= 1:
            raise ValueError(f'temperature must be in [0, 1], got {temperature!r}.')
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.temperature = temperature
        self.rank, self.world_size = get_dist_info()
        self.indices = modality_indices(sampler.dataset)
        self.dataset_ratio = dataset_ratio
        self._groups = _groups(sampler.dataset, dataset_ratio)
        self.num_batches = self._epoch_length() if num_batches is None else num_batches
        if self.num_batches <= 0:
            raise ValueError(
                f'An epoch of {len(sampler.dataset)} images has no batch of {batch_size} images on '
                f'{self.world_size} ranks (num_batches={num_batches}, drop_last={drop_last}): use '
                'a smaller batch_size or drop_last=False.'
            )
        self._epoch = 0

    def __iter__(self) -> Iterator[list[int]]:
        """Yield this rank's batches of the current epoch, each a list of dataset indices."""
        epoch = getattr(self.sampler, 'epoch', self._epoch)
        self._epoch += 1
        rng = np.random.default_rng([getattr(self.sampler, 'seed', None) or 0, epoch])
        rows = [one for group in self._groups for one in group.indices]
        quotas = self._quotas(self.num_batches * self.world_size)
        streams = [
            _stream(one, quota * self.batch_size, rng)
            for one, quota in zip(rows, quotas, strict=True)
        ]
        modality = rng.permutation(np.repeat(np.arange(len(quotas)), quotas))
        place = np.empty_like(modality)
        for code, quota in enumerate(quotas):
            place[modality == code] = np.arange(quota)
        for batch in range(self.rank, len(modality), self.world_size):
            start = place[batch] * self.batch_size
            yield streams[modality[batch]][start : start + self.batch_size].tolist()

    def __len__(self) -> int:
        """Return the number of batches of this rank in one epoch."""
        return self.num_batches

    def _quotas(self, total: int) -> list[int]:
        """Batches of each modality of each group."""
        shares = batches_per_modality([group.share for group in self._groups], total, 1.0)
        return [
            quota
            for group, share in zip(self._groups, shares, strict=True)
            for quota in batches_per_modality(
                [len(rows) for rows in group.indices], share, self.temperature
            )
        ]

    def _epoch_length(self) -> int:
        images, per_step = len(self.sampler.dataset), self.batch_size * self.world_size
        return images // per_step if self.drop_last else -(-images // per_step)


class _Group(NamedTuple):
    """Data sets that share their batches by temperature: one, or all without a ratio."""

    share: float
    indices: tuple[np.ndarray, ...]


def _groups(dataset: object, ratio: Sequence[float] | None) -> list[_Group]:
    """The data sets that batches are shared out over.

    Raises:
        ValueError: The ratio does not fit the data sets.
    """
    if ratio is None:
        return [_Group(1.0, tuple(modality_indices(dataset).values()))]
    parts = getattr(dataset, 'datasets', [dataset])
    if len(ratio) != len(parts) or min(ratio) < 0 or not any(ratio):
        raise ValueError(
            f'dataset_ratio must have one number of at least 0 for each of {len(parts)} data sets, '
            f'and one above 0, got {list(ratio)}.'
        )
    starts = np.cumsum([0, *map(len, parts)])
    return [
        _Group(share, tuple(rows + start for rows in modality_indices(part).values()))
        for part, share, start in zip(parts, ratio, starts[:-1], strict=True)
        if share > 0
    ]


def modality_indices(dataset: object) -> dict[str, np.ndarray]:
    """Return the dataset indices of each modality, of a data set or a concatenation of such.

    Args:
        dataset: An object with ``modality_indices()``, or with ``datasets`` of such.

    Returns:
        Modality to int64 indices; modalities without images are left out.

    Raises:
        TypeError: If the data set does not know its modalities.
    """
    if hasattr(dataset, 'modality_indices'):
        return {name: rows for name, rows in dataset.modality_indices().items() if len(rows)}
    if not hasattr(dataset, 'datasets'):
        raise TypeError(
            f'{type(dataset).__name__} has no modality_indices(): use MedGroundingDataset or a '
            'ConcatDataset of such with ModalityBalancedBatchSampler.'
        )
    parts: dict[str, list[np.ndarray]] = {}
    offset = 0
    for part in dataset.datasets:
        for name, rows in modality_indices(part).items():
            parts.setdefault(name, []).append(rows + offset)
        offset += len(part)
    return {name: np.concatenate(rows) for name, rows in parts.items()}


def batches_per_modality(sizes: Sequence[float], total: int, temperature: float) -> list[int]:
    """Share out ``total`` batches over modalities in proportion to ``size ** temperature``.

    Args:
        sizes: Images of each modality, all positive.
        total: Batches to share out.
        temperature: The exponent, 0..1.

    Returns:
        Batches of each modality. They sum to ``total`` and none is 0 if ``total >= len(sizes)``.

    Example:
        >>> batches_per_modality([900, 100], total=10, temperature=1.0)
        [9, 1]
        >>> batches_per_modality([900, 100], total=8, temperature=0.5)
        [6, 2]
    """
    weights = np.asarray(sizes, dtype=np.float64) ** temperature
    exact = total * weights / weights.sum()
    quotas = np.floor(exact + 1e-9).astype(np.int64)
    if total >= len(sizes):
        quotas = np.maximum(quotas, 1)
    while quotas.sum() < total:
        quotas[np.argmax(exact - quotas)] += 1
    while quotas.sum() > total:
        quotas[np.argmax(np.where(quotas > 1, quotas - exact, -np.inf))] -= 1
    return quotas.tolist()


def _stream(rows: np.ndarray, length: int, rng: np.random.Generator) -> np.ndarray:
    """Lay shuffles of ``rows`` end to end and cut at ``length``."""
    repeats = max(1, -(-length // len(rows)))
    return np.concatenate([rng.permutation(rows) for _ in range(repeats)])[:length]
