"""Labels, modality, patients and splits, guessed from names."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mmdet_medglip.ontology import Ontology

from .pairing import words_of

__all__ = ['GuessedLabel', 'guess_label', 'guess_modality', 'guess_patient', 'label_in_words']

_MODALITY_WORDS = {
    'ct': ('ct', 'cbct', 'hounsfield'),
    'mri': ('mri', 'mr', 'flair', 't1w', 't2w', 't1', 't2', 'brats', 'brain'),
    'xray': ('xray', 'cxr', 'xr', 'radiograph', 'radiography', 'panoramic', 'teeth', 'dental'),
    'ultrasound': ('ultrasound', 'us', 'thyroid', 'busi', 'echo', 'fetal', 'sonography'),
    'endoscopy': ('endoscopy', 'colonoscopy', 'polyp', 'polyps', 'kvasir', 'gastroscopy'),
    'dermoscopy': ('dermoscopy', 'dermatoscopy', 'skin', 'melanoma', 'isic', 'dermoscopic'),
    'fundus': ('fundus', 'retina', 'retinal', 'drishti', 'disc', 'idrid', 'glaucoma'),
}
_PATIENTS = (
    (r'^(.+?)\.rf\.', 'copies of one source image carry its name before ".rf."'),
    (r'((?:patient|subject|sub|case|pat|pid)[-_]?[A-Za-z0-9]*\d)', 'a word for the patient'),
    (r'^([A-Za-z]+[-_]?\d+)[-_(]', 'the first letters and number'),
    (r'^(\d+)[-_(]', 'the first number'),
)
_FDI = re.compile('[1-4][1-8]')
_RUN_ON = re.compile('segmentation|softmap|annotation|groundtruth|mask|seg(?!ment)', re.IGNORECASE)
_NOISE = {'mask', 'masks', 'seg', 'segmentation', 'label', 'labels', 'gt', 'map', 'soft', 'roi'}


@dataclass(frozen=True)
class GuessedLabel:
    """What a name of the source may mean.

    Args:
        name: The name.
        label: Label id; None if it is not certain.
        similar: Known names that are near.
    """

    name: str
    label: str | None
    similar: tuple[str, ...] = ()


def guess_label(
    name: str, ontology: Ontology, modality: str | None, body_region: str | None = None
) -> GuessedLabel:
    """Look a name up; only an exact name or synonym counts as known, or a tooth's FDI number."""
    asked = f'fdi {name}' if _FDI.fullmatch(name) else name
    try:
        label = ontology.parse_label(asked, modality=modality, body_region=body_region)
    except ValueError:
        return GuessedLabel(name, None, tuple(ontology.suggest(name)))
    return GuessedLabel(name, label)


def label_in_words(
    text: str, ontology: Ontology, modality: str | None, shortest: int = 1
) -> str | None:
    """Find the longest run of words of a text that is a label, None if there is none.

    Args:
        text: Names of folders or the rest of a file name.
        ontology: Known names.
        modality: Modality, to decide between the meanings of a word.
        shortest: Letters that a name must have, for abbreviations mean much.
    """
    words = [word for word in words_of(_RUN_ON.sub(' ', text)) if word not in _NOISE]
    for length in range(min(4, len(words)), 0, -1):
        for start in range(len(words) - length + 1):
            name = ' '.join(words[start : start + length])
            found = guess_label(name, ontology, modality)
            if found.label is not None and len(name) >= shortest:
                return found.label
    return None


def guess_modality(names: Iterable[str]) -> str | None:
    """Guess the modality from the words of folders and files; None if they do not agree.

    Args:
        names: Paths; words of the first count like those of any other.
    """
    votes: Counter[str] = Counter()
    for name in names:
        words = set(words_of(name))
        for modality, known in _MODALITY_WORDS.items():
            votes[modality] += len(words.intersection(known))
    best = votes.most_common(2)
    if not best or best[0][1] == 0 or (len(best) > 1 and best[0][1] == best[1][1]):
        return None
    return best[0][0]


def guess_patient(stems: Sequence[str]) -> tuple[str, str] | None:
    """Find a rule that makes fewer patients than images.

    Args:
        stems: Names of images without folder and suffix.

    Returns:
        The expression and what it takes; None if every image may be its own patient.
    """
    for expression, told in _PATIENTS:
        found = [re.search(expression, stem) for stem in stems]
        groups = {match[1] for match in found if match}
        if found and all(found) and 1 < len(groups) < len(stems):
            return expression, told
    return None
