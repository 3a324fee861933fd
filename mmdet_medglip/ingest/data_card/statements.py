"""What a data card says in words: use, leakage between splits, and how the store was made."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmdet_medglip.pages import Cell, Section, Table
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.structures import SPLITS

from .statistics import PatientNumbers, Statistics

__all__ = ['NOTICE', 'intended_use', 'leakage', 'making', 'source_entries']

NOTICE = (
    'For research and teaching only. This data set is not a medical device, is not validated for '
    'any clinical purpose, and neither it nor a model trained on it may be used for diagnosis or '
    'treatment.'
)
_ACROSS = 'near_duplicate_across_splits'


def source_entries(store: GroundingStore) -> dict[str, Mapping[str, Any]]:
    """Return what ``store.json`` says of each source, by name."""
    return {entry['name']: entry for entry in store.sources}


def intended_use() -> Section:
    """Say what the data is for, and what it is not."""
    return Section(
        'Intended use',
        text=[
            'Made for training and testing models that find phrases (organs, lesions, devices) in '
            'medical images as boxes. The test split is for a last measurement, not for choices.',
            'Not for clinical use. Not for finding out who a patient is: do not try to identify '
            'anyone. The terms of each source hold for its images and annotations; keep to them, '
            'and ask the source where its licence is not stated.',
            'Known limits: annotations come from many sources with different rules, and some from '
            'models; a structure without a box need not be absent, since a source marks only its '
            'own labels. Sources differ in scanners, populations and quality; counts below show '
            'how uneven they are.',
        ],
    )


def leakage(store: GroundingStore, numbers: Statistics, patients: PatientNumbers) -> list[str]:
    """Say what is known of patients and copies in two splits, in sentences."""
    fault = ' This is an error: do not trust test figures.' if patients.in_two_splits else ''
    across = {split: numbers.flags[_ACROSS, split] for split in SPLITS}
    where = ', '.join(f'{count:,} in {split}' for split, count in across.items() if count)
    text = [
        f'Patients with images in more than one split: {patients.in_two_splits:,}.{fault} Where a '
        'source names no patients, what its recipe keeps together counts as one.',
        'Images that nearly equal an image of another patient in another split (flag '
        f'{_ACROSS}): {sum(across.values()):,}{f" ({where})" if where else ""}.',
    ]
    unchecked = [name for name, entry in source_entries(store).items() if 'flags' not in entry]
    if unchecked:
        text.append(f'Copies were not searched for in: {", ".join(unchecked)}.')
    return text


def making(store: GroundingStore) -> Section:
    """Say how the store was made, so that it can be made again."""
    rows: list[Sequence[Cell]] = []
    for name, entry in source_entries(store).items():
        shards = ', '.join(str(shard['sha256'])[:16] for shard in entry['shards'][:4])
        more = len(entry['shards']) - 4
        identifiers = entry.get('identifiers')
        rows.append(
            (name, entry.get('digest'), identifiers, shards + (f' + {more}' if more > 0 else ''))
        )
    return Section(
        'How it was made',
        text=[
            'Each source was read by a recipe, its names mapped to labels of the ontology, boxes '
            'made from masks by the policy of each label, checked, split by patient, and written. '
            'The digest is that of the recipe; shards are named by the first 16 digits of their '
            'SHA-256. The same recipes and files give the same shards.',
        ],
        tables=[Table(('source', 'recipe digest', 'identifiers', 'shards'), rows)],
    )
