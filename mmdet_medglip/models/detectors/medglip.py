"""The detector: image by modality, prompt by language model, fused in the neck."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmdet.models.detectors import SingleStageDetector
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from torch import Tensor

from mmdet_medglip.registry import MODELS
from mmdet_medglip.text import (
    Prompt,
    parse_prompt,
    prompt_from_caption,
    prompt_from_phrases,
    split_prompt,
)

from ..backbones import ModalityRouter
from ..language_models import TextFeatures

__all__ = ['MedGLIP', 'prompt_of']


def prompt_of(sample: DetDataSample) -> Prompt:
    """Read the prompt of a sample.

    Args:
        sample: Its metainfo has ``text``: a list of phrases, or a string. A string with
            ``tokens_positive`` (spans of each phrase, a list or a dict by label) is a caption to
            ground; without, a list of phrases in writing (``'Detect: a, b'``, ``'a. b'``).

    Returns:
        The prompt; label ``i`` means phrase ``i``.

    Raises:
        ValueError: No text, no phrase, or spans outside the caption; the image is named.
    """
    meta = sample.metainfo
    text, spans = meta.get('text'), meta.get('tokens_positive')
    try:
        if text is None or not len(text):
            raise ValueError(
                'Empty prompt: expected the field text to hold phrases, such as '
                "['liver', 'spleen']."
            )
        if not isinstance(text, str):
            return prompt_from_phrases(text)
        if spans is None:
            return parse_prompt(text)
        if isinstance(spans, dict):
            spans = [spans[label] for label in sorted(spans)]
        return prompt_from_caption(text, spans)
    except ValueError as error:
        raise ValueError(f'Image {meta.get("img_path", meta.get("img_id"))}: {error}') from error


@MODELS.register_module()
class MedGLIP(SingleStageDetector):
    """Detect phrases in medical images of any modality.

    The prompt is encoded once, the image by the expert of its modality, and both are fused by the
    neck; the head then scores every place against every token. It trains on detection labels
    (``text`` a list of names) and on free text with ``tokens_positive``. Prompts longer than the
    token limit are split between phrases at inference and the parts answered one after another
    over the same image features; nothing is cut.

    Args:
        language_model: Config of a :class:`TextEncoder`.
        backbone: Config of a :class:`ModalityRouter`, or of any single backbone.
        neck: Config of a :class:`LanguageFusedFPN`, or of any neck, which then sees no text.
        bbox_head: Config of a :class:`MedGroundingHead`.
        train_cfg, test_cfg, data_preprocessor, init_cfg: As in mmdet.

    Raises:
        ValueError: Neck or head expect another token width than the language model gives.
    """

    def __init__(
        self,
        language_model: dict,
        backbone: dict,
        neck: dict,
        bbox_head: dict,
        train_cfg: dict | None = None,
        test_cfg: dict | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            backbone, neck, bbox_head, train_cfg, test_cfg, data_preprocessor, init_cfg
        )
        self.language_model = MODELS.build(language_model)
        for name in ('neck', 'bbox_head'):
            expected = getattr(getattr(self, name), 'text_channels', self.language_model.channels)
            if expected != self.language_model.channels:
                raise ValueError(
                    f'{name}.text_channels={expected}, but the language model gives '
                    f'{self.language_model.channels} channels; set them equal.'
                )

    def extract_visual(self, images: Tensor, samples: Sequence[DetDataSample]) -> tuple:
        """Backbone maps of a batch, each image through the expert of its modality."""
        if isinstance(self.backbone, ModalityRouter):
            return self.backbone(images, [s.metainfo.get('modality') for s in samples])
        return self.backbone(images)

    def fuse(self, maps: Sequence[Tensor], text: TextFeatures) -> tuple[Any, TextFeatures]:
        """Pyramid and prompts, fused where the neck does so."""
        if getattr(self.neck, 'fuses_language', False):
            return self.neck(maps, text)
        return self.neck(maps), text

    def extract_feat(
        self, batch_inputs: Tensor, batch_data_samples: Sequence[DetDataSample] = ()
    ) -> tuple[Any, TextFeatures]:
        """Language-fused pyramid (B, C, H_l, W_l) and prompts of a batch."""
        text = self.language_model([prompt_of(sample) for sample in batch_data_samples])
        return self.fuse(self.extract_visual(batch_inputs, batch_data_samples), text)

    def loss(self, batch_inputs: Tensor, batch_data_samples: list[DetDataSample]) -> dict:
        """Losses of a batch.

        Args:
            batch_inputs: Images (B, 3, H, W), normalised.
            batch_data_samples: With ``text`` (see :func:`prompt_of`), ``modality`` and
                ``gt_instances`` whose labels are indices of phrases.

        Returns:
            Losses by name, scalars.

        Raises:
            ValueError: A label without a phrase; the image is named.
        """
        pyramid, text = self.extract_feat(batch_inputs, batch_data_samples)
        for sample, owned in zip(batch_data_samples, text.token_maps, strict=True):
            labels = sample.gt_instances.labels
            if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < len(owned):
                raise ValueError(
                    f'Image {sample.metainfo.get("img_path")}: gt_instances.labels reach from '
                    f'{int(labels.min())} to {int(labels.max())}, but its prompt has '
                    f'{len(owned)} phrases; labels are indices of phrases.'
                )
        return self.bbox_head.loss(pyramid, text, batch_data_samples)

    def predict(
        self, batch_inputs: Tensor, batch_data_samples: list[DetDataSample], rescale: bool = True
    ) -> list[DetDataSample]:
        """Detect the phrases of each sample's prompt.

        Args:
            batch_inputs: Images (B, 3, H, W), normalised.
            batch_data_samples: With ``text`` and ``modality``; prompts may differ in a batch.
            rescale: Give boxes in pixels of the original images.

        Returns:
            The samples with ``pred_instances``: ``bboxes``, ``scores`` (best first), ``labels``
            (indices of phrases) and ``label_names`` (the phrases).
        """
        prompts = [prompt_of(sample) for sample in batch_data_samples]
        limit, tokenizer = self.language_model.max_tokens, self.language_model.tokenizer
        parts = [split_prompt(prompt, tokenizer, limit) for prompt in prompts]
        maps = self.extract_visual(batch_inputs, batch_data_samples)
        found: list[list[InstanceData]] = [[] for _ in prompts]
        for turn in range(max(map(len, parts))):
            rows = [row for row, of_one in enumerate(parts) if turn < len(of_one)]
            index = torch.tensor(rows, device=batch_inputs.device)
            here = maps if len(rows) == len(prompts) else [m[index] for m in maps]
            pyramid, text = self.fuse(here, self.language_model([parts[r][turn] for r in rows]))
            samples = [batch_data_samples[row] for row in rows]
            results = self.bbox_head.predict(pyramid, text, samples, rescale)
            for row, result in zip(rows, results, strict=True):
                result.labels = result.labels + sum(len(part) for part in parts[row][:turn])
                found[row].append(result)
        for sample, prompt, results in zip(batch_data_samples, prompts, found, strict=True):
            sample.pred_instances = self._name(self._merge(results), prompt)
        return batch_data_samples

    def _merge(self, results: list[InstanceData]) -> InstanceData:
        if len(results) == 1:
            return results[0]
        merged = InstanceData.cat(results)
        best = merged.scores.argsort(descending=True)
        return merged[best[: self.test_cfg.get('max_per_img', len(best))]]

    @staticmethod
    def _name(result: InstanceData, prompt: Prompt) -> InstanceData:
        result.label_names = [prompt.phrases[label] for label in result.labels.tolist()]
        return result

    def _forward(self, batch_inputs: Tensor, batch_data_samples: list[DetDataSample]) -> tuple:
        """Raw predictions of the head, without boxes."""
        return self.bbox_head(*self.extract_feat(batch_inputs, batch_data_samples))
