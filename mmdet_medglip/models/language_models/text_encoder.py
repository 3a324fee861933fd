"""A BERT-type language model by name, encoding each distinct prompt once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from mmengine.model import BaseModule
from torch import Tensor
from torch.nn import functional
from transformers import AutoConfig, AutoModel, PreTrainedModel
from transformers.utils import logging

from mmdet_medglip.registry import MODELS
from mmdet_medglip.text import (
    Prompt,
    load_tokenizer,
    offline_error,
    prompt_from_phrases,
    resolve_language_model,
    token_map,
)

from ..weights_digest import weights_digest
from .length_buckets import length_buckets
from .padding import pad_rows
from .phrase_offsets import PhraseOffsets
from .recent_cache import RecentCache
from .text_features import TextFeatures
from .weight_bound_cache import WeightBoundCache, autocast_type

__all__ = ['TextEncoder']


_CPU_CALL, _DEVICE_CALL = 32, 4096
"""What one call of the encoder costs beside its tokens, in tokens, as measured for MiniLM."""
_PRECISIONS = (None, torch.bfloat16, torch.float16)
"""Autocast types under which pinned features serve."""


def _build(source: str) -> PreTrainedModel:
    config = AutoConfig.from_pretrained(source, trust_remote_code=False)
    return AutoModel.from_config(config, add_pooling_layer=False)


def _load(source: str) -> PreTrainedModel:
    """Load weights; one that is missing is an error here, not a warning among others."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        model, info = AutoModel.from_pretrained(
            source, add_pooling_layer=False, trust_remote_code=False, output_loading_info=True
        )
    finally:
        logging.set_verbosity(verbosity)
    if info['missing_keys']:
        raise ValueError(f'the weights lack {", ".join(sorted(info["missing_keys"])[:3])}')
    return model


@MODELS.register_module()
class TextEncoder(BaseModule):
    """Encode prompts to token features with a Hugging Face encoder.

    Only real tokens are computed: each distinct prompt once, prompts of like length together,
    padded to the longest of them. Prompts that were seen before are read from a cache as long as
    that is exact, which is in evaluation, and in training too if the encoder is frozen. What is
    kept belongs to the weights as they are: it is dropped when they are loaded, moved, replaced or
    changed in place, or when gradients are asked for, since an optimizer may follow; it is never
    part of a checkpoint. Only writing through ``parameter.data`` is not seen: call
    :meth:`clear_cache` then, as :meth:`train` and ``eval`` do if the encoder is trained.

    Phrases may have learned offsets (:meth:`tune`), which are added behind the cache and are part
    of a checkpoint; a model built without them takes those of the checkpoint that it loads.

    Args:
        name: ``'bundled'`` (all-MiniLM-L6-v2, offline), a local folder, or a hub name such as
            ``'bert-base-uncased'``.
        max_tokens: Longest prompt in tokens, special tokens included.
        frozen: Keep the weights and dropout off; the features then carry no gradient.
        pretrained: Load weights; otherwise only the architecture, at random.
        cache_size: Number of prompts kept; 0 turns the cache off. A prompt of ``T`` tokens takes
            ``4 T D`` bytes, 40 kB for one of 26 tokens with the bundled encoder.
        init_cfg: As in mmengine.

    Raises:
        OSError: The model cannot be had; the message says what to do offline.
        ValueError: ``max_tokens`` exceeds what the model can read, or ``cache_size`` is negative.
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
        self._tokens: RecentCache[Prompt, tuple[list[int], Tensor]] = RecentCache(cache_size)
        self._hidden: WeightBoundCache[tuple[str, torch.dtype | None], Tensor]
        self._hidden = WeightBoundCache(cache_size)
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
        self.name = name
        self.max_tokens = max_tokens
        self.phrase_offsets = PhraseOffsets(self.channels)
        self.frozen = frozen
        if frozen:
            self.model.requires_grad_(False)
            self.model.eval()

    @property
    def channels(self) -> int:
        """Width ``D`` of a token feature."""
        return self.model.config.hidden_size

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.model.parameters()).device

    def forward(self, prompts: Sequence[Prompt]) -> TextFeatures:
        """Encode a batch of prompts, one per image.

        Args:
            prompts: ``B`` prompts; equal ones are encoded once.

        Returns:
            Features (B, T, D) with masks and phrase-to-token maps.

        Raises:
            ValueError: A prompt exceeds ``max_tokens``.
        """
        tokens = self.tokenize(prompts)
        hidden = self._encode({prompt.caption: tokens[prompt][0] for prompt in prompts})
        padded, mask = pad_rows([hidden[prompt.caption] for prompt in prompts])
        maps = {
            prompt: functional.pad(owned, (0, mask.shape[1] - owned.shape[1])).to(self.device)
            for prompt, (_, owned) in tokens.items()
        }
        text = TextFeatures(padded, mask, tuple(maps[prompt] for prompt in prompts))
        return self.phrase_offsets(text, tokens, prompts)

    def tokenize(self, prompts: Sequence[Prompt]) -> dict[Prompt, tuple[list[int], Tensor]]:
        """Token ids of each distinct prompt, and bool (P_i, T_i): which ones each phrase owns.

        Raises:
            ValueError: A prompt exceeds ``max_tokens``.
        """
        return self._tokens.fetch(prompts, self._read)

    def _read(self, prompts: list[Prompt]) -> Iterable[tuple[list[int], Tensor]]:
        captions = [prompt.caption for prompt in prompts]
        encoded = self.tokenizer(captions, return_offsets_mapping=True, verbose=False)
        for caption, ids in zip(captions, encoded['input_ids'], strict=True):
            if len(ids) > self.max_tokens:
                raise ValueError(
                    f'Prompt {caption[:80]!r} has {len(ids)} tokens, more than the limit of '
                    f'{self.max_tokens} (language_model.max_tokens). Ask fewer phrases at once.'
                )
        for ids, offsets, prompt in zip(
            encoded['input_ids'], encoded['offset_mapping'], prompts, strict=True
        ):
            yield ids, torch.from_numpy(token_map(offsets, prompt))

    def _encode(self, ids: Mapping[str, list[int]]) -> dict[str, Tensor]:
        """Features (T_i, D) of each caption, through the cache where that is exact."""
        precision = autocast_type(self.device)
        found = self._hidden.fetch_of(
            self.model,
            [(caption, precision) for caption in ids],
            lambda keys: [h.clone() for h in self._run([ids[caption] for caption, _ in keys])],
        )
        return {caption: hidden for (caption, _), hidden in found.items()}

    def _run(self, ids: list[list[int]]) -> list[Tensor]:
        """Features (T_i, D) of each row of token ids, like lengths together."""
        call_cost = _CPU_CALL if self.device.type == 'cpu' else _DEVICE_CALL
        features: dict[int, Tensor] = {}
        for group in length_buckets([len(row) for row in ids], call_cost):
            hidden = self._run_padded([ids[index] for index in group])
            features.update(
                (index, row[: len(ids[index])]) for index, row in zip(group, hidden, strict=True)
            )
        return [features[index] for index in range(len(ids))]

    def _run_padded(self, ids: list[list[int]]) -> Tensor:
        pad = self.tokenizer.pad_token_id or 0
        rows, mask = pad_rows([torch.tensor(row, device=self.device) for row in ids], pad)
        return self.model(input_ids=rows, attention_mask=mask.long()).last_hidden_state

    def pin(self, prompts: Sequence[Prompt], hidden: Sequence[Tensor] | None = None) -> None:
        """Keep the features of some prompts, and of these alone, beside the cache.

        They are computed as in evaluation, without autocast, and serve as long as the weights stay
        as they are.

        Args:
            prompts: May be none.
            hidden: Features (T_i, D) computed before; None computes them.

        Raises:
            ValueError: A prompt exceeds ``max_tokens``, or has another number of tokens.
        """
        ids = {prompt.caption: row for prompt, (row, _) in self.tokenize(prompts).items()}
        features = hidden if hidden is not None else self._compute(list(ids.values()))
        pinned = {}
        for (caption, row), one in zip(ids.items(), features, strict=True):
            if one.shape != (len(row), self.channels):
                raise ValueError(
                    f'Features of prompt {caption[:80]!r} have shape {tuple(one.shape)}; expected '
                    f'{(len(row), self.channels)}, a row for each token of this encoder.'
                )
            pinned |= {(caption, precision): one.to(self.device) for precision in _PRECISIONS}
        self._hidden.pin(self.model, pinned)

    def _compute(self, ids: list[list[int]]) -> list[Tensor]:
        """Features (T_i, D) of rows of token ids, as in evaluation and without autocast."""
        training = self.model.training
        self.model.eval()
        try:
            plain = torch.autocast(self.device.type, enabled=False)
            with torch.inference_mode(False), torch.no_grad(), plain:
                return [hidden.clone() for hidden in self._run(ids)]
        finally:
            self.model.train(training)

    def pinned(self, prompt: Prompt) -> Tensor | None:
        """Pinned features (T, D) of a prompt; None without, or if the weights have changed."""
        return self._hidden.pinned(self.model).get((prompt.caption, None))

    def tune(self, phrases: Sequence[str]) -> None:
        """Give phrases an offset of zero to train, see :class:`PhraseOffsets`.

        Args:
            phrases: As they will be asked; those that have an offset keep it.

        Raises:
            ValueError: A phrase is empty or exceeds ``max_tokens``.
        """
        prompts = [prompt_from_phrases([phrase]) for phrase in phrases]
        for ids, owned in self.tokenize(prompts).values():
            self.phrase_offsets.add([ids[place] for place in owned[0].nonzero().flatten().tolist()])

    def digest(self) -> str:
        """SHA-256 of the language model's weights, see :func:`weights_digest`."""
        return weights_digest(self.model.state_dict())

    def clear_cache(self) -> None:
        """Forget the features of all prompts."""
        self._hidden.clear()

    def train(self, mode: bool = True) -> TextEncoder:
        """Set the mode; a frozen encoder stays in evaluation mode, and keeps its cache."""
        super().train(mode)
        if self.frozen:
            self.model.eval()
        else:
            self.clear_cache()
        return self

    def _apply(self, fn: Callable, *args: Any, **kwargs: Any) -> TextEncoder:
        self.clear_cache()
        return super()._apply(fn, *args, **kwargs)

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        self.clear_cache()
        super()._load_from_state_dict(*args, **kwargs)
