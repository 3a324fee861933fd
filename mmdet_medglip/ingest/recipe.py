"""Recipes: how one data set becomes records, as a YAML file."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.registry import READERS

from .paths import inside
from .readers import Reader
from .writer import StoreWriter

__all__ = ['IngestReport', 'Recipe', 'available_recipes', 'ingest', 'load_recipe']

_FOLDER = Path(__file__).with_name('recipes')
_OWN_KEYS = ('name', 'title', 'root', 'reader')


@dataclass(frozen=True)
class Recipe:
    """How one data set becomes records.

    Args:
        name: Name of the data set; prefixes its image and patient ids.
        title: What it is, in one line.
        root: Its folder, relative to the data root.
        reader: Name of a reader in the registry ``READERS``.
        options: Options of the reader.
    """

    name: str
    title: str
    root: str
    reader: str
    options: Mapping[str, Any]

    def build_reader(self, data_root: str | Path, ontology: Ontology | None = None) -> Reader:
        """Build the reader over a data root.

        Args:
            data_root: Folder that ``root`` is relative to.
            ontology: Known names; the packaged ontology if None.

        Raises:
            FileNotFoundError: If the folder of the data set does not exist.
            ValueError: If the reader or one of its options is unknown.
        """
        kind = READERS.get(self.reader)
        if kind is None:
            known = ', '.join(sorted(READERS.module_dict))
            raise ValueError(f'Recipe {self.name!r}: unknown reader {self.reader!r}; have {known}.')
        root = inside(Path(data_root).absolute(), self.root)
        try:
            return kind(root, source=self.name, ontology=ontology, **self.options)
        except TypeError as error:
            raise ValueError(
                f'Recipe {self.name!r}: {error}; see the options of the reader.'
            ) from error


@dataclass
class IngestReport:
    """What a recipe gave.

    Args:
        recipe: Name of the recipe.
        records: Number of records written, negatives included.
        instances: Number of regions written.
        negatives: Number of records without a region.
        splits: Number of records per split.
        labels: Number of regions per label id.
        skipped: Number of items left out per reason.
    """

    recipe: str
    records: int = 0
    instances: int = 0
    negatives: int = 0
    splits: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)


def available_recipes() -> tuple[str, ...]:
    """Return the names of the packaged recipes, sorted."""
    return tuple(sorted(path.stem for path in _FOLDER.glob('*.yaml')))


def load_recipe(name_or_path: str | Path) -> Recipe:
    """Load a recipe.

    Args:
        name_or_path: Name of a packaged recipe, or a YAML file.

    Returns:
        The recipe.

    Raises:
        FileNotFoundError: If there is neither a packaged recipe nor a file of that name.
        ValueError: If the file is not a recipe.
    """
    path = Path(name_or_path)
    if path.suffix not in ('.yaml', '.yml'):
        path = _FOLDER / f'{name_or_path}.yaml'
        if str(name_or_path) not in available_recipes():
            known = ', '.join(available_recipes())
            raise FileNotFoundError(f'No recipe {str(name_or_path)!r}; packaged are {known}.')
    if not path.is_file():
        raise FileNotFoundError(f'Recipe file {path} does not exist.')
    try:
        data = yaml.safe_load(path.read_text(encoding='utf-8'))
    except yaml.YAMLError as error:
        raise ValueError(f'Recipe file {path} is not valid YAML: {error}') from error
    missing = [
        key for key in (*_OWN_KEYS, 'modality') if not isinstance(data, dict) or key not in data
    ]
    if missing:
        raise ValueError(f'Recipe file {path} lacks {missing[0]!r}; add it.')
    options = {key: value for key, value in data.items() if key not in _OWN_KEYS}
    return Recipe(**{key: str(data[key]) for key in _OWN_KEYS}, options=options)


def ingest(
    recipes: Iterable[Recipe],
    data_root: str | Path,
    writer: StoreWriter,
    *,
    limit: int | None = None,
    on_record: Callable[[str, int], None] | None = None,
) -> list[IngestReport]:
    """Write the data sets of some recipes into one store.

    An item that the writer refuses is noted as skipped, like one that the reader cannot read.

    Args:
        recipes: The data sets, one after the other.
        data_root: Folder that their roots are relative to.
        writer: Open writer of the store.
        limit: Take at most this many items of each recipe; None takes all.
        on_record: Called with the recipe's name and the number of its records so far.

    Returns:
        One report per recipe.

    Raises:
        FileNotFoundError: If a data set is missing or has no image.
        ValueError: If a recipe is wrong.
    """
    reports = []
    readers = [(r.name, r.build_reader(data_root, writer.ontology)) for r in recipes]
    for name, reader in readers:
        report = IngestReport(name)
        for record, image in islice(reader, limit):
            try:
                writer.add(record, image)
            except (ValueError, FileNotFoundError) as error:
                reader.skip(record.image_id, 'refused by the store', str(error))
                continue
            report.records += 1
            report.instances += len(record.instances)
            report.negatives += not record.instances
            report.splits[record.split] += 1
            report.labels.update(i.label for i in record.instances if i.label is not None)
            if on_record is not None:
                on_record(name, report.records)
        for item in reader.skipped:
            writer.skip(item.item, item.reason, item.detail)
            report.skipped[item.reason] += 1
        reports.append(report)
    return reports
