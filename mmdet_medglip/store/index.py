"""``store.json``: what is in a store."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .durable import replace_file
from .layout import INGEST_DIR, STORE_FILE, STORE_FORMAT, STORE_VERSION

if TYPE_CHECKING:
    from mmdet_medglip.ontology import Ontology

__all__ = ['DAMAGED', 'StoreIndex']

DAMAGED = 'The store was copied or written incompletely: copy or ingest it again.'
"""What to do about a store that is not as its writer left it; the end of an error message."""

_HOW_TO_MAKE = 'Make one with tools/ingest.py (own data) or tools/make_demo_data.py (phantoms).'
_SHARD_FILE = re.compile(r'[A-Za-z0-9_~-][A-Za-z0-9._~-]*/\d{5,}\.arrow')
_SHA256 = re.compile(r'[0-9a-f]{64}')
_MAX_BYTES = 256 << 20
_MOST = (1 << 63) - 1


@dataclass(frozen=True)
class StoreIndex:
    """The sources of a store in the order of their records, and where these are.

    An index never changes: adding a source gives another one, and :meth:`publish` puts it in the
    place of the old. Whoever has read the old one goes on with it, because no shard that it names
    is ever touched.

    Args:
        name: What the store calls itself.
        modalities: Modality ids present, in the ontology's order.
        labels: Display name by label id present, in the ontology's order.
        sources: For each source ``name``, ``shards`` (each ``file`` below ``shards/``, ``rows``,
            ``bytes``, ``sha256``), ``counts[split][modality] = {'records', 'instances'}``,
            ``labels[modality][label] = instances``, and whatever else describes it, such as
            ``title``, ``url``, ``licence`` and ``rejected``.

    Example:
        >>> index = StoreIndex.new('mine')
        >>> entry = {'name': 'a', 'shards': [], 'counts': {}, 'labels': {'ct': {'polyp': 0}}}
        >>> index.with_source(entry).labels
        {'polyp': 'polyp'}
    """

    name: str
    modalities: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def new(cls, name: str) -> 'StoreIndex':
        """Return the index of an empty store."""
        return cls(name)

    @classmethod
    def read(cls, root: str | Path) -> 'StoreIndex':
        """Read the index of a store.

        Args:
            root: Folder of the store.

        Returns:
            The index, its form checked; the shards are not looked at.

        Raises:
            FileNotFoundError: If the folder or its ``store.json`` does not exist.
            ValueError: If ``store.json`` is damaged or of another version.
        """
        root = Path(root)
        path = root / STORE_FILE
        data = _load(root, path)
        for key, kind in (('name', str), ('modalities', list), ('labels', dict)):
            if not isinstance(data.get(key), kind):
                raise ValueError(f'{path} lacks {key!r}, or it is no {kind.__name__}. {DAMAGED}')
        words = [*data['modalities'], *data['labels'].values()]
        if not all(isinstance(word, str) for word in words):
            raise ValueError(f"{path}: 'modalities' and 'labels' must hold words. {DAMAGED}")
        if not isinstance(data.get('sources'), list):
            raise ValueError(f"{path} lacks 'sources', or it is no list. {DAMAGED}")
        for entry in data['sources']:
            _check_entry(entry, f'{path}', DAMAGED)
        names = [entry['name'] for entry in data['sources']]
        if len(set(names)) != len(names):
            raise ValueError(f'{path} lists a source twice: {names}. {DAMAGED}')
        keys = ('name', 'labels')
        modalities, sources = tuple(data['modalities']), tuple(data['sources'])
        return cls(**{key: data[key] for key in keys}, modalities=modalities, sources=sources)

    def with_source(
        self, entry: Mapping[str, Any], ontology: 'Ontology | None' = None
    ) -> 'StoreIndex':
        """Return the index with one more source, after the others.

        Args:
            entry: The source as ``SourceWriter.finish`` describes it, and what else is known.
            ontology: Order and display names of labels; the packaged one if None.

        Returns:
            Another index; this one stays as it is.

        Raises:
            ValueError: If a source of that name is there already, or the entry is not complete.
        """
        _check_entry(entry, f'Store {self.name!r}', 'Pass what SourceWriter.finish returned.')
        if any(entry['name'] == source['name'] for source in self.sources):
            raise ValueError(
                f'Store {self.name!r} already has the source {entry["name"]!r}; '
                'give the new one another name, or ingest into a new store.'
            )
        ontology = ontology or _default_ontology()
        added = {label for counts in entry['labels'].values() for label in counts}
        modalities = {*self.modalities, *(m for by in entry['counts'].values() for m in by)}
        names = {label: ontology.display_name(label) for label in sorted(added)}
        return replace(
            self,
            modalities=_ordered(modalities, ontology.modalities),
            labels={
                label: self.labels.get(label, names.get(label, label))
                for label in _ordered({*self.labels, *names}, ontology.labels)
            },
            sources=(*self.sources, dict(entry)),
        )

    def first(self, count: int) -> 'StoreIndex':
        """Return the index of the first ``count`` sources."""
        sources = self.sources[:count]
        found = {m for entry in sources for by in entry['counts'].values() for m in by}
        used = {label for s in sources for counts in s['labels'].values() for label in counts}
        return replace(
            self,
            modalities=tuple(m for m in self.modalities if m in found),
            labels={label: name for label, name in self.labels.items() if label in used},
            sources=sources,
        )

    def publish(self, root: str | Path) -> None:
        """Make this the index of the store, at once: readers see the old one or this one.

        Args:
            root: Folder of the store, which holds all shards of the index.

        Raises:
            OSError: If the file cannot be written; the old index is then still there.
        """
        data = {
            'format': STORE_FORMAT,
            'version': STORE_VERSION,
            'name': self.name,
            'modalities': list(self.modalities),
            'labels': dict(self.labels),
            'sources': [dict(entry) for entry in self.sources],
        }
        text = json.dumps(data, indent=2, ensure_ascii=False) + '\n'
        replace_file(Path(root) / STORE_FILE, text.encode('utf-8'))


def _default_ontology() -> 'Ontology':
    from mmdet_medglip.ontology import Ontology  # the ontology is not needed to read an index

    return Ontology.default()


def _ordered(names: set[str], order: tuple[str, ...]) -> tuple[str, ...]:
    """Sort names by a known order; those it lacks come last, by name."""
    known = [name for name in order if name in names]
    return (*known, *sorted(names.difference(order)))


def _load(root: Path, path: Path) -> dict[str, Any]:
    if not root.is_dir():
        raise FileNotFoundError(f'Store folder {root} does not exist. {_HOW_TO_MAKE}')
    if not path.is_file() and (root / INGEST_DIR).exists():
        raise FileNotFoundError(
            f'{root} is not a store yet: an ingest into it was interrupted. Run the same command '
            'again; it continues where it stopped.'
        )
    if not path.is_file():
        raise FileNotFoundError(f'{root} is not a store: it has no {STORE_FILE}. {_HOW_TO_MAKE}')
    if path.stat().st_size > _MAX_BYTES:
        raise ValueError(f'{path} has over {_MAX_BYTES} bytes, more than any index. {DAMAGED}')
    try:
        data = json.loads(path.read_text(encoding='utf-8'))
        json.dumps(data, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise ValueError(f'{path} is not valid JSON ({error}). {DAMAGED}') from error
    if not isinstance(data, dict) or data.get('format') != STORE_FORMAT:
        raise ValueError(f"{path}: 'format' must be {STORE_FORMAT!r}. {_HOW_TO_MAKE}")
    version = data.get('version')
    if version != STORE_VERSION or isinstance(version, bool | float):
        newer = isinstance(version, int) and version > STORE_VERSION
        todo = 'update mmdet_medglip' if newer else 'ingest the data again into a new store'
        raise ValueError(
            f'{path} has version {version!r:.80}, this package reads {STORE_VERSION}: {todo}.'
        )
    return data


def _check_entry(entry: Any, where: str, todo: str) -> None:
    if not isinstance(entry, Mapping) or not isinstance(entry.get('name'), str):
        raise ValueError(f"{where}: a source must have a 'name', got {entry!r:.80}. {todo}")
    name = entry['name']
    for key, kind in (('shards', list), ('counts', dict), ('labels', dict)):
        if not isinstance(entry.get(key), kind):
            raise ValueError(
                f'{where}: source {name!r} lacks {key!r}, or it is no {kind.__name__}. {todo}'
            )
    for shard in entry['shards']:
        fault = _shard_fault(shard)
        if fault:
            raise ValueError(f'{where}: a shard of source {name!r} {fault}. {todo}')
    for key, depth in (('counts', 3), ('labels', 2)):
        if not _is_counted(entry[key], depth):
            raise ValueError(
                f'{where}: {key!r} of source {name!r} must be whole numbers from 0 on, in '
                f'mappings {depth} deep. {todo}'
            )
    rows = sum(shard['rows'] for shard in entry['shards'])
    counted = sum(n.get('records', 0) for by in entry['counts'].values() for n in by.values())
    if counted != rows:
        raise ValueError(
            f"{where}: source {name!r} counts {counted} records in 'counts' but "
            f'its shards hold {rows}. {todo}'
        )


def _shard_fault(shard: Any) -> str:
    """Say what is wrong with a shard's entry; empty if nothing is."""
    if not isinstance(shard, Mapping):
        return f'must be an object, got {shard!r:.80}'
    for key, form in (('file', _SHARD_FILE), ('sha256', _SHA256)):
        value = shard.get(key)
        if not isinstance(value, str) or not form.fullmatch(value):
            return f'has a bad {key!r}: {value!r:.80}'
    for key in ('rows', 'bytes'):
        value = shard.get(key)
        if not _is_count(value) or value < 1:
            return f'must have a positive {key!r}, got {value!r:.80}'
    return ''


def _is_counted(counts: Any, depth: int) -> bool:
    """Tell whether counts are whole numbers, in mappings of one depth."""
    if depth == 0:
        return _is_count(counts)
    is_mapping = isinstance(counts, Mapping)
    return is_mapping and all(_is_counted(value, depth - 1) for value in counts.values())


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST
