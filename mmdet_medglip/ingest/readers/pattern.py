"""Base of readers whose images and annotation files are found by their names."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ..paths import FileFinder, MatchedFile, fields_of, fill_pattern, inside
from ..pictures import Picture, load_picture, parse_rescale
from ..source import SourceImage, SourceItem, SourceRegion
from .base import Reader, RecipeError

__all__ = ['CHOICES', 'PatternReader', 'check_choice']

CHOICES = ('skip', 'negative')
"""What can become of an image without annotation."""

_TOLD = {
    'split': 'folder',
    'patient': 'patient',
    'study': 'study',
    'series': 'series',
    'view': 'view',
    'body_region': 'body_region',
}
"""Field of ``SourceImage`` by the field of a pattern that fills it."""


class PatternReader(Reader):
    """Find images by a pattern, and their annotation files by patterns that its fields fill.

    Fields of the pattern with a meaning: ``{split}``, ``{patient}``, ``{study}``, ``{series}``,
    ``{modality}``, ``{view}`` and ``{body_region}``. An annotation file that belongs to no image
    is a reject; a file that is the annotation of another one is no image, so that
    ``{stem}.png`` and ``{stem}_mask.png`` may lie in one folder.

    A subclass says how an annotation file is read (:meth:`read_regions`).

    Args:
        root: Folder of the data set.
        images: Pattern of the images.
        beside: Patterns of the files that belong to an image, its fields filled in.
        missing: What an image without any of them is: to ``skip``, or a ``negative``.
        name_from: Name of an image, made of fields in braces. By default ``{split}/{stem}``, or
            ``{stem}`` if the pattern has no ``{split}``.
        modalities: Modality by the text of ``{modality}``, where the ontology does not know it;
            null leaves such images out.
        rescale: ``{slope, intercept, type}`` of stored pixels, where the files do not say it.
        **common: See :class:`Reader`.

    Raises:
        RecipeError: If an option is wrong.
    """

    missing_reason: ClassVar[str] = 'annotation file is missing'

    def __init__(
        self,
        root: str | Path,
        *,
        images: str,
        beside: Sequence[str] = (),
        missing: str = 'skip',
        name_from: str | None = None,
        modalities: Mapping[str, str | None] | None = None,
        rescale: Mapping[str, Any] | None = None,
        **common: Any,
    ) -> None:
        super().__init__(root, **common)
        fields = fields_of(images)
        if name_from is None:
            if 'stem' not in fields:
                raise RecipeError(
                    f"Data set {self.source!r}: 'images' {images!r} lacks '{{stem}}'; add it, or "
                    "give 'name_from'."
                )
            name_from = '{split}/{stem}' if 'split' in fields else '{stem}'
        unknown = set(fields_of(name_from)) - set(fields)
        if unknown or not fields_of(name_from):
            raise RecipeError(
                f"Data set {self.source!r}: 'name_from' {name_from!r} must be made of fields of "
                f"'images', {', '.join(fields)}."
            )
        self._images = images
        self._beside = tuple(beside)
        self._missing = missing
        self._name = name_from
        self._modalities = dict(modalities or {})
        try:
            self._rescale = parse_rescale(rescale)
        except ValueError as error:
            raise RecipeError(f'Data set {self.source!r}: {error}') from None

    def declared_names(self) -> Sequence[str]:
        """Return the names that are known before an annotation file is read."""
        return ()

    @abstractmethod
    def read_regions(
        self, files: Sequence[tuple[int, MatchedFile]], size: tuple[int, int]
    ) -> Sequence[SourceRegion] | None:
        """Read the annotation files of an image.

        Args:
            files: Number of its pattern in ``beside``, and the file, for each; possibly none.
            size: ``(height, width)`` of the image in pixels.

        Returns:
            The regions; None if the image is to be left out, which has been noted.
        """

    def items(self) -> Sequence[SourceItem]:
        """List the images, sorted by their files."""
        self.check_names(self.declared_names())
        finder = FileFinder(self.root)
        found = [(image, self._files_of(finder, image)) for image in finder.match(self._images)]
        used = {file.path for _, files in found for _, file in files}
        found = [(image, files) for image, files in found if image.path not in used]
        if not found:
            raise FileNotFoundError(
                f'Data set {self.source!r}: no image fits {self._images!r} in {self.root}.'
            )
        self._reject_unused(finder, used | {image.path for image, _ in found})
        items: dict[str, SourceItem] = {}
        left = Counter(
            modality for image, _ in found if (modality := self._left_modality(image)) is not None
        )
        for image, files in found:
            name = fill_name(self._name, image.fields)
            if self._left_modality(image) is not None:
                continue
            if name in items:
                self.reject(image.path, 'name is used twice', f'{name} of {items[name].name}')
            elif self._beside and not files and self._missing == 'skip':
                self.reject(image.path, self.missing_reason)
            else:
                items[name] = self._item(name, image, files)
        for modality, count in sorted(left.items()):
            self.reject(self._images, 'modality is left out by the recipe', modality, count=count)
        return list(items.values())

    def read(self, item: SourceItem) -> Iterator[SourceImage]:
        """Read one image and its annotation files."""
        image = inside(self.root, item.payload['image'])
        picture = load_picture(image, self._rescale)
        files = [
            (number, MatchedFile(inside(self.root, name), item.payload['fields'] | fields))
            for number, name, fields in item.payload['beside']
        ]
        regions = self.read_regions(files, picture.size)
        if regions is not None:
            yield self.arrange(self._source_image(item.payload, picture, regions))

    def arrange(self, image: SourceImage) -> SourceImage:
        """Change an image before it is given out; for readers that turn images."""
        return image

    def _files_of(self, finder: FileFinder, image: MatchedFile) -> list[tuple[int, MatchedFile]]:
        return [
            (number, file)
            for number, pattern in enumerate(self._beside)
            for file in finder.match(fill_pattern(pattern, image.fields))
        ]

    def _reject_unused(self, finder: FileFinder, used: set[Path]) -> None:
        for pattern in self._beside:
            for file in finder.match(pattern):
                if file.path not in used:
                    used.add(file.path)
                    self.reject(file.path, 'annotation file without image')

    def _left_modality(self, image: MatchedFile) -> str | None:
        """Return the modality of an image that the recipe leaves out; else None."""
        modality = image.fields.get('modality')
        return modality if self._modalities.get(modality or '', '') is None else None

    def _item(
        self, name: str, image: MatchedFile, files: Sequence[tuple[int, MatchedFile]]
    ) -> SourceItem:
        path = self.relative(image.path)
        beside = [[number, self.relative(file.path), file.fields] for number, file in files]
        return SourceItem(
            path,
            (path, *(str(entry[1]) for entry in beside)),
            {'name': name, 'image': path, 'fields': image.fields, 'beside': beside},
        )

    def _source_image(
        self, payload: Mapping[str, Any], picture: Picture, regions: Sequence[SourceRegion]
    ) -> SourceImage:
        fields = payload['fields']
        told = {field: fields[key] for key, field in _TOLD.items() if key in fields}
        if 'modality' in fields:
            told['modality'] = self._modalities.get(fields['modality'], fields['modality'])
        given = picture.fields() | told
        return SourceImage(name=payload['name'], regions=tuple(regions), **given)


def fill_name(template: str, fields: Mapping[str, str]) -> str:
    """Fill the braces of a name.

    Example:
        >>> fill_name('{split}/{stem}', {'split': 'train', 'stem': 'a'})
        'train/a'
    """
    for field in fields_of(template):
        template = template.replace(f'{{{field}}}', fields[field])
    return template


def check_choice(source: str, option: str, value: str) -> str:
    """Check an option that is ``skip`` or ``negative``.

    Raises:
        RecipeError: If it is neither.
    """
    if value not in CHOICES:
        raise RecipeError(
            f'Data set {source!r}: {option!r} must be one of {CHOICES}, got {value!r}.'
        )
    return value
