"""``medglip list-labels``: what can be asked for."""

import argparse
import json
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mmdet_medglip.ontology import Ontology

__all__ = ['HELP', 'NAME', 'add_arguments', 'run']

NAME = 'list-labels'
HELP = 'list what can be asked for, with its other names'
_LEVELS = ('fine', 'class', 'region')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument('--modality', help='only what is asked for in a modality, such as ct')
    parser.add_argument('--region', help='only what lies in a region of the body, such as chest')
    parser.add_argument('--level', choices=_LEVELS, default='fine', help='what to list')
    parser.add_argument('--json', action='store_true', help='print JSON')


def run(args: argparse.Namespace, console: Console) -> int:
    """Print labels, classes or regions.

    Args:
        args: The command line.
        console: Where to print.

    Returns:
        0.

    Raises:
        ValueError: If there is no such modality or region.
    """
    ontology = Ontology.default()
    labels = _labels(ontology, args.modality, args.region)
    if args.level == 'fine':
        rows = [_label_row(ontology, label) for label in labels]
    else:
        rows = _group_rows(ontology, labels, 0 if args.level == 'class' else 1)
    if args.json:
        console.out(json.dumps(rows, indent=2, ensure_ascii=False), highlight=False)
    elif rows:
        console.print(_table(rows, args.level))
    else:
        console.print('Nothing: no label of that modality lies in that region.')
    return 0


def _labels(ontology: Ontology, modality: str | None, region: str | None) -> list[str]:
    labels = ontology.labels if modality is None else ontology.labels_of(modality)
    if region is None:
        return list(labels)
    found = region if region in ontology.regions else ontology.parse_region(region)
    if found is None:
        raise ValueError(
            f'Unknown region {region!r}: expected one of {", ".join(ontology.regions)}, or words '
            'for something in one of them.'
        )
    return [label for label in labels if ontology.region(label) == found]


def _label_row(ontology: Ontology, label: str) -> dict[str, Any]:
    info = ontology.info(label)
    return {
        'id': label,
        'name': info.name,
        'class': info.parent_class,
        'region': info.region,
        'modalities': list(info.modalities),
        'other names': [*info.synonyms, *info.abbreviations],
    }


def _group_rows(ontology: Ontology, labels: list[str], level: int) -> list[dict[str, Any]]:
    """Return the groups above labels, so many levels above the class, in the file's order."""
    members: dict[str, list[str]] = {}
    for label in labels:
        members.setdefault(ontology.ancestors(label)[level], []).append(label)
    return [
        {
            'id': node,
            'name': ontology.display_name(node),
            'region': ontology.ancestors(of_node[0])[1],
            'labels': len(of_node),
            'modalities': _modalities(ontology, of_node),
            'other names': list(ontology.synonyms(node)),
        }
        for node, of_node in members.items()
    ]


def _modalities(ontology: Ontology, labels: list[str]) -> list[str]:
    found = {modality for label in labels for modality in ontology.info(label).modalities}
    return [modality for modality in ontology.modalities if modality in found]


def _table(rows: list[dict[str, Any]], level: str) -> Table:
    table = Table(title=f'{len(rows)} of level {level}')
    for name in rows[0]:
        table.add_column(name, overflow='fold')
    for row in rows:
        cells = (', '.join(v) if isinstance(v, list) else str(v) for v in row.values())
        table.add_row(*(Text(cell) for cell in cells))
    return table
