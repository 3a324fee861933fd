"""Load the parts of a vision-language model, or say what is wrong in one sentence.

``transformers`` is imported when a model is loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ['load_config', 'load_model', 'load_processor']

_LONGEST = 200
"""Characters of an error of transformers that are passed on; some list all models."""

_OFFLINE = (
    'Expected a folder that holds config.json, .safetensors weights and the processor, or a name '
    'of the Hugging Face hub that is reachable or cached. Offline: copy the folder from a '
    'connected machine (huggingface_hub.snapshot_download) and name it.'
)


def load_config(name: str, revision: str | None = None) -> Any:
    """Load the config of a model that has vision.

    Raises:
        OSError: It is not there, and the hub is not reachable.
        ValueError: Its kind is not known, or takes no images.
    """
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

    folder = Path(name)
    if folder.is_dir() and not (folder / 'config.json').is_file():
        raise OSError(f'Model {name!r} cannot be had (no config.json in it). {_OFFLINE}')
    try:
        config = AutoConfig.from_pretrained(name, revision=revision, trust_remote_code=False)
    except OSError as error:
        raise OSError(f'Model {name!r} cannot be had ({_first_line(error)}). {_OFFLINE}') from error
    except (ValueError, KeyError) as error:
        raise ValueError(
            f'Model {name!r} is of a kind that this version of transformers does not know '
            f'({_first_line(error)}). Code of a repository is not run: take a version of the model '
            'in a layout of transformers (LLaVA-Med: see docs/vqa.md), or update transformers.'
        ) from error
    if type(config) not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING:
        raise ValueError(
            f'Model {name!r} has no vision: its kind {config.model_type!r} takes no images. Name '
            'an image-text-to-text model, such as LLaVA, Qwen-VL or MedGemma.'
        )
    return config


def load_processor(name: str, config: Any, revision: str | None = None) -> Any:
    """Load what turns images and text into inputs.

    A processor of LLaVA that was saved without the numbers that say how many tokens an image takes,
    as older and converted ones are, gets them from the config.

    Raises:
        OSError: It is not there.
        ValueError: It has no part for images or none for text.
    """
    from transformers import AutoProcessor

    try:
        processor = AutoProcessor.from_pretrained(name, revision=revision, trust_remote_code=False)
    except OSError as error:
        raise OSError(
            f'The processor of model {name!r} cannot be had ({_first_line(error)}). {_OFFLINE}'
        ) from error
    except (ValueError, KeyError, ImportError) as error:
        raise ValueError(
            f'The processor of model {name!r} cannot be loaded: {_first_line(error)}.'
        ) from error
    for part, file in (('image_processor', 'preprocessor_config.json'), ('tokenizer', 'tokenizer')):
        if getattr(processor, part, None) is None:
            raise ValueError(
                f'Model {name!r} has no {part} ({file}), so it cannot be asked about images: take '
                'it from the model that it was made of.'
            )
    if getattr(processor, 'patch_size', 0) is None:
        vision = config.vision_config
        processor.patch_size = vision.patch_size
        processor.vision_feature_select_strategy = config.vision_feature_select_strategy
        # CLIP has a token for the whole image besides those of its patches.
        has_class_token = vision.model_type == 'clip_vision_model'
        processor.num_additional_image_tokens = int(has_class_token)
    return processor


def load_model(name: str, config: Any, dtype: Any, revision: str | None = None) -> Any:
    """Load a model whose weights are all there.

    Raises:
        OSError: There are no weights, or none in ``.safetensors``.
        ValueError: Weights are missing, so that the model would answer at random.
    """
    from transformers import AutoModelForImageTextToText

    try:
        model, info = AutoModelForImageTextToText.from_pretrained(
            name,
            config=config,
            torch_dtype=dtype,
            revision=revision,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
    except OSError as error:
        raise OSError(
            f'The weights of model {name!r} cannot be had ({_first_line(error)}). Only '
            f'.safetensors files are read: a pickle would run code. {_OFFLINE}'
        ) from error
    if info['missing_keys']:
        lacking = sorted(info['missing_keys'])
        raise ValueError(
            f'The weights of model {name!r} lack {len(lacking)} tensors, such as {lacking[0]!r}: '
            'it would answer at random. Take whole weights of this kind '
            f'({config.model_type!r}).'
        )
    return model


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:_LONGEST].rstrip('.') if text else type(error).__name__
