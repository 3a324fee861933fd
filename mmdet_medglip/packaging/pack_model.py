"""Put a trained model with all it needs in one folder."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmengine.config import Config
from torch import Tensor

from mmdet_medglip.apis.inferencer import MedGLIPInferencer
from mmdet_medglip.apis.model_files import ModelFiles
from mmdet_medglip.apis.question import read_question
from mmdet_medglip.engine.num_classes import dicts_of
from mmdet_medglip.engine.weights_file import save_weights, sort_header
from mmdet_medglip.ingest.annotation_files import read_text
from mmdet_medglip.models.language_models import TextEncoder, save_prompts
from mmdet_medglip.ontology import DEFAULT_LABELS, Ontology
from mmdet_medglip.store.durable import replace_file, sync
from mmdet_medglip.text import resolve_language_model

from .config_check import DROPPED, check_config
from .contents import LANGUAGE_FOLDER, Contents, FileEntry, entry_of
from .label_numbers import TrainingNumbers, count_training
from .language_files import copy_language_files
from .model_card import model_card
from .packed_model import LANGUAGE_PREFIX, PackedModel, is_packed
from .plain_values import plain_of

__all__ = ['PackOptions', 'pack_model']

_SPDX = re.compile(r'(?:DocumentRef-[A-Za-z0-9.-]+:)?[A-Za-z0-9][A-Za-z0-9.+-]*')
_BETWEEN = frozenset(('AND', 'OR', 'WITH'))
_FILE = re.compile(r'.*\.[A-Za-z][A-Za-z0-9]*|licen[cs]es?|copying|copyright|notice', re.IGNORECASE)
"""Words that name a file rather than a licence."""


@dataclass(frozen=True)
class PackOptions:
    """What goes into a packed model besides config and weights.

    Attributes:
        licence: Of the weights: a file with its text, or its SPDX name, such as ``Apache-2.0`` or
            ``LicenseRef-ours``.
        name: Short name of the model; None for that of the config file.
        score_thr: Least score of a box where the caller names none.
        presence: File of tools/calibrate_presence.py; None for that of the config, if there is one.
        prompts: Prompts to encode now, so that asking them needs no language model pass.
        data: Store that the model was trained on, whose labels are counted; None counts none.
        card: File of a model card; None writes one.
        about: File with what the written card says of purpose, making and tests, in Markdown.
        include_language_model: Whether a language model that is the bundled one, bit by bit, is
            packed too.
        half: Whether weights are kept in float16; they are float32 again when they are loaded.

    Raises:
        ValueError: The licence is empty, or there are both card and about.
    """

    licence: str
    name: str | None = None
    score_thr: float = 0.3
    presence: str | None = None
    prompts: tuple[str, ...] = ()
    data: str | None = None
    card: str | None = None
    about: str | None = None
    include_language_model: bool = False
    half: bool = False

    def __post_init__(self) -> None:
        if self.card is not None and self.about is not None:
            raise ValueError(
                'about is a part of the card that is written; leave out card or about.'
            )
        if not self.licence.strip():
            raise ValueError('licence must say under which terms the weights may be used.')


def pack_model(files: ModelFiles, folder: str | Path, options: PackOptions) -> Contents:
    """Write a packed model; the same model and options give the same bytes.

    Args:
        files: Config and weights; not of a packed model, whose card and numbers would be lost.
        folder: Folder to make; it must not be there yet.
        options: What else goes in.

    Returns:
        What is in it, after it was read back.

    Raises:
        FileExistsError: The folder is there.
        FileNotFoundError: A file is missing.
        ValueError: The config has what a packed model must not have, the weights do not fit, a text
            is not UTF-8, or the model is packed already.
        OSError: A file cannot be written.
    """
    folder = Path(folder)
    if folder.exists():
        raise FileExistsError(f'{folder} is there; remove it, or name another folder.')
    if is_packed(files.config):
        raise ValueError(
            f'{files.config} is a packed model already: copy the folder to hand it on, or pack the '
            'config and checkpoint that it was made of to change what is in it.'
        )
    config, weights = files.read()
    if options.presence is not None:
        test_cfg = config.model.setdefault('test_cfg', {})
        test_cfg.presence = {**(test_cfg.get('presence') or {}), 'calibration': options.presence}
    inferencer = MedGLIPInferencer(config, weights, 'cpu', show_progress=False)
    with _new_folder(folder) as made:
        contents = _write_parts(made, files, config, inferencer, options)
        contents.write(made)
        PackedModel.open(made)
    return contents


def _write_parts(
    made: Path,
    files: ModelFiles,
    config: Config,
    inferencer: MedGLIPInferencer,
    options: PackOptions,
) -> Contents:
    model = config.model
    test_cfg = model.get('test_cfg') or {}
    calibration = (test_cfg.get('presence') or {}).get('calibration')
    labels = (test_cfg.get('hierarchy') or {}).get('ontology')
    ontology = Ontology.default() if labels is None else Ontology.from_yaml(labels)
    _write_config(made, model, inferencer.steps)
    shutil.copyfile(labels or DEFAULT_LABELS, made / 'ontology.yaml')
    if calibration is not None:
        shutil.copyfile(calibration, made / 'presence.json')
    language, digest = _write_weights(made, inferencer.model, options)
    if options.prompts:
        _write_prompts(made, inferencer.model, options.prompts, ontology)
    numbers = _write_numbers(made, config, options, ontology)
    licence = _write_licence(made, options.licence)
    names = [path.relative_to(made).as_posix() for path in made.rglob('*') if path.is_file()]
    contents = Contents(
        options.name or Path(files.config).stem,
        {'README.md': FileEntry(0, ''), **_entries(made, names)},
        language,  # type: ignore[arg-type] # one of the three
        digest,
        options.score_thr,
    )
    if options.card is not None:
        card = read_text(Path(options.card))
    else:
        parameters = sum(one.numel() for one in inferencer.model.parameters())
        served = inferencer.modalities or ()
        about = '' if options.about is None else read_text(Path(options.about))
        card = model_card(contents, licence, served, parameters, numbers, options.prompts, about)
    replace_file(made / 'README.md', card.encode())
    return replace(contents, files=_entries(made, [*names, 'README.md']))


def _entries(made: Path, names: list[str]) -> dict[str, FileEntry]:
    return {name: entry_of(made / name) for name in sorted(names)}


def _write_config(made: Path, model: Any, steps: list[dict[str, Any]]) -> None:
    plain = dict(
        model=_stripped(plain_of(model, 'model')),
        test_pipeline=[
            _stripped(plain_of(step, 'test_pipeline'))
            for step in steps
            if not str(step['type']).endswith('RouteModality')  # The inferencer has its own.
        ],
    )
    language = plain['model'].get('language_model')
    if language is not None:
        if language.get('type', '').rpartition('.')[2] != 'TextEncoder':
            raise ValueError(
                f'The language model is a {language.get("type")}, which loads by name; a model '
                'that is packed must have a TextEncoder.'
            )
        for key in ('name', 'pretrained'):
            language.pop(key, None)
    test_cfg = plain['model'].get('test_cfg') or {}
    for part, key in (('presence', 'calibration'), ('hierarchy', 'ontology')):
        (test_cfg.get(part) or {}).pop(key, None)
    check_config(plain['model'], 'model', 'model')
    check_config(plain['test_pipeline'], 'transform', 'test_pipeline')
    text = json.dumps(plain, indent=1, sort_keys=True, allow_nan=False) + '\n'
    replace_file(made / 'config.json', text.encode())


def _stripped(plain: Any) -> Any:
    """Leave out how training began, at any depth."""
    if isinstance(plain, dict):
        kept = {key: _stripped(one) for key, one in plain.items() if key not in DROPPED}
        if kept.get('backend_args', ()) is None:
            del kept['backend_args']
        return kept
    return [_stripped(one) for one in plain] if isinstance(plain, list) else plain


def _write_weights(made: Path, model: Any, options: PackOptions) -> tuple[str, str]:
    """Write weights and language model; return where the latter is, and its digest."""
    weights: dict[str, Tensor] = model.state_dict()
    encoder = getattr(model, 'language_model', None)
    if not isinstance(encoder, TextEncoder):
        save_weights(made / 'weights.safetensors', weights, options.half)
        return 'none', ''
    if not options.include_language_model and encoder.name == 'bundled':
        digest = encoder.digest()
        if TextEncoder('bundled').digest() == digest:
            rest = {k: v for k, v in weights.items() if not k.startswith(LANGUAGE_PREFIX)}
            save_weights(made / 'weights.safetensors', rest, options.half)
            return 'bundled', digest
    save_weights(made / 'weights.safetensors', weights, options.half)
    source = Path(resolve_language_model(encoder.name))
    if not source.is_dir():
        from huggingface_hub import snapshot_download

        source = Path(snapshot_download(encoder.name, local_files_only=True))
    copy_language_files(source, made / LANGUAGE_FOLDER)
    return 'packed', ''


def _write_prompts(made: Path, model: Any, prompts: tuple[str, ...], ontology: Ontology) -> None:
    """Encode each prompt as it is encoded when it is asked alone, and write all."""
    encoder = model.language_model
    known: dict[Any, Tensor] = {}
    for text in prompts:
        model.set_prompts(read_question(text, ontology=ontology).prompt)
        parts = model.parts_of(read_question(text, ontology=ontology).prompt)
        known |= {part: encoder.pinned(part) for part in parts}
    encoder.pin(list(known), list(known.values()))
    path = made / 'prompts.safetensors'
    save_prompts(path, encoder, list(known))
    sort_header(path)


def _write_numbers(
    made: Path, config: Config, options: PackOptions, ontology: Ontology
) -> TrainingNumbers | None:
    if options.data is None:
        return None
    named = [one.get('modalities') for one in dicts_of(config.get('train_dataloader'))]
    modalities = next((one for one in named if one), None)
    numbers = count_training(options.data, modalities=modalities, ontology=ontology)
    text = json.dumps(numbers.to_dict(), indent=1, sort_keys=True, ensure_ascii=False) + '\n'
    replace_file(made / 'labels.json', text.encode())
    return numbers


def _write_licence(made: Path, licence: str) -> str:
    path = Path(licence)
    if path.is_file():
        replace_file(made / 'LICENSE', path.read_bytes())
        return 'see the file LICENSE'
    if not _is_spdx(licence):
        raise FileNotFoundError(
            f'There is no licence file {licence}; give it, or an SPDX name such as Apache-2.0 or '
            'LicenseRef-ours.'
        )
    replace_file(made / 'LICENSE', f'SPDX-License-Identifier: {licence}\n'.encode())
    return licence


def _is_spdx(text: str) -> bool:
    """Tell whether a text is names of licences with AND, OR and WITH between them."""
    words = re.sub(r'[() ]+', ' ', text).strip(' ').split(' ')
    return (
        len(words) % 2 == 1
        and set(words[1::2]) <= _BETWEEN
        and _BETWEEN.isdisjoint(words[::2])
        and all(_SPDX.fullmatch(word) and not _FILE.fullmatch(word) for word in words[::2])
    )


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """Fill a folder that takes its name when the block ends well, else is gone."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f'.{folder.name}.partial-{os.getpid()}')
    partial.mkdir()
    try:
        yield partial
        partial.rename(folder)
        sync(folder.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
