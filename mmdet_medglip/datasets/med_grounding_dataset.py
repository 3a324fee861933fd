"""The data set: records of a store, an ODVG file or a COCO file, one dict at a time."""

import copy
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
from mmengine.dataset import BaseDataset, force_full_init
from mmengine.logging import print_log

from mmdet_medglip.ontology import Level, Ontology
from mmdet_medglip.registry import DATASETS, TRANSFORMS
from mmdet_medglip.routing import AUTO
from mmdet_medglip.structures import SPLITS

from .few_shot import log_shots, select_shots
from .hold_out import HoldOut
from .quarantine import Quarantine
from .record_info import PREFERENCES, record_info
from .sample_clock import SampleClock
from .sources import RecordSource, open_source
from .unreadable_image_error import UnreadableImageError
from .vocabulary import Vocabulary

__all__ = ['MedGroundingDataset']

_FILTERS = ('filter_empty_gt', 'bad_boxes')
_BAD_IMAGES = ('error', 'quarantine')


@DATASETS.register_module()
class MedGroundingDataset(BaseDataset):
    """Medical images with labelled boxes or grounded phrases.

    Records are read when asked for; what is held in memory is one index per record. Images
    without regions are kept: they are negatives. ``metainfo`` has ``classes`` (label ids, what
    ``bbox_label`` of a detection record indexes), ``class_names`` (display names) and
    ``labels_of`` (modality to label ids); it comes from the whole source, so that all splits of a
    store agree.

    Args:
        data_root: Folder of a store, or the folder that ``ann_file`` is relative to.
        ann_file: Empty for a store, ``*.jsonl`` for ODVG, ``*.json`` for COCO.
        split: ``'train'``, ``'val'`` or ``'test'``; None takes all records.
        modalities: Modalities to take, by any name the ontology knows; None takes all. With one
            entry, it is also the modality of annotation files that name none. ``'auto'`` takes all
            and tells the pipeline none, for ``RouteModality`` to find; what a record says stays in
            ``true_modality``.
        labels: Labels to take, by any name; their order is that of ``classes``. Boxes of other
            labels are left out, their images are kept; grounded phrases are not affected. None
            takes all, in ontology order.
        pipeline: Transforms, as dicts or callables.
        test_mode: Whether the data set is used for evaluation.
        filter_cfg: ``filter_empty_gt=True`` drops images without region; ``bad_boxes='drop'``
            drops bad boxes of an annotation file instead of raising.
        indices: First (or, negative, last) ``n`` records, or positions within the selection.
        max_refetch: How often the same record is tried again when a random training transform
            returns None. Another record is never put in its place.
        bad_images: What happens to an image of training that cannot be read. ``'error'`` stops,
            and names the file. ``'quarantine'`` writes it down (:class:`QuarantineHook`), and the
            next record of its modality that can be read takes its place, so that batches keep
            their size and ranks stay in step.
        max_bad_images: Distinct images that a process may pass over so; one more is an error.
        lazy_init: Open the source on first use rather than now.
        masks: Give each instance its mask, for ``LoadAnnotations(with_mask=True)``.
        prefer: Use records that have both as ``'phrases'`` (VG) or ``'labels'`` (OD).
        data_prefix: ``dict(img=...)``, folder of an annotation file's images below ``data_root``.
        level: ``'label'``, or ``'class'`` or ``'region'`` to take each label as what lies above it;
            ``labels`` still names labels. A group is asked only of the sources that annotate all of
            it, see :func:`~mmdet_medglip.datasets.label_groups.complete_groups`.
        hold_out: Arguments of :class:`HoldOut`, labels and sources kept apart for zero-shot tests.
        label_map: An annotation file's label numbers or names to names of the ontology, as a dict
            or as a JSON file below ``data_root``.
        shots: Take so few records that each label has this many shots, see ``select_shots``; None
            takes all. Records without a label, grounded phrases too, are then left out. What each
            label got is logged and in ``shots_of``; a label with fewer is a warning.
        shot_seed: Another seed draws other records.
        shot_unit: ``'image'`` or ``'instance'``, what counts as a shot.
        ontology: YAML file of an own ontology; by default the packaged one.
        metainfo: Further entries of ``metainfo``.

    Raises:
        FileNotFoundError: If the store or a file does not exist.
        ValueError: If a name is unknown, a record is bad, or nothing is selected.
    """

    def __init__(
        self,
        data_root: str = '',
        ann_file: str = '',
        split: str | None = None,
        modalities: Sequence[str] | str | None = None,
        labels: Sequence[str] | None = None,
        pipeline: Sequence[dict | Callable] = (),
        test_mode: bool = False,
        filter_cfg: Mapping[str, Any] | None = None,
        indices: int | Sequence[int] | None = None,
        max_refetch: int = 10,
        lazy_init: bool = False,
        *,
        masks: bool = False,
        prefer: str = 'phrases',
        data_prefix: Mapping[str, str] | None = None,
        level: Level = 'label',
        hold_out: Mapping[str, Any] | None = None,
        label_map: Mapping[str, str] | str | None = None,
        shots: int | None = None,
        shot_seed: int = 0,
        shot_unit: str = 'image',
        bad_images: str = 'error',
        max_bad_images: int = 100,
        ontology: str = '',
        metainfo: Mapping[str, Any] | None = None,
    ) -> None:
        self.is_auto = modalities == AUTO
        modalities = None if self.is_auto else modalities
        _check_arguments(split, filter_cfg or {}, prefer, modalities, labels, level)
        self.shots, self.shot_seed, self.shot_unit = shots, shot_seed, shot_unit
        self.shots_of: dict[str, int] = {}
        if bad_images not in _BAD_IMAGES:
            raise ValueError(f'bad_images must be one of {_BAD_IMAGES}, got {bad_images!r}.')
        keeps = bad_images == 'quarantine' and not test_mode
        self.quarantine = Quarantine(max_bad_images) if keeps else None
        self.clock = SampleClock()
        self.split = split
        self.masks = masks
        self.prefer = prefer
        self.label_map = label_map
        self.ontology = Ontology.from_yaml(ontology) if ontology else Ontology.default()
        self.modalities = _parse('modalities', modalities, self.ontology.parse_modality)
        self.labels = _parse('labels', labels, self.ontology.parse_label)
        self.level = level
        self.hold_out = HoldOut(ontology=self.ontology, **(hold_out or {}))
        super().__init__(
            ann_file=ann_file,
            metainfo=metainfo,
            data_root=data_root,
            data_prefix=dict(data_prefix or {'img': ''}),
            filter_cfg=dict(filter_cfg or {}),
            indices=indices,
            serialize_data=False,
            pipeline=[TRANSFORMS.build(t) if isinstance(t, Mapping) else t for t in pipeline],
            test_mode=test_mode,
            lazy_init=True,
            max_refetch=max_refetch,
        )
        if not lazy_init:
            self.full_init()

    def full_init(self) -> None:
        """Open the source and select the records; does nothing the second time."""
        if self._fully_initialized:
            return
        single = self.modalities[0] if self.modalities and len(self.modalities) == 1 else None
        single = AUTO if self.is_auto else single
        self.source = open_source(
            Path(self.data_root or '.'),
            Path(self.ann_file) if self.ann_file else None,
            ontology=self.ontology,
            image_root=Path(self.data_prefix.get('img') or self.data_root or '.'),
            label_map=self._label_map(),
            modality=single,
            bad_boxes=self.filter_cfg.get('bad_boxes', 'error'),
        )
        self.vocabulary = self._make_vocabulary(self.source)
        rows = self._select(self.source)
        if self.shots is not None:
            rows = self._take_shots(self.source, rows)
        self._rows = rows if self._indices is None else rows[_positions(self._indices, len(rows))]
        if self.masks:
            self._check_masks()
        self._metainfo.update(
            classes=self.vocabulary.ids,
            class_names=self.vocabulary.names,
            labels_of=self.vocabulary.labels_of,
        )
        self._fully_initialized = True

    @property
    def metainfo(self) -> dict:
        """``classes``, ``class_names``, ``labels_of`` and what the ``metainfo`` argument held."""
        self.full_init()
        return copy.deepcopy(self._metainfo)

    @force_full_init
    def __len__(self) -> int:
        return len(self._rows)

    @force_full_init
    def get_data_info(self, idx: int) -> dict:
        """Read one record.

        Args:
            idx: Position in the selection, ``-len(self) <= idx < len(self)``.

        Returns:
            The dict that ``record_info`` describes, and ``sample_idx``.

        Raises:
            IndexError: If ``idx`` is out of range.
        """
        if not -len(self._rows) <= idx < len(self._rows):
            raise IndexError(f'index {idx} is outside a data set of {len(self._rows)} records.')
        info = record_info(
            self.source[int(self._rows[idx])],
            self.source.image_root,
            self.vocabulary,
            masks=self.masks,
            prefer=self.prefer,
        )
        if self.is_auto:
            info['true_modality'], info['modality'] = info['modality'], AUTO
        info['sample_idx'] = int(idx) % len(self._rows)
        return info

    def __getitem__(self, idx: int) -> dict:
        """Run the pipeline on one record.

        Raises:
            UnreadableImageError: If the image is damaged; see ``bad_images``.
            FileNotFoundError: If it does not exist.
            ValueError: If the pipeline returns None, in training ``max_refetch + 1`` times.
        """
        with self.clock.seeded(idx):
            if self.quarantine is None:
                return self._prepared(idx)
            for place in self._alike(idx):
                try:
                    return self._prepared(place)
                except UnreadableImageError as error:
                    info = self.get_data_info(place)
                    self.quarantine.add(self.clock.epoch, info['img_id'], info['img_path'], error)
        raise UnreadableImageError(f'No image of the modality of record {idx} can be read.')

    def begin_epoch(self, seed: int, epoch: int) -> None:
        """Draw views and prompts of this epoch from its numbers, in worker processes too."""
        self.clock.begin(seed, epoch)

    def _alike(self, idx: int) -> Iterator[int]:
        """The position, and those of the same modality behind it, round to its begin."""
        yield idx  # All others are looked up only if it cannot be read.
        codes = self.source.column('modality')[0][self._rows]
        later = (idx + np.arange(1, len(codes))) % len(codes)
        yield from later[codes[later] == codes[idx]].tolist()

    def _prepared(self, idx: int) -> dict:
        for _ in range(1 if self.test_mode else self.max_refetch + 1):
            try:
                data = self.prepare_data(idx)
            finally:
                self.source.check_same()  # Else the image may be of another record.
            if data is not None:
                return data
        info = self.get_data_info(idx)
        raise ValueError(
            f'The pipeline returned None for record {info["img_id"]!r} ({info["img_path"]}), '
            f'{1 if self.test_mode else self.max_refetch + 1} times: remove the transform that '
            'drops it or raise max_refetch.'
        )

    @force_full_init
    def modality_indices(self) -> dict[str, np.ndarray]:
        """Return the positions of each modality's records, int64, in increasing order.

        Records whose modality is not stated (``'auto'``) come last.
        """
        codes, values = self.source.column('modality')
        selected = codes[self._rows]
        found = {name: np.flatnonzero(selected == code) for code, name in enumerate(values)}
        order = dict.fromkeys([*self.ontology.modalities, *found])
        return {name: found[name] for name in order if len(found.get(name, ()))}

    def get_cat_ids(self, idx: int) -> list[int]:
        """Return the distinct label indices of a detection record; none for a grounding one."""
        info = self.get_data_info(idx)
        if info['dataset_mode'] == 'VG':
            return []
        return sorted({instance['bbox_label'] for instance in info['instances']})

    @force_full_init
    def get_subset_(self, indices: int | Sequence[int]) -> None:
        """Keep the first (negative: last) ``n`` records, or those at the given positions."""
        self._rows = self._rows[_positions(indices, len(self._rows))]

    @force_full_init
    def get_subset(self, indices: int | Sequence[int]) -> 'MedGroundingDataset':
        """Return a data set of a part of the records, over the same source."""
        other = copy.copy(self)
        other.get_subset_(indices)
        return other

    @property
    def _taken(self) -> tuple[str, ...] | None:
        """Labels whose instances count; None for all, those without a label too."""
        all_labels = self.labels is None and self.hold_out.takes_all_labels
        return None if all_labels else self.vocabulary.labels

    def _label_map(self) -> Mapping[str, str] | Path | None:
        if isinstance(self.label_map, str):
            return Path(self.data_root or '.') / self.label_map
        return self.label_map

    def _make_vocabulary(self, source: RecordSource) -> Vocabulary:
        usage = source.label_usage
        if self.modalities is not None:
            usage = {where: ids for where, ids in usage.items() if where[0] in self.modalities}
        known = {label for ids in usage.values() for label in ids}
        if self.ann_file:
            known.update(source.declared_labels)
        foreign = sorted(known.difference(self.ontology.labels))
        if foreign:
            raise ValueError(
                f'{source.origin} has the label {foreign[0]!r}, which the ontology does not know: '
                'pass the label file it was written with as ontology=.'
            )
        ids = self.labels or tuple(label for label in self.ontology.labels if label in known)
        ids = tuple(label for label in ids if self.hold_out.takes_label(label))
        if not (ids or self.hold_out.takes_all_labels):
            raise ValueError(
                f'hold_out leaves no label of {source.origin}, which annotates '
                f'{", ".join(sorted(known))}: choose another fold, or name other labels.'
            )
        return Vocabulary.of(self.ontology, ids, usage, self.level)

    def _select(self, source: RecordSource) -> np.ndarray:
        """Return the rows of the wanted split and modalities, int64."""
        keep = np.ones(len(source), dtype=bool)
        for name, wanted in (('split', self.split and [self.split]), ('modality', self.modalities)):
            if wanted:
                present = source.counts(name)
                missing = [value for value in wanted if value not in present]
                if missing:
                    raise ValueError(
                        f'{source.origin} has no record of {name} {missing[0]!r}; it has '
                        f'{present or "no " + name + " field"}.'
                    )
                keep &= source.indices(name, wanted)
        keep &= self.hold_out.rows(source)
        keep &= self._can_be_asked(source, keep)
        if self.filter_cfg.get('filter_empty_gt', False):
            keep &= source.count_instances(self._taken) > 0
        if not keep.any():
            raise ValueError(
                f'No record of {source.origin} is selected by split={self.split!r}, '
                f'modalities={self.modalities}, filter_cfg={dict(self.filter_cfg)}; it has '
                f'{len(source)} records, splits {source.counts("split")}, modalities '
                f'{source.counts("modality")}.'
            )
        return np.flatnonzero(keep)

    def _can_be_asked(self, source: RecordSource, keep: np.ndarray) -> np.ndarray:
        """Return a mask, bool, without records of sources of which nothing may be asked.

        Of a source of which all labels are held out nothing is known to be on or absent from an
        image: whatever was asked would teach wrong. The same is true of classes or regions that a
        source annotates in part.
        """
        lost = np.zeros(len(source), dtype=bool)
        if self.level == 'label' and self.hold_out.takes_all_labels:
            return ~lost
        bare = [where for where in source.label_usage if not self.vocabulary.usage.get(where)]
        for modality, name in bare:
            lost |= source.indices('modality', [modality]) & source.indices('source', [name])
        if (lost & keep).any():
            print_log(
                f'No {self.level} is left to ask of {", ".join(sorted({n for _, n in bare}))}: '
                f'{int((lost & keep).sum())} of {int(keep.sum())} records are left out.',
                logger='current',
                level=logging.WARNING,
            )
        return ~lost

    def _take_shots(self, source: RecordSource, rows: np.ndarray) -> np.ndarray:
        """Return the selected rows that make the shots."""
        labels = self.vocabulary.labels
        counts = source.count_labels(labels)[rows]
        found = select_shots(counts, self.shots, self.shot_seed, self.shot_unit)
        if not len(found.rows):
            raise ValueError(
                f'shots={self.shots}: no selected record of {source.origin} has one of the '
                f'{len(labels)} labels {list(labels)[:5]}.'
            )
        log_shots(found, labels, self.shots, self.shot_unit)
        self.shots_of = dict(zip(labels, found.chosen.tolist(), strict=True))
        return rows[found.rows]

    def _check_masks(self) -> None:
        bare = self._rows[self.source.count_without_mask(self._taken)[self._rows] > 0]
        if len(bare):
            raise ValueError(
                f'{len(bare)} of {len(self._rows)} selected records of {self.source.origin} have '
                f'an instance without mask, the first is {self.source[int(bare[0])].image_id!r}: '
                'use masks=False, or select labels and modalities that have masks.'
            )

    def __repr__(self) -> str:
        where = self.ann_file or self.data_root
        return f'{type(self).__name__}({where!r}, split={self.split!r})'


def _check_arguments(
    split: str | None,
    filter_cfg: Mapping[str, Any],
    prefer: str,
    modalities: Sequence[str] | None,
    labels: Sequence[str] | None,
    level: str,
) -> None:
    if level not in get_args(Level):
        raise ValueError(f'level must be one of {get_args(Level)}, got {level!r}.')
    if split is not None and split not in SPLITS:
        raise ValueError(f'split must be one of {SPLITS} or None, got {split!r}.')
    unknown = sorted(set(filter_cfg).difference(_FILTERS))
    if unknown:
        raise ValueError(f'filter_cfg knows {_FILTERS}, got {unknown[0]!r}.')
    if prefer not in PREFERENCES:
        raise ValueError(f'prefer must be one of {PREFERENCES}, got {prefer!r}.')
    for name, value in (('modalities', modalities), ('labels', labels)):
        if isinstance(value, str) or (value is not None and not len(value)):
            raise ValueError(
                f'{name} must be a list with at least one name, or None, got {value!r}.'
            )


def _parse(
    name: str, values: Sequence[str] | None, parse: Callable[[str], str]
) -> tuple[str, ...] | None:
    if values is None:
        return None
    try:
        return tuple(dict.fromkeys(parse(value) for value in values))
    except ValueError as error:
        raise ValueError(f'MedGroundingDataset {name}: {error}') from error


def _positions(indices: int | Sequence[int], length: int) -> slice | np.ndarray:
    if isinstance(indices, int):
        return slice(0, indices) if indices >= 0 else slice(indices, None)
    positions = np.asarray(indices, dtype=np.int64)
    if positions.size and not (-length <= positions.min() and positions.max() < length):
        raise IndexError(f'indices must be in [{-length}, {length}), got {list(indices)[:8]}.')
    return positions
