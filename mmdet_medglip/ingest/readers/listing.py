"""Base of readers whose annotation files list the images of a data set."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from ..outlines import RegionError
from ..paths import inside
from ..pictures import load_picture, parse_rescale
from ..source import SourceImage, SourceItem, SourceRegion
from .base import Reader, RecipeError
from .pattern import check_choice

__all__ = ['ListedImage', 'ListingReader', 'image_name']


@dataclass(frozen=True)
class ListedImage:
    """One image of an annotation file.

    Args:
        file_name: Its file, as listed.
        payload: What :meth:`ListingReader.annotations` needs to find its annotations again, as
            plain JSON values.
        annotated: Whether it has annotations.
        height: Its height as listed, if any.
        width: Its width as listed, if any.
        fields: Fields of ``SourceImage`` that the annotation file tells.
    """

    file_name: str
    payload: Mapping[str, Any]
    annotated: bool
    height: Any = None
    width: Any = None
    fields: Mapping[str, Any] = field(default_factory=dict)


class ListingReader(Reader):
    """Read images that annotation files list by name.

    A subclass opens an annotation file (:meth:`open`), lists its images (:meth:`listed`), and
    turns one annotation into regions (:meth:`regions`).

    Args:
        root: Folder of the data set.
        annotations: One mapping per annotation file: ``file`` (relative to the root), ``images``
            (folder of its images, relative to the root; the root by default), ``split`` (its
            split folder) and ``annotator`` (who drew its regions).
        unannotated: What an image without annotations is: a ``negative`` (default), or to
            ``skip``.
        rescale: ``{slope, intercept, type}`` of stored pixels, where the files do not say it.
        **common: See :class:`Reader`.

    Raises:
        RecipeError: If an option is wrong.
    """

    entry_keys: ClassVar[frozenset[str]] = frozenset({'file', 'images', 'split', 'annotator'})

    def __init__(
        self,
        root: str | Path,
        *,
        annotations: Sequence[Mapping[str, str]],
        unannotated: str = 'negative',
        rescale: Mapping[str, Any] | None = None,
        **common: Any,
    ) -> None:
        super().__init__(root, **common)
        self._unannotated = check_choice(self.source, 'unannotated', unannotated)
        self._entries = [dict(entry) for entry in annotations]
        for entry in self._entries:
            if 'file' not in entry or set(entry) - self.entry_keys:
                optional = ', '.join(sorted(self.entry_keys - {'file'}))
                raise RecipeError(
                    f"Data set {self.source!r}: each of 'annotations' needs 'file' and may have "
                    f'{optional}, got {entry!r}.'
                )
        try:
            self._rescale = parse_rescale(rescale)
        except ValueError as error:
            raise RecipeError(f'Data set {self.source!r}: {error}') from None

    @abstractmethod
    def open(self, path: Path, entry: Mapping[str, str]) -> Any:
        """Open an annotation file and check its form.

        Args:
            path: The file.
            entry: Its entry of ``annotations``.

        Raises:
            RecipeError: If it is not of the form that the reader reads.
        """

    def declared_names(self, document: Any) -> Sequence[str]:
        """Return the names that an annotation file declares; none by default."""
        return ()

    @abstractmethod
    def listed(self, document: Any, file: str) -> Iterator[ListedImage]:
        """Yield the images of an opened annotation file, and note what is wrong in it.

        Args:
            document: From :meth:`open`.
            file: Name of the file, for :meth:`Reader.reject`.
        """

    def annotations(self, payload: Mapping[str, Any]) -> Sequence[Any]:
        """Return the annotations of an image; by default ``payload['annotations']``."""
        found: Sequence[Any] = payload['annotations']
        return found

    @abstractmethod
    def regions(
        self, annotation: Any, size: tuple[int, int], annotator: str | None
    ) -> Sequence[SourceRegion]:
        """Turn one annotation into regions, mostly one.

        Raises:
            RegionError: If it cannot be read.
        """

    def items(self) -> Sequence[SourceItem]:
        """List the images, file by file in the order of the file."""
        opened = [(e, self.open(inside(self.root, e['file']), e)) for e in self._entries]
        self.check_names([name for _, doc in opened for name in self.declared_names(doc)])
        items: dict[str, SourceItem] = {}
        for entry, document in opened:
            for image in self.listed(document, entry['file']):
                item = self._item(image, entry)
                if item is None:
                    continue
                if item.payload['name'] in items:
                    self.reject(item.name, 'image is listed twice', entry['file'])
                else:
                    items[item.payload['name']] = item
        return list(items.values())

    def read(self, item: SourceItem) -> Iterator[SourceImage]:
        """Read one image and its annotations."""
        listed = item.payload
        path = inside(self.root, item.name)
        picture = load_picture(path, self._rescale)
        for side, value in zip(('height', 'width'), picture.size, strict=True):
            if listed[side] not in (None, value):
                raise ValueError(
                    f'{path} has {side} {value}, {item.files[1]} says {listed[side]!r}.'
                )
        regions: list[SourceRegion] = []
        for number, annotation in enumerate(self.annotations(listed['found']), start=1):
            try:
                regions += self.regions(annotation, picture.size, listed['annotator'])
            except RegionError as error:
                self.reject(item.name, 'region cannot be read', f'annotation {number}: {error}')
        told = {'folder': listed['split']} if listed['split'] is not None else {}
        given = picture.fields() | told | listed['fields']
        yield SourceImage(name=listed['name'], regions=tuple(regions), **given)

    def _item(self, image: ListedImage, entry: Mapping[str, str]) -> SourceItem | None:
        file = entry['file']
        if not image.annotated and self._unannotated == 'skip':
            self.reject(f'{file}:{image.file_name}', 'image without annotation')
            return None
        try:
            path = self.relative(
                inside(inside(self.root, entry.get('images', '')), image.file_name)
            )
        except ValueError as error:
            self.reject(f'{file}:{image.file_name}', 'path leaves the data set', str(error))
            return None
        payload = {
            'name': image_name(path),
            'height': image.height,
            'width': image.width,
            'split': entry.get('split'),
            'annotator': entry.get('annotator'),
            'fields': dict(image.fields),
            'found': dict(image.payload),
        }
        return SourceItem(path, (path, file), payload)


def image_name(path: str) -> str:
    """Return the name of an image: its file without the ending.

    Example:
        >>> image_name('train/a.b.png'), image_name('a.nii.gz')
        ('train/a.b', 'a')
    """
    if path.lower().endswith('.nii.gz'):
        return path[: -len('.nii.gz')]
    folder, _, name = path.rpartition('/')
    stem = name.rpartition('.')[0] or name
    return f'{folder}/{stem}' if folder else stem
