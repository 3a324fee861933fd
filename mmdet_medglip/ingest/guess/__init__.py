"""A first recipe for a folder of data, guessed from names and the beginnings of files."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmdet_medglip.ontology import Ontology

from .dicom_files import guess_dicom
from .draft import UNKNOWN, Draft
from .listings import guess_coco, guess_odvg, guess_via
from .mask_pictures import guess_masks, guess_sparse
from .naming import GuessedLabel, guess_label, guess_modality, guess_patient, label_in_words
from .recipe_text import recipe_text
from .scan import Scan, scan_folder, split_of_folder
from .sidecars import guess_labelme, guess_voc, guess_yolo
from .tables import guess_csv
from .volumes import guess_npz, guess_volumes

__all__ = ['GuessedRecipe', 'guess_recipe']

_SHORTEST_NAME = 4
_FRACTIONS = {'train': 0.7, 'val': 0.15, 'test': 0.15}
_HEAD = (
    'Written by a look at names and the beginnings of files: read every line, and correct it.',
    'Run it with the folder above this one as --data-root; --limit 20 shows quickly what it finds.',
)

LAYOUTS: tuple[Callable[[Scan], Draft | None], ...] = (
    guess_odvg,
    guess_coco,
    guess_via,
    guess_labelme,
    guess_voc,
    guess_yolo,
    guess_dicom,
    guess_volumes,
    guess_npz,
    guess_sparse,
    guess_masks,
    guess_csv,
)
"""The layouts that are looked for, the surest first; the first that is found is taken."""


@dataclass(frozen=True)
class GuessedRecipe:
    """A recipe to edit.

    Args:
        recipe: Its keys and values.
        text: The recipe as YAML, with comments.
        to_fill_in: Keys that no look at the folder could tell.
    """

    recipe: dict[str, Any]
    text: str
    to_fill_in: tuple[str, ...]


def guess_recipe(folder: str | Path, ontology: Ontology | None = None) -> GuessedRecipe:
    """Look at a folder and guess a recipe.

    The look is bounded: some hundred files of each folder, headers, and the contents of a few.
    Names that the ontology does not know exactly are mapped to null, with the nearest known ones
    beside them; what cannot be told is ``???``, which does not run.

    Args:
        folder: Folder of a data set.
        ontology: Known names; the packaged ontology if None.

    Returns:
        The recipe.

    Raises:
        FileNotFoundError: If the folder does not exist.
        ValueError: If no layout is found in it.
    """
    folder, ontology = Path(folder).resolve(), ontology or Ontology.default()
    scan = scan_folder(folder)
    drafts = (guess(scan) for guess in LAYOUTS)
    draft = next((found for found in drafts if found is not None), None)
    draft = draft or guess_dicom(scan, annotated=False)
    if draft is None:
        raise ValueError(
            f'No known layout was found in {folder} ({len(scan.files)} files); write a recipe by '
            "hand, see 'Your own data' in the documentation."
        )
    return _Writer(folder, scan, draft, ontology).write()


class _Writer:
    """Turns a draft into a recipe."""

    def __init__(self, folder: Path, scan: Scan, draft: Draft, ontology: Ontology) -> None:
        self.folder = folder
        self.scan = scan
        self.draft = draft
        self.ontology = ontology
        told = [*folder.parts[-2:], *draft.images[:50], *self.scan.files[:50]]
        self.modality = draft.modality or guess_modality(told)
        self.comments = dict(draft.why)
        self.to_fill_in: list[str] = []

    def write(self) -> GuessedRecipe:
        """Write the recipe and its comments."""
        self._label_the_only_ones()
        labels = self._labels()
        name = re.sub(r'[^a-z0-9]+', '_', self.folder.name.lower()).strip('_') or 'my_data'
        recipe: dict[str, Any] = {
            'name': name,
            'title': self.folder.name,
            'url': 'not published',
            'licence': 'not stated',
            'root': self.folder.name,
            'reader': self.draft.reader,
            'modality': self.modality or UNKNOWN,
            **self.draft.options,
        }
        if labels:
            recipe['labels'] = {one.name: one.label for one in labels}
        recipe |= self._patients() | self._split() | {'identifiers': 'pseudonymous'}
        self._explain(labels)
        head = list(_HEAD)
        if not self.scan.complete:
            head.append('Only a part of the files was looked at.')
        if self.to_fill_in:
            head.append(f'To fill in: {", ".join(dict.fromkeys(self.to_fill_in))}.')
        told = {one.name: self._near(one) for one in labels if one.label is None}
        text = recipe_text(recipe, self.comments, told, head)
        return GuessedRecipe(recipe, text, tuple(dict.fromkeys(self.to_fill_in)))

    def _labels(self) -> list[GuessedLabel]:
        names = [str(name) for name in self.draft.names]
        labels = [guess_label(name, self.ontology, self.modality) for name in dict.fromkeys(names)]
        if labels and all(label.label is None for label in labels):
            self.to_fill_in.append('labels')
        return labels

    def _label_the_only_ones(self) -> None:
        """Name the regions of files that have one kind each, by the words of their paths."""
        for options, words in self.draft.labelled:
            key = 'objects' if 'objects' in options else 'label'
            end, _, folders = words.partition('/')
            found = [label_in_words(end, self.ontology, self.modality)]
            found += [
                label_in_words(text, self.ontology, self.modality, _SHORTEST_NAME)
                for text in (*reversed(folders.split('/')), self.folder.name)
            ]
            options[key] = next((label for label in found if label), UNKNOWN)
            if options[key] == UNKNOWN:
                self.to_fill_in.append(key)

    def _patients(self) -> dict[str, Any]:
        stems = list(dict.fromkeys(self.draft.stems))
        found = guess_patient(stems)
        if found is None:
            self.comments['split'] = (
                'Names show no patients: each image or volume is one of its own. If several are of '
                'one patient, give patient_id, or similar for sets with near copies.'
            )
            return {}
        expression, told = found
        groups = len({match[1] for stem in stems if (match := re.search(expression, stem))})
        self.comments['patient_id'] = f'{told}: {groups} patients of {len(stems)} names'
        return {'patient_id': expression}

    def _split(self) -> dict[str, Any]:
        splits = {name: split_of_folder(name) for name in self.draft.splits}
        told = {name: split for name, split in splits.items() if split}
        fractions = {'split': {'fractions': dict(_FRACTIONS)}}
        if 'train' not in told.values() or len(set(told.values())) < 2:
            return fractions
        if 'patient_id' in self.comments:
            self.comments['split'] = (
                'By patient, for the folders may share patients. As the folders say would be '
                f'folders: {told}.'
            )
            return fractions
        self.comments['split'] = (
            'As the folders say. If their images share patients or are copies of each other, give '
            'fractions, and patient_id or similar.'
        )
        return {'split': {'folders': told}}

    def _explain(self, labels: list[GuessedLabel]) -> None:
        self.comments['url'] = 'Where the data is obtained, and its licence as the owner states it.'
        if self.modality is None:
            known = ', '.join(self.ontology.modalities)
            self.comments['modality'] = f'Names do not tell the modality: one of {known}.'
            self.to_fill_in.append('modality')
        elif self.draft.modality is None:
            self.comments['modality'] = 'guessed from words in names'
        unknown = [one for one in labels if one.label is None]
        if unknown:
            self.comments['labels'] = (
                f'{len(unknown)} of {len(labels)} names are not known exactly and are dropped '
                '(null); write the label that is meant.'
            )

    def _near(self, label: GuessedLabel) -> str:
        return f'near: {", ".join(label.similar)}' if label.similar else 'nothing near is known'
