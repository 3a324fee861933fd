"""What a store of millions of regions costs to open, to sample and to share with loader workers.

    python benchmarks/store_scale.py [--regions 5300000] [--odvg-regions 500000] [--json]

Synthetic records (ids, patients, spacing, labels of the ontology, one mask in five regions) go
through the real shard writer; no image file is made, because none is opened. MMDetection's
``ODVGDataset`` is measured in the same run on a file of ``--odvg-regions`` regions of the same
kind. Every figure comes from a fresh process:

- ``open_s``: building the data set, its label file included.
- ``rss_mb``: growth of the resident memory from before the data set is built to after it gave
  ``--samples`` random records, mapped files included; ``anonymous_mb`` is the same without pages
  of files.
- ``fetch_us``: median of ``get_data_info(i)`` over these records, without pipeline and image.
- ``workers_mb``: private pages (USS) of four forked ``DataLoader`` workers together, after each
  served ``--samples`` random records: what they add to the parent, the interpreter's own
  copy-on-write included. ``workers_bare_mb`` is the same of workers over an empty data set.
- ``bare_open_s`` and ``bare_fetch_us``: the same of ``GroundingStore`` without the data set.

The last line is JSON with ``--json``; ``ratio`` is ODVG's figure divided by the store's, although
the store holds more regions. Needs about 1.5 GB in the temporary folder, and removes it.
"""

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import psutil

REGIONS_PER_IMAGE = 4.8
SOURCES_PER_MODALITY = 2
SIDE = 512
MASKED = 0.2
KEYS = ('open_s', 'rss_mb', 'workers_mb', 'fetch_us')
MEASURES = ('store', 'odvg', 'nothing')


def shapes(rng: np.random.Generator, count: int = 300) -> list[tuple[tuple, dict]]:
    """Make boxes and the run lengths of the ellipses in them."""
    from pycocotools import mask as coco_mask

    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    made = []
    for _ in range(count):
        width, height = rng.integers(12, 160, 2)
        x, y = rng.integers(0, SIDE - width), rng.integers(0, SIDE - height)
        inside = ((columns - x) / width - 0.5) ** 2 + ((rows - y) / height - 0.5) ** 2 < 0.25
        rle = coco_mask.encode(np.asfortranarray(inside.astype(np.uint8)))
        box = (int(x), int(y), int(x + width), int(y + height))
        made.append((box, {'size': [SIDE, SIDE], 'counts': rle['counts'].decode()}))
    return made


def records(source: str, modality: str, regions: int, seed: int) -> Iterator[Any]:
    """Make the records of a source with exactly so many regions."""
    from mmdet_medglip.ontology import Ontology
    from mmdet_medglip.structures import Instance, Record

    rng = np.random.default_rng(seed)
    pool, ontology = shapes(rng), Ontology.default()
    labels = [name for name in ontology.labels if modality in ontology.info(name).modalities]
    images = max(1, round(regions / REGIONS_PER_IMAGE))
    for number, count in enumerate(rng.multinomial(regions, np.full(images, 1 / images))):
        patient, position = divmod(number, 40)
        instances = []
        for which, label, draw in zip(
            rng.integers(0, len(pool), count),
            rng.integers(0, len(labels), count),
            rng.random(count),
            strict=True,
        ):
            box, mask = pool[which]
            volume = f'{labels[label]}:1' if modality in ('ct', 'mri') else None
            mask = mask if draw < MASKED else None
            instances.append(Instance(box, labels[label], mask=mask, volume_instance_id=volume))
        name = f'{source}/case_{patient:05d}/{position:04d}'
        yield Record(
            name,
            SIDE,
            SIDE,
            modality,
            source,
            f'{source}-{patient:05d}',
            image_path=f'images/{modality}/{source}/case_{patient:05d}_{position:04d}.png',
            split=('train', 'train', 'train', 'val', 'test')[patient % 5],
            instances=tuple(instances),
            licence='CC BY-NC-SA 4.0',
            study_id=f'study_{patient:05d}',
            series_id=f'series_{patient:05d}_1',
            slice_index=position,
            spacing_mm=(0.7421875, 0.7421875),
            view='axial',
            rescale_intercept=-1024.0 if modality == 'ct' else 0.0,
            rescale_type='HU' if modality == 'ct' else None,
        )


def write_source(root: Path, source: str, modality: str, regions: int, seed: int) -> dict:
    """Write the shards of one source; a task of a worker process."""
    from mmdet_medglip.ingest.shards import SourceWriter

    rng = np.random.default_rng(seed)
    with SourceWriter(root, source) as writer:
        for record in records(source, modality, regions, seed):
            writer.add(record, rng.bytes(64))
        return writer.finish()


def write_store(root: Path, regions: int) -> dict[str, Any]:
    """Write the store, two sources per modality."""
    from mmdet_medglip.ontology import Ontology
    from mmdet_medglip.store import StoreIndex

    modalities = Ontology.default().modalities
    names = [f'{m}_{i}' for m in modalities for i in range(SOURCES_PER_MODALITY)]
    share, rest = divmod(regions, len(names))
    start = time.perf_counter()
    with ProcessPoolExecutor(min(len(names), os.cpu_count() or 1)) as pool:
        parts = [
            pool.submit(write_source, root, name, name.rpartition('_')[0], share + (i < rest), i)
            for i, name in enumerate(names)
        ]
        index = StoreIndex.new('scale')
        for part in parts:
            index = index.with_source(part.result())
    index.publish(root)
    shards = [shard for source in index.sources for shard in source['shards']]
    return {
        'images': sum(shard['rows'] for shard in shards),
        'regions': regions,
        'shards': len(shards),
        'mb': sum(shard['bytes'] for shard in shards) / 1e6,
        'written_in_s': time.perf_counter() - start,
    }


def write_odvg(folder: Path, regions: int) -> None:
    """Write the same kind of records as an ODVG file with its label map."""
    from mmdet_medglip.ontology import Ontology

    ontology = Ontology.default()
    numbers = {label: i for i, label in enumerate(ontology.labels)}
    names = {i: ontology.display_name(label) for label, i in numbers.items()}
    (folder / 'label_map.json').write_text(json.dumps(names))
    share, rest = divmod(regions, len(ontology.modalities))
    with (folder / 'odvg.jsonl').open('w') as file:
        for i, modality in enumerate(ontology.modalities):
            for record in records(f'{modality}_0', modality, share + (i < rest), i):
                instances = [
                    {
                        'bbox': list(instance.bbox),
                        'label': numbers[instance.label],
                        'category': ontology.display_name(instance.label),
                    }
                    for instance in record.instances
                ]
                line = {
                    'filename': record.image_path,
                    'height': record.height,
                    'width': record.width,
                    'detection': {'instances': instances},
                }
                file.write(json.dumps(line) + '\n')


def data_set(kind: str, folder: Path) -> Callable[[], Any]:
    """Import what a kind of data set needs, and return what builds it."""
    import torch.utils.data  # noqa: F401  (part of every training process)

    if kind == 'store':
        from mmdet_medglip.datasets import MedGroundingDataset

        return lambda: MedGroundingDataset(str(folder))
    from mmdet.datasets import ODVGDataset

    if kind == 'nothing':
        return lambda: Nothing()
    return lambda: ODVGDataset(
        data_root=str(folder),
        ann_file='odvg.jsonl',
        label_map_file='label_map.json',
        data_prefix=dict(img=''),
        pipeline=[],
        return_classes=True,
    )


class Nothing:
    """A data set that holds nothing."""

    def __len__(self) -> int:
        return 1_000_000

    def get_data_info(self, index: int) -> dict:
        """Return an empty record."""
        return {'img_path': str(index)}


class Fetched:
    """What a loader worker does with a data set here: fetch a record and drop it."""

    def __init__(self, data: Any) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> int:
        return len(self.data.get_data_info(index))


def resident_mb() -> dict[str, float]:
    """Return the resident memory of this process in MB, all of it and without pages of files."""
    info = psutil.Process().memory_info()
    return {'rss_mb': info.rss / 1e6, 'anonymous_mb': (info.rss - info.shared) / 1e6}


def fetch_us(fetch: Callable[[int], Any], order: list[int]) -> float:
    """Return the median time of one fetch in microseconds."""
    times = []
    for index in order:
        start = time.perf_counter_ns()
        fetch(index)
        times.append(time.perf_counter_ns() - start)
    return statistics.median(times) / 1e3


def measure(kind: str, folder: Path, samples: int) -> dict[str, float]:
    """Open a data set in this process and sample it."""
    build = data_set(kind, folder)
    gc.collect()
    before = resident_mb()
    start = time.perf_counter()
    data = build()
    found = {'open_s': time.perf_counter() - start}
    found['open_rss_mb'] = resident_mb()['rss_mb'] - before['rss_mb']
    order = np.random.default_rng(0).integers(0, len(data), samples).tolist()
    found['fetch_us'] = fetch_us(data.get_data_info, order)
    found |= {name: value - before[name] for name, value in resident_mb().items()}
    if kind == 'store':
        store = data.source.store
        found['bare_fetch_us'] = fetch_us(store.__getitem__, order)
        start = time.perf_counter()
        type(store)(store.root)
        found['bare_open_s'] = time.perf_counter() - start
    return found


def measure_workers(kind: str, folder: Path, samples: int, workers: int) -> dict[str, float]:
    """Let forked loader workers serve random records, and see what they add."""
    from torch.utils.data import DataLoader

    data = data_set(kind, folder)()
    loader = DataLoader(
        Fetched(data),
        sampler=np.random.default_rng(1).integers(0, len(data), samples * workers).tolist(),
        batch_size=100,
        num_workers=workers,
        collate_fn=sum,
        persistent_workers=True,
        multiprocessing_context='fork',
    )
    for _ in loader:
        pass
    children = psutil.Process().children()
    return {'workers_mb': sum(child.memory_full_info().uss for child in children) / 1e6}


def in_fresh_process(kind: str, folder: Path, args: argparse.Namespace, workers: int) -> dict:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, '--measure', kind, '--folder', str(folder)]
    command += ['--samples', str(args.samples), '--workers', str(workers)]
    quiet = 'ignore:This DataLoader will create'
    environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONWARNINGS': quiet}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def run(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Write both, measure both."""
    written = write_store(folder / 'store', args.regions)
    print('store:', json.dumps(_rounded(written)), flush=True)
    (folder / 'odvg').mkdir()
    write_odvg(folder / 'odvg', args.odvg_regions)
    figures = {}
    for kind in ('store', 'odvg'):
        figures[kind] = in_fresh_process(kind, folder / kind, args, 0)
        figures[kind] |= in_fresh_process(kind, folder / kind, args, args.workers)
        print(f'{kind}:', json.dumps(_rounded(figures[kind])), flush=True)
    bare = in_fresh_process('nothing', folder, args, args.workers)['workers_mb']
    result = figures['store'] | written | {'workers_bare_mb': bare}
    result['odvg'] = figures['odvg'] | {'regions': args.odvg_regions}
    result['ratio'] = {key: figures['odvg'][key] / figures['store'][key] for key in KEYS}
    return _rounded(result)


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _rounded(value)
        if isinstance(value, dict)
        else round(value, 3)
        if isinstance(value, float)
        else value
        for key, value in values.items()
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--regions', type=int, default=5_300_000, help='regions of the store')
    parser.add_argument('--odvg-regions', type=int, default=500_000, help='of the ODVG file')
    parser.add_argument('--samples', type=int, default=10_000, help='random records fetched')
    parser.add_argument('--workers', type=int, default=4, help='loader workers')
    parser.add_argument('--json', action='store_true', help='end with one line of JSON')
    parser.add_argument('--folder', type=Path, help='where the temporary files go')
    parser.add_argument('--measure', choices=MEASURES, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure and args.workers:
        found = measure_workers(args.measure, args.folder, args.samples, args.workers)
        print(json.dumps(found))
    elif args.measure:
        print(json.dumps(measure(args.measure, args.folder, args.samples)))
    else:
        with tempfile.TemporaryDirectory(prefix='store_scale_', dir=args.folder) as folder:
            result = run(args, Path(folder))
        for key in KEYS:
            print(f'{key:11s} store {result[key]:10.3f}   odvg {result["odvg"][key]:10.3f}')
        if args.json:
            print(json.dumps(result))


if __name__ == '__main__':
    main()
