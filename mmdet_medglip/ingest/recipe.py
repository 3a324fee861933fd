"""Recipes: how one data set becomes records, as a YAML file."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.ontology.plain_yaml import load_yaml
from mmdet_medglip.registry import READERS

from .label_map import LabelMap
from .paths import inside
from .readers import Reader, RecipeError
from .splits import SplitPolicy

__all__ = ['BoxRules', 'Recipe', 'SimilarRule', 'available_recipes', 'load_recipe', 'parse_recipe']

WINDOW_PRESETS: Mapping[str, tuple[float, float]] = {
    'soft_tissue': (40.0, 400.0),
    'lung': (-160.0, 1500.0),
    'brain': (40.0, 80.0),
    'bone': (400.0, 1800.0),
}

_FOLDER = Path(__file__).with_name('recipes')
_NAME = re.compile(r'[a-z0-9][a-z0-9_]*')
_BYTES_LIMIT = 1_000_000


class BoxRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How regions become boxes.

    Args:
        min_area: Smallest connected component of a mask, in pixels.
        min_size_mm: Shortest side of a box in mm; has no effect where spacing is unknown.
        clip_tolerance: How far in pixels a box may leave the image and be clipped unseen; one
            that leaves further is clipped and flagged.
        merge_iou: Boxes of one label from several annotators that overlap at least this much
            become their mean; None leaves all.
        keep_masks: Whether regions carry masks where the source has them.
        policy: Box policy by label, where it is not the ontology's.
    """

    min_area: Annotated[int, msgspec.Meta(ge=1)] = 1
    min_size_mm: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    clip_tolerance: Annotated[float, msgspec.Meta(ge=0)] = 1.0
    merge_iou: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    keep_masks: bool = True
    policy: dict[str, Literal['single', 'components']] = {}


class SimilarRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Images that look alike are one patient; see ``ingest.similarity``.

    Args:
        images: Pattern of the images; its ``{stem}`` is what ``patient_id`` would be searched in.
        max_difference: Largest share of differing hash bits of two similar images.
    """

    images: str
    max_difference: Annotated[float, msgspec.Meta(ge=0, le=1)]


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one data set becomes records.

    Args:
        name: Name of the source in the store: lower case letters, digits and ``_``.
        title: What it is, in one line.
        url: Where it is obtained.
        licence: Licence, as its owner states it.
        root: Its folder, relative to the data root.
        reader: Name of a reader in the registry ``READERS``.
        modality: Any name of a modality.
        body_region: Region shown, in words.
        view: Projection or plane, such as ``axial``.
        window: Window to show CT with: a preset's name, or ``[centre, width]``.
        labels: Label by name in the source; null drops a name on purpose.
        boxes: How regions become boxes.
        patient_id: Regular expression searched in the image's name; its first group, or all of
            the match, is the patient. Without it each image, or series, is its own patient.
        similar: Excludes ``patient_id``: patients are groups of similar images.
        patient_scope: Sources of one scope have their patients in common; the name of the source
            if None.
        split: Options of :class:`mmdet_medglip.ingest.splits.SplitPolicy`.
        identifiers: ``keep`` for published names; ``pseudonymous`` replaces the names of files,
            patients, studies and series by keyed hashes.
        notes: Traps of the data set, for people.
        options: Options of the reader: all other keys of the file.
    """

    name: str
    title: str
    url: str
    licence: str
    root: str
    reader: str
    modality: str
    body_region: str | None = None
    view: str | None = None
    window: str | tuple[float, float] | None = None
    labels: dict[str, str | None] = {}
    boxes: BoxRules = BoxRules()
    patient_id: str | None = None
    similar: SimilarRule | None = None
    patient_scope: str | None = None
    split: dict[str, Any] = {}
    identifiers: Literal['keep', 'pseudonymous'] = 'keep'
    notes: str = ''
    options: dict[str, Any] = {}

    @property
    def digest(self) -> str:
        """Hash of everything that can change a record, 64 hex digits."""
        content = msgspec.to_builtins(msgspec.structs.replace(self, title='', notes='', url=''))
        told = msgspec.json.encode(_with_text_keys(content), order='sorted')
        return hashlib.sha256(told).hexdigest()

    @property
    def window_values(self) -> tuple[float, float] | None:
        """Window as ``(centre, width)``."""
        return WINDOW_PRESETS[self.window] if isinstance(self.window, str) else self.window

    def label_map(self, ontology: Ontology) -> LabelMap:
        """Build the map from names of the source to labels."""
        try:
            return LabelMap(
                self.labels,
                ontology,
                modality=ontology.parse_modality(self.modality),
                body_region=self.body_region,
                policies=self.boxes.policy,
            )
        except ValueError as error:
            raise RecipeError(f'Recipe {self.name!r}: {error}') from None

    def build_reader(self, data_root: str | Path, label_map: LabelMap) -> Reader:
        """Build the reader over a data root.

        Args:
            data_root: Folder that ``root`` is relative to.
            label_map: From :meth:`label_map`.

        Raises:
            FileNotFoundError: If the folder of the data set does not exist.
            RecipeError: If the reader or one of its options is unknown.
        """
        # Registry.get would import torch, which workers can do without.
        kind = READERS.module_dict.get(self.reader)
        if kind is None:
            known = ', '.join(sorted(READERS.module_dict))
            raise RecipeError(
                f'Recipe {self.name!r}: unknown reader {self.reader!r}; known are {known}. '
                'A reader of your own needs --import MODULE.'
            )
        root = inside(Path(data_root).absolute(), self.root)
        common = {'source': self.name, 'modality': label_map.modality, 'label_map': label_map}
        try:
            return kind(root, **common, **self.options)
        except TypeError as error:
            raise RecipeError(
                f'Recipe {self.name!r}: {error}; see the options of {self.reader}.'
            ) from error


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
        RecipeError: If the file is not a recipe.
    """
    path = Path(name_or_path)
    if path.suffix not in ('.yaml', '.yml'):
        path = _FOLDER / f'{name_or_path}.yaml'
        if str(name_or_path) not in available_recipes():
            known = ', '.join(available_recipes())
            raise FileNotFoundError(f'No recipe {str(name_or_path)!r}; packaged are {known}.')
    if not path.is_file():
        raise FileNotFoundError(f'Recipe file {path} does not exist.')
    if path.stat().st_size > _BYTES_LIMIT:
        raise RecipeError(f'Recipe file {path} is over {_BYTES_LIMIT} bytes; it is not a recipe.')
    try:
        data = load_yaml(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise RecipeError(f'Recipe file {path} is not valid YAML: {error}') from error
    return parse_recipe(data, f'Recipe file {path}')


def parse_recipe(data: Any, origin: str = 'Recipe') -> Recipe:
    """Make a recipe from plain data.

    Args:
        data: Mapping in the layout of a recipe file.
        origin: What error messages call it.

    Returns:
        The recipe.

    Raises:
        RecipeError: If a key is missing or has a value of a wrong kind; names the key.
    """
    if not isinstance(data, Mapping):
        raise RecipeError(f'{origin} must be a mapping of keys, got {type(data).__name__}.')
    own = {field for field in Recipe.__struct_fields__ if field != 'options'}
    content: dict[str, Any] = {str(k): v for k, v in data.items() if k in own}
    content['options'] = {str(k): v for k, v in data.items() if k not in own}
    if isinstance(content.get('labels'), Mapping):
        content['labels'] = {str(k): v for k, v in content['labels'].items()}
    try:
        recipe = msgspec.convert(content, Recipe)
    except msgspec.ValidationError as error:
        raise RecipeError(f'{origin}: {error}; correct this key.') from None
    _check(recipe, origin)
    return recipe


def _with_text_keys(value: Any) -> Any:
    """Turn the keys of mappings, at any depth, to text."""
    if isinstance(value, Mapping):
        return {str(key): _with_text_keys(part) for key, part in value.items()}
    return [_with_text_keys(part) for part in value] if isinstance(value, list) else value


def _check(recipe: Recipe, origin: str) -> None:
    if not _NAME.fullmatch(recipe.name):
        raise RecipeError(
            f"{origin}: 'name' must be lower case letters, digits and '_', got {recipe.name!r}."
        )
    for key in ('title', 'url', 'licence', 'root', 'reader', 'modality'):
        if not getattr(recipe, key).strip():
            raise RecipeError(f'{origin}: {key!r} is empty; fill it in.')
    if isinstance(recipe.window, str) and recipe.window not in WINDOW_PRESETS:
        known = ', '.join(WINDOW_PRESETS)
        raise RecipeError(f"{origin}: 'window' must be [centre, width] or one of {known}.")
    if recipe.similar is not None and recipe.patient_id is not None:
        raise RecipeError(f"{origin}: give 'patient_id' or 'similar', not both.")
    try:
        re.compile(recipe.patient_id or '')
    except re.error as error:
        raise RecipeError(f"{origin}: 'patient_id' is not a regular expression: {error}.") from None
    try:
        SplitPolicy(recipe.split)
    except (ValueError, TypeError, AttributeError) as error:
        raise RecipeError(f"{origin}: 'split': {error}") from None
