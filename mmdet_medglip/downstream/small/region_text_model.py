"""A small model that answers questions about an image, or writes its report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmdet.structures import DetDataSample
from mmengine.model import BaseModel
from torch import Tensor, nn
from torch.nn import functional as F

from mmdet_medglip.models.language_models.padding import pad_rows
from mmdet_medglip.models.language_models.weight_bound_cache import WeightBoundCache
from mmdet_medglip.registry import MODELS
from mmdet_medglip.text import prompt_from_phrases

from ..task_text import Task, TaskText, read_task_texts
from .image_tokens import ImageTokens
from .region_tokens import RegionTokens
from .text_decoder import DecoderMemory, TextDecoder
from .word_vocabulary import WordVocabulary

__all__ = ['RegionTextModel']

_KEPT_WORDS = 1024
"""Distinct words of regions whose features are kept."""


@MODELS.register_module()
class RegionTextModel(BaseModel):
    """Answer requests from an image and the regions that something says it has.

    Tokens of the image, tokens of its regions and a few learned ones see each other; a decoder
    reads the request and says the answer word by word, yes and no like any other word, so that it
    is not told which answers are possible. Without regions the same model sees the image alone.

    Args:
        vocabulary: File of the texts that the model is trained on: it can say their words.
        task: ``vqa`` or ``report``, what that file has.
        image_encoder: Backbone or :class:`ModalityRouter`.
        language_model: Encodes requests and the words of regions.
        in_channels: Channels of the maps of ``image_encoder`` that are used, the last ones.
        channels: Width of tokens.
        num_memory_layers: Layers in which image and regions see each other.
        num_registers: Learned tokens beside them.
        decoder: More arguments of :class:`TextDecoder`.
        data_preprocessor: As in mmdet.
        init_cfg: As in mmengine.
    """

    def __init__(
        self,
        vocabulary: str,
        task: Task,
        image_encoder: dict,
        language_model: dict,
        in_channels: Sequence[int],
        channels: int = 128,
        num_memory_layers: int = 2,
        num_registers: int = 4,
        decoder: dict | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.words = WordVocabulary(text.answer for text in read_task_texts(vocabulary, task))
        self.register_buffer('words_digest', torch.tensor(self.words.digest))
        self.image_encoder = MODELS.build(image_encoder)
        self.language_model = MODELS.build(language_model)
        self._word_features: WeightBoundCache[str, Tensor] = WeightBoundCache(_KEPT_WORDS)
        self.num_maps = len(in_channels)
        self.image_tokens = ImageTokens(in_channels, channels)
        # One for requests and regions: what has the same words is alike.
        self.text_projection = nn.Linear(self.language_model.channels, channels)
        self.region_tokens = RegionTokens(channels)
        self.registers = nn.Parameter(torch.randn(num_registers, channels) * 0.02)
        layer = nn.TransformerEncoderLayer(
            channels, 4, 4 * channels, 0.1, 'gelu', batch_first=True, norm_first=True
        )
        self.memory = nn.TransformerEncoder(layer, num_memory_layers, enable_nested_tensor=False)
        self.decoder = TextDecoder(len(self.words), channels, **decoder or {})

    def forward(
        self, inputs: Tensor, data_samples: Sequence[DetDataSample], mode: str = 'tensor'
    ) -> Any:
        """Run a batch.

        Args:
            inputs: (B, 3, H, W).
            data_samples: With ``modality``, ``texts`` and ``regions``, see
                :class:`PackRegionInputs`.
            mode: ``'loss'``; ``'predict'``, which gives each sample ``answers``; or ``'tensor'``.

        Returns:
            Losses by name, the samples, or the memory of the images.
        """
        memory = self.remember(inputs, data_samples)
        if mode == 'tensor':
            return memory
        texts = [sample.texts for sample in data_samples]
        request, mask = self._requests(texts)
        if mode == 'loss':
            return {'loss_words': self._loss(texts, request, mask, memory)}
        said = self.decoder.generate(request, mask, memory, self.words.start, self.words.end)
        for sample, rows in zip(data_samples, said.tolist(), strict=True):
            answers = [self.words.decode(row) for row in rows[: len(sample.texts)]]
            sample.set_metainfo({'answers': answers})
        return list(data_samples)

    def remember(self, inputs: Tensor, samples: Sequence[DetDataSample]) -> DecoderMemory:
        """Look at images and their regions, once for all requests."""
        maps = self.image_encoder(inputs, [sample.modality for sample in samples])
        image = self.image_tokens(maps[-self.num_maps :])
        regions, present = self.region_tokens(
            self._words_of([sample.region_words for sample in samples]),
            [sample.regions.bboxes for sample in samples],
            [sample.regions.scores for sample in samples],
            [tuple(inputs.shape[-2:])] * len(samples),
        )
        registers = self.registers.expand(len(samples), -1, -1)
        tokens = torch.cat([registers, image, regions], 1)
        always = present.new_ones(len(samples), tokens.shape[1] - present.shape[1])
        mask = torch.cat([always, present], 1)
        tokens = self.memory(tokens, src_key_padding_mask=~mask)
        return self.decoder.remember(tokens, mask)

    def _words_of(self, words: Sequence[Sequence[str]]) -> list[Tensor]:
        """Mean of the words of each region, (N_i, channels) for each image; N_i may be 0."""
        distinct = list(dict.fromkeys(word for of_one in words for word in of_one))
        known = self._word_features.fetch_of(
            self.language_model.model, distinct, self._encode_words
        )
        none = torch.zeros(0, self.language_model.channels, device=self.registers.device)
        return [
            self.text_projection(torch.stack([known[word] for word in of_one]) if of_one else none)
            for of_one in words
        ]

    def _encode_words(self, words: Sequence[str]) -> list[Tensor]:
        text = self.language_model([prompt_from_phrases([word]) for word in words])
        return [(share @ row)[0] for share, row in zip(text.shares(), text.hidden, strict=True)]

    def _requests(self, texts: Sequence[Sequence[TaskText]]) -> tuple[Tensor, Tensor]:
        """Tokens (B, R, T, channels) of all requests, and bool (B, R, T), True = a token.

        Images with fewer requests than others are filled up with their first one.
        """
        most = max(map(len, texts))
        rows = [[*of_one, *[of_one[0]] * (most - len(of_one))] for of_one in texts]
        flat = [prompt_from_phrases([text.request]) for row in rows for text in row]
        found = self.language_model(flat)
        shape = (len(texts), most)
        tokens = self.text_projection(found.hidden)
        return tokens.unflatten(0, shape), found.mask.unflatten(0, shape)

    def _loss(
        self,
        texts: Sequence[Sequence[TaskText]],
        request: Tensor,
        mask: Tensor,
        memory: DecoderMemory,
    ) -> Tensor:
        """Cross-entropy of the words of all answers."""
        most, limit = request.shape[1], self.decoder.max_words - 1
        nothing = torch.tensor([], dtype=torch.long, device=request.device)
        rows = []
        for of_one in texts:
            for text in of_one:
                numbers = self.words.encode(text.answer)[:limit]
                rows.append(torch.tensor([*numbers, self.words.end], device=request.device))
            rows += [nothing] * (most - len(of_one))
        target, _ = pad_rows(rows, self.words.pad)
        target = target.unflatten(0, (len(texts), most))
        told = F.pad(target[..., :-1], (1, 0), value=self.words.start)
        logits = self.decoder(request, mask, told, memory)
        return F.cross_entropy(logits.flatten(0, 2), target.flatten(), ignore_index=self.words.pad)

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args: Any) -> None:
        found = state_dict.get(f'{prefix}words_digest')
        if found is not None and int(found) != self.words.digest:
            raise ValueError(
                'The checkpoint says other words than this model: it was trained on other texts. '
                'Test with the questions that it was trained on, or train again.'
            )
        super()._load_from_state_dict(state_dict, prefix, *args)
