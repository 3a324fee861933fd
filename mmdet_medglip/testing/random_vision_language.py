"""Vision-language models with random weights, small enough to be made in a test.

They are written as transformers writes models, so that loading, prompts, batches and generation are
those of real ones. What they answer means nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import (
    CLIPImageProcessor,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    Qwen2TokenizerFast,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
)

from mmdet_medglip.text import load_tokenizer

__all__ = ['RANDOM_MODELS', 'write_random_llava', 'write_random_qwen']

_CHAT = (
    "{% for message in messages %}USER: {% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}IMAGE{% else %}{{ part['text'] }}{% endif %}{% endfor %}"
    ' {% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}'
)
_LANGUAGE: dict[str, Any] = {
    'hidden_size': 32,
    'intermediate_size': 64,
    'num_hidden_layers': 2,
    'num_attention_heads': 4,
    'num_key_value_heads': 2,
    'max_position_embeddings': 2048,
    'initializer_range': 0.5,
}


def write_random_llava(folder: Path, *, chat: bool = True, seed: int = 0) -> str:
    """Write a LLaVA of two layers: CLIP for images of 32 pixels, Llama for words.

    Args:
        folder: Made if it is not there.
        chat: Whether the processor has a chat template.
        seed: Of the weights.

    Returns:
        The folder, as a name of a model.
    """
    tokenizer = _tokenizer('<image>')
    image = tokenizer.convert_tokens_to_ids('<image>')
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            image_size=32,
            patch_size=8,
            projection_dim=32,
        ),
        text_config=LlamaConfig(vocab_size=len(tokenizer), **_LANGUAGE, **_ids(tokenizer)),
        image_token_index=image,
        image_seq_length=16,
        vision_feature_layer=-1,
    )
    torch.manual_seed(seed)
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    LlavaProcessor(
        CLIPImageProcessor(size={'shortest_edge': 32}, crop_size=32),
        tokenizer,
        patch_size=8,
        vision_feature_select_strategy='default',
        num_additional_image_tokens=1,
        chat_template=_CHAT.replace('IMAGE', '<image>\n') if chat else None,
    ).save_pretrained(folder)
    return str(folder)


def write_random_qwen(folder: Path, *, chat: bool = True, seed: int = 0) -> str:
    """Write a Qwen2-VL of two layers, which takes images of any size.

    Args:
        folder: Made if it is not there.
        chat: Whether the processor has a chat template.
        seed: Of the weights.

    Returns:
        The folder, as a name of a model.
    """
    marks = ('<|vision_start|>', '<|image_pad|>', '<|vision_end|>', '<|video_pad|>')
    folder.mkdir(parents=True, exist_ok=True)
    words = folder / 'words.json'
    _tokenizer().backend_tokenizer.save(str(words))
    tokenizer = Qwen2TokenizerFast(
        tokenizer_file=str(words),
        unk_token='[UNK]',
        pad_token='[PAD]',
        eos_token='[SEP]',
        additional_special_tokens=list(marks),
    )
    words.unlink()
    start, image, end, video = tokenizer.convert_tokens_to_ids(list(marks))
    config = Qwen2VLConfig(
        vocab_size=len(tokenizer),
        **_LANGUAGE,
        **_ids(tokenizer),
        rope_scaling={'type': 'mrope', 'mrope_section': [1, 1, 2]},
        vision_config={
            'depth': 2,
            'embed_dim': 32,
            'hidden_size': 32,
            'num_heads': 4,
            'mlp_ratio': 2,
            'patch_size': 8,
            'spatial_merge_size': 2,
        },
        image_token_id=image,
        video_token_id=video,
        vision_start_token_id=start,
        vision_end_token_id=end,
    )
    torch.manual_seed(seed)
    Qwen2VLForConditionalGeneration(config).save_pretrained(folder)
    picture = '<|vision_start|><|image_pad|><|vision_end|>'
    Qwen2VLProcessor(
        Qwen2VLImageProcessor(patch_size=8, merge_size=2, min_pixels=32 * 32, max_pixels=64 * 64),
        tokenizer,
        Qwen2VLVideoProcessor(patch_size=8, merge_size=2),
        chat_template=_CHAT.replace('IMAGE', picture) if chat else None,
    ).save_pretrained(folder)
    return str(folder)


RANDOM_MODELS: dict[str, Callable[..., str]] = {
    'llava': write_random_llava,
    'qwen2-vl': write_random_qwen,
}
"""Writers by kind."""


def _tokenizer(*marks: str) -> PreTrainedTokenizerFast:
    """A tokenizer of the bundled vocabulary that adds nothing to a text."""
    vocabulary = load_tokenizer('bundled').get_vocab()
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token='[UNK]'))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token='[UNK]',
        pad_token='[PAD]',
        eos_token='[SEP]',
        additional_special_tokens=list(marks),
        model_input_names=['input_ids', 'attention_mask'],
    )


def _ids(tokenizer: PreTrainedTokenizerFast) -> dict[str, int]:
    return {
        'pad_token_id': tokenizer.pad_token_id,
        'eos_token_id': tokenizer.eos_token_id,
        'bos_token_id': tokenizer.eos_token_id,
    }
