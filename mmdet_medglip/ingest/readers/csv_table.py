"""Boxes in csv tables."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmdet_medglip.registry import READERS

from ..outlines import RegionError
from ..paths import FileFinder, MatchedFile, fields_of, fill_pattern, inside, split_fields
from ..pictures import load_picture, parse_rescale
from ..source import SourceImage, SourceItem, SourceRegion
from .base import Reader, RecipeError
from .csv_boxes import BOX_COLUMNS, box_kind, boxes_of, facts_of
from .csv_file import Column, CsvTable, cell
from .csv_index import RowIndex, TableItems
from .listing import image_name
from .pattern import check_choice

__all__ = ['CsvReader']

_ASCII = ''.join(map(chr, range(128)))


@READERS.register_module()
class CsvReader(Reader):
    """Read boxes from csv tables, one row per box or per image, in any order of the rows.

    Only the positions of the rows are kept in memory, 16 bytes each.

    Args:
        root: Folder of the data set.
        annotations: Pattern of the table, or of several with the same columns.
        images: Pattern of the image of a row. Its fields are the roles of ``columns``, the
            fields of ``annotations``, and those of ``image_fields``.
        columns: Column (its name, or its place from 0) by role: ``image``; ``label``; the box as
            ``x1, y1, x2, y2``, ``x, y, w, h``, ``cx, cy, w, h``, or all numbers of one or more
            boxes in ``bbox``; ``annotator``; ``phrase``; and of the image ``patient``, ``split``,
            ``study``, ``series``, ``view``, ``modality``, ``body_region``, ``slice`` (position
            in its series), ``spacing`` (``x, y`` in mm) and ``window`` (``low, high``). Any other
            role is a field for ``images``.
        label: Name of all boxes of a table without a column of labels.
        no_finding: Labels of rows that say that the image shows nothing.
        bbox: Kind of box in the column ``bbox``: ``xyxy`` (default), ``xywh`` or ``cxcywh``.
        coordinates: ``pixels`` (default), or ``relative`` for shares of the image's size.
        image_fields: Pattern that the text of ``image`` has, to make fields of its parts.
        skip: Texts by column of rows to leave out.
        unannotated: What an image that fits ``images`` but has no row is: to ``skip`` (default),
            or a ``negative``. A row without a box makes its image a negative if its label is in
            ``no_finding`` or the table has no column of labels.
        delimiter: Character between cells.
        encoding: Encoding of the table.
        header: Whether its first row names the columns.
        rescale: ``{slope, intercept, type}`` of stored pixels, where the files do not say it.
        **common: See :class:`Reader`.

    Raises:
        FileNotFoundError: If no table fits the pattern.
        RecipeError: If an option is wrong, or a table lacks a column.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        annotations: str,
        images: str,
        columns: Mapping[str, Column],
        label: str | None = None,
        no_finding: Collection[str] = (),
        bbox: str = 'xyxy',
        coordinates: str = 'pixels',
        image_fields: str | None = None,
        skip: Mapping[Column, Sequence[Any]] | None = None,
        unannotated: str = 'skip',
        delimiter: str = ',',
        encoding: str = 'utf-8',
        header: bool = True,
        rescale: Mapping[str, Any] | None = None,
        **common: Any,
    ) -> None:
        super().__init__(root, **common)
        self._annotations = annotations
        self._images = images
        self._columns = dict(columns)
        self._label = label
        self._no_finding = {str(name) for name in no_finding}
        self._image_fields = image_fields
        self._skip = {column: {str(v) for v in texts} for column, texts in (skip or {}).items()}
        self._unannotated = check_choice(self.source, 'unannotated', unannotated)
        self._format: Any = {'delimiter': delimiter, 'encoding': encoding, 'header': header}
        self._fields = set(fields_of(images))
        self._tables: dict[Path, CsvTable] = {}
        self._relative = coordinates == 'relative'
        known = {*columns, *fields_of(annotations), *fields_of(image_fields or '')}
        unknown = set(fields_of(images)) - known
        try:
            if unknown:
                raise ValueError(f"'images' has fields that nothing fills: {sorted(unknown)}")
            if (label is None) == ('label' not in columns):
                raise ValueError("give a column 'label', or the option 'label' for all boxes")
            if coordinates not in ('pixels', 'relative'):
                raise ValueError(f"'coordinates' must be pixels or relative, got {coordinates!r}")
            if len(delimiter) != 1:
                raise ValueError(f"'delimiter' must be one character, got {delimiter!r}")
            self._kind = box_kind(columns, bbox)
            self._rescale = parse_rescale(rescale)
            if _ASCII.encode(encoding) != _ASCII.encode():
                raise ValueError(f"'encoding' must agree with ASCII, got {encoding!r}")
        except (ValueError, LookupError) as error:
            raise RecipeError(f'Data set {self.source!r}: {error}.') from None

    def items(self) -> Sequence[SourceItem]:
        """List the images that have rows, sorted by their files, then those without."""
        if self._label is not None:
            self.check_names([self._label])
        finder = FileFinder(self.root)
        index = RowIndex()
        files = finder.match(self._annotations)
        if not files:
            raise FileNotFoundError(
                f'Data set {self.source!r}: no table fits {self._annotations!r} in {self.root}.'
            )
        for number, file in enumerate(files):
            self._add_rows(index, number, file, finder)
        bare = self._bare(index, finder)
        names: dict[str, str] = {}
        for path in [*sorted(index.codes), *bare]:
            first = names.setdefault(image_name(path), path)
            if first != path:
                self.reject(path, 'name is used twice', f'by {first}')
                index.remove(path)
        bare = [path for path in bare if names[image_name(path)] == path]
        return TableItems(index, bare, [self.relative(file.path) for file in files])

    def read(self, item: SourceItem) -> Iterator[SourceImage]:
        """Read one image and its rows."""
        picture = load_picture(inside(self.root, item.name), self._rescale)
        regions: list[SourceRegion] = []
        facts: dict[str, Any] = {}
        for file, start in item.payload['rows']:
            table = self._table(inside(self.root, file))
            row = table.row(start)
            cells = {role: cell(row, table.place(c)) for role, c in self._columns.items()}
            try:
                facts = facts_of(cells) | facts
            except ValueError as error:
                self.reject(file, 'fact cannot be read', f'row at byte {start}: {error}')
            try:
                regions += self._regions(cells, picture.size)
            except RegionError as error:
                self.reject(file, 'region cannot be read', f'row at byte {start}: {error}')
        given = picture.fields() | facts
        yield SourceImage(name=item.payload['name'], regions=tuple(regions), **given)

    def _regions(self, cells: Mapping[str, str], size: tuple[int, int]) -> list[SourceRegion]:
        name = self._label or cells['label']
        if name in self._no_finding:
            return []
        if not name:
            raise RegionError('it has no label')
        boxes = []
        if self._kind is not None:
            roles = ('bbox',) if 'bbox' in cells else BOX_COLUMNS[self._kind]
            boxes = boxes_of([cells[r] for r in roles], self._kind, self._relative, size)
        if not boxes and self._label is None:
            raise RegionError(f'{name!r} has no box')
        phrase, annotator = (cells.get(role) or None for role in ('phrase', 'annotator'))
        return [SourceRegion(name, box, phrase=phrase, annotator=annotator) for box in boxes]

    def _table(self, path: Path) -> CsvTable:
        if path not in self._tables:
            self._tables[path] = CsvTable(path, **self._format)
        return self._tables[path]

    def _add_rows(
        self, index: RowIndex, number: int, file: MatchedFile, finder: FileFinder
    ) -> None:
        """Add the rows of one table; note those left out, and those without an image."""
        table = self._table(file.path)
        for column in self._columns.values():
            table.place(column)
        wanted = [role for role in self._columns if role == 'image' or role in self._fields]
        places = [table.place(self._columns[role]) for role in wanted]
        skip = [(table.place(column), texts) for column, texts in self._skip.items()]
        skipped = 0
        paths: dict[tuple[str, ...], str] = {}
        lost: Counter[str] = Counter()
        for start, row in table.rows():
            if any(cell(row, place) in texts for place, texts in skip):
                skipped += 1
                continue
            key = tuple(cell(row, place) for place in places)
            if key not in paths:
                fields = file.fields | dict(zip(wanted, key, strict=True))
                paths[key] = self._path(fields, finder)
            if paths[key].startswith('!'):
                lost[paths[key][1:]] += 1
            else:
                index.add(paths[key], number, start)
        for fault, count in lost.items():
            self.reject(file.path, 'row without image', fault, count=count)
        if skipped:
            self.reject(file.path, 'row is left out by the recipe', count=skipped)

    def _path(self, fields: dict[str, str], finder: FileFinder) -> str:
        """Return the image of a row, or '!' and why there is none."""
        if self._image_fields is not None:
            parts = split_fields(self._image_fields, fields.get('image', ''))
            if parts is None:
                return f'!{fields.get("image")!r} does not fit {self._image_fields!r}'
            fields = fields | parts
        pattern = fill_pattern(self._images, fields)
        try:
            found = finder.match(pattern)
        except ValueError as error:
            return f'!{error}'
        if len(found) != 1:
            return f'!{len(found)} images fit {pattern!r}'
        return self.relative(found[0].path)

    def _bare(self, index: RowIndex, finder: FileFinder) -> list[str]:
        """Return the images without a row that are negatives; the others are noted."""
        images = [self.relative(file.path) for file in finder.match(self._images)]
        bare = [path for path in images if path not in index.codes]
        if self._unannotated == 'negative' or not bare:
            return bare
        self.reject(bare[0], 'image without row', 'the first of them', count=len(bare))
        return []
