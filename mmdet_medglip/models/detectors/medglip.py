"""The detector: image by modality, prompt by language model, fused in the neck."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmdet.models.detectors import SingleStageDetector
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from torch import Tensor

from mmdet_medglip.registry import MODELS
from mmdet_medglip.routing import UNROUTED
from mmdet_medglip.text import (
    Prompt,
    parse_prompt,
    prompt_from_caption,
    prompt_from_phrases,
    split_prompt,
)

from ..backbones import ModalityRouter
from ..classifiers import thumbnails_of
from ..language_models import RecentCache, TextFeatures, load_prompts, save_prompts

__all__ = ['MedGLIP', 'prompt_of']


_PLACES_AT_ONCE = {'cpu': 2**13, 'cuda': 2**17}
"""Places of the pyramid, over images and parts of prompts, that are fused in one batch: on a CPU a
larger one only leaves the cache."""
_PROMPTS_KEPT = 512
"""Prompts whose parts are kept: images of a test run ask the same ones."""


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


def _of_rows(levels: Sequence[Tensor], rows: list[int]) -> list[Tensor]:
    """Some images of a pyramid, in this order, perhaps several times; views where that will do."""
    if rows == list(range(len(levels[0]))):
        return list(levels)
    if len(set(rows)) == 1:
        return [level[rows[0]].expand(len(rows), *level.shape[1:]) for level in levels]
    index = torch.tensor(rows, device=levels[0].device)
    return [level[index] for level in levels]


def _nothing(device: torch.device) -> InstanceData:
    """The answer to an image that no expert can look at."""
    empty = torch.zeros(0, device=device)
    return InstanceData(bboxes=empty.view(0, 4), scores=empty, labels=empty.long(), label_names=[])


class _Question(NamedTuple):
    """A prompt, and the parts of it that fit the token limit."""

    prompt: Prompt
    parts: list[Prompt]


@MODELS.register_module()
class MedGLIP(SingleStageDetector):
    """Detect phrases in medical images of any modality.

    The prompt is encoded once, the image by the expert of its modality, and both are fused by the
    neck; the head then scores every place against every token. It trains on detection labels
    (``text`` a list of names) and on free text with ``tokens_positive``.

    At inference a prompt longer than the token limit, or of more phrases than
    ``test_cfg.chunked_size``, is split between phrases. Nothing is cut: all parts share one set
    of image features, and each is answered as if it were asked alone.

    Args:
        language_model: Config of a :class:`TextEncoder`.
        backbone: Config of a :class:`ModalityRouter`, or of any single backbone.
        neck: Config of a :class:`LanguageFusedFPN`, or of any neck, which then sees no text.
        bbox_head: Config of a :class:`MedGroundingHead`.
        train_cfg, data_preprocessor, init_cfg: As in mmdet.
        test_cfg: As in mmdet, with ``chunked_size``, the largest number of phrases that attend to
            each other, -1 for no limit.
        modality_classifier: Config of a :class:`ModalityClassifier` that is trained along, for
            images that will not say their modality; None for none.

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
        modality_classifier: dict | None = None,
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
        if modality_classifier is not None:
            self.modality_classifier = MODELS.build(modality_classifier)
        self._vocabulary: _Question | None = None
        self._parts: RecentCache[tuple, list[Prompt]] = RecentCache(_PROMPTS_KEPT)

    @property
    def with_modality_classifier(self) -> bool:
        """Whether a modality classifier is trained along."""
        return hasattr(self, 'modality_classifier')

    def set_prompts(self, text: str | Sequence[str] | Prompt | None) -> None:
        """Ask every image that brings no text for these phrases, which are encoded now.

        Their features are kept as long as the weights of the language model stay as they are, and
        are computed anew after that.

        Args:
            text: Phrases, or text as in :func:`prompt_of`; None forgets what was set.

        Raises:
            ValueError: No phrase, or one that exceeds the token limit.
        """
        if text is None:
            self._vocabulary = None
            self.language_model.pin([])
            return
        if isinstance(text, str):
            text = parse_prompt(text)
        prompt = text if isinstance(text, Prompt) else prompt_from_phrases(text)
        parts = self.parts_of(prompt)
        self.language_model.pin(parts)
        self._vocabulary = _Question(prompt, parts)

    def save_prompts(self, path: str | Path) -> None:
        """Write what :meth:`set_prompts` set, encoded, to a ``.safetensors`` file.

        Raises:
            ValueError: Nothing was set.
            OSError: The file cannot be written.
        """
        if self._vocabulary is None:
            raise ValueError('save_prompts: no prompts are set; call set_prompts first.')
        save_prompts(path, self.language_model, self._vocabulary.parts)

    def load_prompts(self, path: str | Path) -> tuple[str, ...]:
        """Set prompts from a file of :meth:`save_prompts` without encoding them.

        Returns:
            The phrases, in label order.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: It is no file of prompts, or was made with other weights.
        """
        parts = load_prompts(path, self.language_model)
        phrases = [phrase for part in parts for phrase in part.phrases]
        whole = parts[0] if len(parts) == 1 else prompt_from_phrases(phrases)
        self._vocabulary = _Question(whole, parts)
        return whole.phrases

    def extract_visual(self, images: Tensor, samples: Sequence[DetDataSample]) -> tuple:
        """Backbone maps of a batch, each image through the expert of its modality."""
        if isinstance(self.backbone, ModalityRouter):
            return self.backbone(images, [s.metainfo.get('modality') for s in samples])
        return self.backbone(images)

    def pyramid(self, maps: Sequence[Tensor]) -> Sequence[Tensor]:
        """What the neck makes of an image before it meets a prompt."""
        if getattr(self.neck, 'fuses_language', False):
            return self.neck.pyramid(maps)
        return self.neck(maps)

    def fuse(
        self, pyramid: Sequence[Tensor], text: TextFeatures
    ) -> tuple[Sequence[Tensor], TextFeatures]:
        """Pyramid and prompts, fused where the neck does so."""
        if getattr(self.neck, 'fuses_language', False):
            return self.neck.fuse(pyramid, text)
        return pyramid, text

    def extract_feat(
        self, batch_inputs: Tensor, batch_data_samples: Sequence[DetDataSample] = ()
    ) -> tuple[Any, TextFeatures]:
        """Language-fused pyramid (B, C, H_l, W_l) and prompts of a batch."""
        text = self.language_model([prompt_of(sample) for sample in batch_data_samples])
        maps = self.extract_visual(batch_inputs, batch_data_samples)
        return self.fuse(self.pyramid(maps), text)

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
        losses = self.bbox_head.loss(pyramid, text, batch_data_samples)
        if self.with_modality_classifier:
            modalities = [sample.metainfo.get('modality') for sample in batch_data_samples]
            thumbnails = thumbnails_of(batch_data_samples)
            losses.update(self.modality_classifier.loss(thumbnails, modalities))
        return losses

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
            (indices of phrases) and ``label_names`` (the phrases). One of modality ``'unrouted'``
            gets no box; the others are answered as if it were not there.
        """
        routed = [i for i, s in enumerate(batch_data_samples) if s.get('modality') != UNROUTED]
        if len(routed) < len(batch_data_samples):
            for sample in batch_data_samples:
                sample.pred_instances = _nothing(batch_inputs.device)
            if routed:
                samples = [batch_data_samples[row] for row in routed]
                self.predict(batch_inputs[routed], samples, rescale)
            return batch_data_samples
        questions = [self._question_of(sample) for sample in batch_data_samples]
        pyramid = self.pyramid(self.extract_visual(batch_inputs, batch_data_samples))
        asked = [(row, part) for row, one in enumerate(questions) for part in one.parts]
        text = self.language_model([part for _, part in asked])
        found: list[list[InstanceData]] = [[] for _ in questions]
        for turn in self._turns(len(asked), pyramid):
            rows = [asked[index][0] for index in turn]
            levels, fused = self.fuse(_of_rows(pyramid, rows), text.of_rows(turn))
            samples = [batch_data_samples[row] for row in rows]
            results = self.bbox_head.predict(levels, fused, samples, rescale)
            for row, result in zip(rows, results, strict=True):
                before = questions[row].parts[: len(found[row])]
                result.labels = result.labels + sum(map(len, before))
                found[row].append(result)
        for sample, question, results in zip(batch_data_samples, questions, found, strict=True):
            sample.pred_instances = self._name(self._merge(results), question.prompt)
        return batch_data_samples

    def _question_of(self, sample: DetDataSample) -> _Question:
        """The prompt of a sample, or the one that was set."""
        if self._vocabulary is not None and sample.metainfo.get('text') is None:
            return self._vocabulary
        prompt = prompt_of(sample)
        return _Question(prompt, self.parts_of(prompt))

    def parts_of(self, prompt: Prompt) -> list[Prompt]:
        """Split a prompt between phrases as :meth:`predict` does; one that fits is its only part.

        Raises:
            ValueError: A phrase, or a free text, exceeds the token limit, or
                ``test_cfg.chunked_size`` is no number of phrases.
        """
        model, size = self.language_model, (self.test_cfg or {}).get('chunked_size', -1)
        if size < 1 and size != -1:
            raise ValueError(f'test_cfg.chunked_size={size}; expected 1 or more, or -1 for none.')
        limits = (model.max_tokens, None if size == -1 else size)
        found = self._parts.fetch(
            [(prompt, limits)], lambda lost: [split_prompt(prompt, model.tokenizer, *limits)]
        )
        return found[prompt, limits]

    @staticmethod
    def _turns(count: int, pyramid: Sequence[Tensor]) -> Iterator[range]:
        """Ranges of the ``count`` parts, each of so many that memory stays bounded."""
        places = sum(level.shape[-2:].numel() for level in pyramid)
        room = _PLACES_AT_ONCE.get(pyramid[0].device.type, _PLACES_AT_ONCE['cuda'])
        step = max(room // places, 1)
        if count == len(pyramid[0]):  # Nothing was split.
            step = count
        return (range(first, min(first + step, count)) for first in range(0, count, step))

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
