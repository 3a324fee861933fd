"""A BERT-type language model by name, encoding each distinct prompt once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import torch
from mmengine.model import BaseModule
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoConfig, AutoModel, PreTrainedModel
from transformers.utils import logging

from mmdet_medglip.registry import MODELS
from mmdet_medglip.text import (
    Prompt,
    load_tokenizer,
    offline_error,
    resolve_language_model,
    token_map,
)

from .text_features import TextFeatures

__all__ = ['TextEncoder']


def _is_autocast(device: torch.device) -> bool:
    try:
        return torch.is_autocast_enabled(device.type)
    except TypeError:  # torch < 2.4 knows of CUDA alone
        return torch.is_autocast_enabled()


def _build(source: str) -> PreTrainedModel:
    return AutoModel.from_config(AutoConfig.from_pretrained(source), add_pooling_layer=False)


def _load(source: str) -> PreTrainedModel:
    """Load weights; one that is missing is an error here, not a warning among others."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        model, info = AutoModel.from_pretrained(
            source, add_pooling_layer=False, output_loading_info=True
        )
    finally:
        logging.set_verbosity(verbosity)
    if info['missing_keys']:
        raise ValueError(f'the weights lack {", ".join(sorted(info["missing_keys"])[:3])}')
    return model


@MODELS.register_module()
class TextEncoder(BaseModule):
    """Encode prompts to token features with a Hugging Face encoder.

    Only real tokens are computed: prompts are padded to the longest of the batch, not to the
    limit. A prompt that was seen before is read from a cache as long as its features cannot have
    changed: without gradients, and cleared when weights are loaded or moved, or training starts.

    Args:
        name: ``'bundled'`` (all-MiniLM-L6-v2, offline), a local folder, or a hub name such as
            ``'bert-base-uncased'``.
        max_tokens: Longest prompt in tokens, special tokens included.
        frozen: Keep the weights and dropout off; the features then carry no gradient.
        pretrained: Load weights; otherwise only the architecture, at random.
        cache_size: Number of prompts kept; 0 turns the cache off.
        init_cfg: As in mmengine.

    Raises:
        OSError: The model cannot be had; the message says what to do offline.
        ValueError: ``max_tokens`` exceeds what the model can read.
    """

    def __init__(
        self,
        name: str = 'bundled',
        max_tokens: int = 256,
        frozen: bool = False,
        pretrained: bool = True,
        cache_size: int = 512,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.tokenizer = load_tokenizer(name)
        source = resolve_language_model(name)
        try:
            self.model = _load(source) if pretrained else _build(source)
        except (OSError, ImportError, ValueError) as error:
            raise offline_error(name, error) from error
        longest = self.model.config.max_position_embeddings
        if max_tokens > longest:
            raise ValueError(
                f'language_model.max_tokens={max_tokens}, but {name!r} reads at most {longest}.'
            )
        self.max_tokens = max_tokens
        self.frozen = frozen
        self.cache_size = cache_size
        self._cache: OrderedDict[tuple[str, bool], Tensor] = OrderedDict()
        if frozen:
            self.model.requires_grad_(False)
            self.model.eval()

    @property
    def channels(self) -> int:
        """Width ``D`` of a token feature."""
        return self.model.config.hidden_size

    def forward(self, prompts: Sequence[Prompt]) -> TextFeatures:
        """Encode a batch of prompts, one per image.

        Args:
            prompts: ``B`` prompts; equal ones are encoded once.

        Returns:
            Features (B, T, D) with masks and phrase-to-token maps.

        Raises:
            ValueError: A prompt exceeds ``max_tokens``.
        """
        captions = [prompt.caption for prompt in prompts]
        encoded = self.tokenizer(captions, return_offsets_mapping=True, verbose=False)
        ids = dict(zip(captions, encoded['input_ids'], strict=True))
        for caption, tokens in ids.items():
            if len(tokens) > self.max_tokens:
                raise ValueError(
                    f'Prompt {caption[:80]!r} has {len(tokens)} tokens, more than the limit of '
                    f'{self.max_tokens} (language_model.max_tokens). Ask fewer phrases at once.'
                )
        hidden = self._encode(ids)
        device = next(self.model.parameters()).device
        length = max(map(len, ids.values()))
        maps = tuple(
            self._token_map(offsets, prompt, length).to(device)
            for offsets, prompt in zip(encoded['offset_mapping'], prompts, strict=True)
        )
        counts = torch.tensor([len(ids[caption]) for caption in captions], device=device)
        mask = torch.arange(length, device=device) < counts[:, None]
        padded = pad_sequence([hidden[caption] for caption in captions], batch_first=True)
        return TextFeatures(padded, mask, maps)

    @staticmethod
    def _token_map(offsets: Sequence[tuple[int, int]], prompt: Prompt, length: int) -> Tensor:
        owned = torch.zeros(len(prompt), length, dtype=torch.bool)
        owned[:, : len(offsets)] = torch.from_numpy(token_map(offsets, prompt))
        return owned

    def _encode(self, ids: dict[str, list[int]]) -> dict[str, Tensor]:
        """Features (T_i, D) of each caption, through the cache where that is exact."""
        grad = torch.is_grad_enabled() and not self.frozen
        if grad or self.model.training or not self.cache_size:
            with torch.set_grad_enabled(grad):
                return dict(zip(ids, self._run(list(ids.values())), strict=True))
        mixed = _is_autocast(next(self.model.parameters()).device)
        new = {c: tokens for c, tokens in ids.items() if (c, mixed) not in self._cache}
        if new:
            # Not inference tensors: a frozen encoder's features also serve training.
            with torch.inference_mode(False), torch.no_grad():
                for caption, hidden in zip(new, self._run(list(new.values())), strict=True):
                    self._cache[caption, mixed] = hidden.clone()
        known = {caption: self._cache[caption, mixed] for caption in ids}
        for caption in ids:
            self._cache.move_to_end((caption, mixed))
        while len(self._cache) > self.cache_size:
            self._cache.popitem(last=False)
        return known

    def _run(self, ids: list[list[int]]) -> list[Tensor]:
        device = next(self.model.parameters()).device
        tokens = [torch.tensor(row, device=device) for row in ids]
        pad = self.tokenizer.pad_token_id or 0
        padded = pad_sequence(tokens, batch_first=True, padding_value=pad)
        length = torch.tensor([len(row) for row in ids], device=device)
        mask = torch.arange(padded.shape[1], device=device) < length[:, None]
        output = self.model(input_ids=padded, attention_mask=mask.long()).last_hidden_state
        return [row[: len(t)] for row, t in zip(output, tokens, strict=True)]

    def clear_cache(self) -> None:
        """Forget all prompts."""
        self._cache.clear()

    def train(self, mode: bool = True) -> TextEncoder:
        """Set the mode; a frozen encoder stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.model.eval()
        elif mode:
            self.clear_cache()
        return self

    def _apply(self, fn: Callable, *args: Any, **kwargs: Any) -> TextEncoder:
        self.clear_cache()
        return super()._apply(fn, *args, **kwargs)

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        self.clear_cache()
        super()._load_from_state_dict(*args, **kwargs)
