"""The detector: image by modality, prompt by language model, fused in the neck."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmdet.models.detectors import SingleStageDetector
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from torch import Tensor
from torch.nn import functional

from mmdet_medglip.answers.hierarchy import Family, HierarchyRule
from mmdet_medglip.answers.region_labels import RankedLabels, rank_by_score, scores_at_boxes
from mmdet_medglip.registry import MODELS
from mmdet_medglip.routing import UNROUTED
from mmdet_medglip.text import Prompt, parse_prompt, prompt_from_phrases, split_prompt

from ..backbones import ModalityRouter
from ..classifiers import thumbnails_of
from ..language_models import RecentCache, TextFeatures, load_prompts, save_prompts
from .padded_size import alike
from .presence_rule import PresenceRule
from .prompt_of import prompt_of
from .turns import of_rows, turns

__all__ = ['MedGLIP', 'prompt_of']


_PROMPTS_KEPT = 512
"""Prompts whose parts are kept: images of a test run ask the same ones."""


def _nothing(device: torch.device) -> InstanceData:
    """The answer to an image that no expert can look at."""
    empty = torch.zeros(0, device=device)
    return InstanceData(bboxes=empty.view(0, 4), scores=empty, labels=empty.long(), label_names=[])


def _finest(scores: Tensor, sizes: Sequence[torch.Size], priors: int) -> Tensor:
    """Largest score over levels, (places of all levels, P) to (P, h, w) of the finest one."""
    counts = [priors * height * width for height, width in sizes]
    best = None
    for of_level, (height, width) in zip(scores.split(counts), sizes, strict=True):
        level = of_level.reshape(height, width, priors, -1).amax(2).permute(2, 0, 1)
        if best is None:
            best = level
            continue
        size = best.shape[-2:]
        best = torch.maximum(best, functional.interpolate(level[None], size=size)[0])
    assert best is not None  # There is at least one level.
    return best


class _Question(NamedTuple):
    """A prompt, and the parts of it that fit the token limit.

    With a family the parts also ask for what lies above the phrases, as far as it was asked for.
    """

    prompt: Prompt
    parts: list[Prompt]
    family: Family | None = None

    @property
    def phrases(self) -> tuple[str, ...]:
        """All that is asked: the prompt's phrases, then what lies above them."""
        if self.family is None:
            return self.prompt.phrases
        return self.family.phrases[: self.family.num_asked]


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
            each other, -1 for no limit, ``presence``, see :meth:`set_presence`, and ``hierarchy``,
            see :meth:`set_hierarchy`.
        modality_classifier: Config of a :class:`ModalityClassifier` that is trained along, for
            images that will not say their modality; None for none.

    Raises:
        ValueError: Neck or head expect another token width than the language model gives, or
            ``test_cfg.presence`` or ``test_cfg.hierarchy`` does not fit.
        FileNotFoundError: ``test_cfg.presence.calibration`` or ``test_cfg.hierarchy.ontology``
            does not exist.
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
        self.presence: PresenceRule | None = None
        self.set_presence((self.test_cfg or {}).get('presence'))
        self.hierarchy: HierarchyRule | None = None
        self.set_hierarchy((self.test_cfg or {}).get('hierarchy'))

    @property
    def with_modality_classifier(self) -> bool:
        """Whether a modality classifier is trained along."""
        return hasattr(self, 'modality_classifier')

    def set_prompts(
        self,
        text: str | Sequence[str] | Prompt | None,
        encoded: Mapping[Prompt, Tensor] | None = None,
    ) -> None:
        """Ask every image that brings no text for these phrases, which are encoded now.

        Their features are kept as long as the weights of the language model stay as they are, and
        are computed anew after that.

        Args:
            text: Phrases, or text as in :func:`prompt_of`; None forgets what was set.
            encoded: Features of parts of prompts that this language model computed before, of
                ``language_model.pinned``; used if all parts are there.

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
        known = [encoded[part] for part in parts if part in encoded] if encoded else []
        self.language_model.pin(parts, known if known and len(known) == len(parts) else None)
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

    def set_presence(self, options: dict | None) -> None:
        """Choose what is done with presence from now on; ``test_cfg.presence`` sets it first.

        Args:
            options: ``mode``, ``threshold`` and ``calibration`` of a :class:`PresenceRule`; None
                leaves boxes as they are and reports what a presence head says.

        Raises:
            ValueError: An option that is unknown, out of range, or does not fit this detector.
            FileNotFoundError: There is no such calibration.
        """
        has_head = getattr(self.bbox_head, 'presence', None) is not None
        self.presence = PresenceRule.from_test_cfg(options, has_head)

    def set_hierarchy(self, options: dict | None) -> None:
        """Choose how answers use the ontology from now on; ``test_cfg.hierarchy`` sets it first.

        Args:
            options: As in :meth:`HierarchyRule.from_test_cfg`; None answers phrase by phrase.

        Raises:
            ValueError: An option that is unknown or out of range.
            FileNotFoundError: The file of an own ontology does not exist.
        """
        self.hierarchy = HierarchyRule.from_test_cfg(options)

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
            (indices of phrases) and ``label_names`` (the phrases). With a presence head, or by
            ``test_cfg.presence``, also with ``pred_presence``, one row for each phrase in prompt
            order, see :meth:`PresenceRule.apply`. No box and no phrase ``present`` is an answer:
            nothing asked for was found. By ``test_cfg.hierarchy`` also with ``levels``, and with
            ``pred_ancestors``, what is answered by classes and regions that the prompt does not
            name, see :func:`split_answers`. An image of modality ``'unrouted'`` gets no box and
            nothing else; the others are answered as if it were not there. Images of other size
            in the batch change nothing: those of one padded size are looked at together.

        Raises:
            ValueError: A calibration of presence was fitted to other weights.
        """
        routed = [i for i, s in enumerate(batch_data_samples) if s.get('modality') != UNROUTED]
        if len(routed) < len(batch_data_samples):
            for sample in batch_data_samples:
                sample.pred_instances = _nothing(batch_inputs.device)
            if routed:
                samples = [batch_data_samples[row] for row in routed]
                self.predict(batch_inputs[routed], samples, rescale)
            return batch_data_samples
        groups = alike(batch_inputs, batch_data_samples)
        if len(groups) > 1:
            for rows, images in groups:
                self.predict(images, [batch_data_samples[row] for row in rows], rescale)
            return batch_data_samples
        if self.presence is not None:
            self.presence.check_weights(self)
        questions = [self._question_of(sample) for sample in batch_data_samples]
        pyramid = self.pyramid(self.extract_visual(batch_inputs, batch_data_samples))
        asked = [(row, part) for row, one in enumerate(questions) for part in one.parts]
        found: list[list[InstanceData]] = [[] for _ in questions]
        for rows, levels, fused in self._fused_parts(asked, pyramid):
            samples = [batch_data_samples[row] for row in rows]
            results = self.bbox_head.predict(levels, fused, samples, rescale)
            for row, result in zip(rows, results, strict=True):
                before = questions[row].parts[: len(found[row])]
                result.labels = result.labels + sum(map(len, before))
                found[row].append(result)
        for sample, question, results in zip(batch_data_samples, questions, found, strict=True):
            logits = [result.pop('presence_logits', None) for result in results]
            boxes = InstanceData.cat(results)
            if self.presence is not None:
                judged = None if logits[0] is None else torch.cat(logits)
                boxes, presence = self.presence.apply(boxes, judged, question.phrases)
                sample.pred_presence = presence[: len(question.prompt.phrases)]
            if question.family is not None:
                most = self.test_cfg.get('max_per_img')
                self.hierarchy.answer_sample(sample, boxes, question.family, most)
                continue
            if self.presence is not None or len(results) > 1:
                boxes = self._best(boxes)
            sample.pred_instances = self._name(boxes, question.prompt)
        return batch_data_samples

    @torch.no_grad()
    def rank_labels(
        self,
        batch_inputs: Tensor,
        data_sample: DetDataSample,
        boxes: Tensor,
        labels: Sequence[str],
        num_places: int = 9,
        rescale: bool = True,
    ) -> RankedLabels:
        """Tell which of some labels given boxes of an image show.

        A given box is read at the places whose predicted boxes overlap it best: a label's score is
        the best alignment of its words with these places, see :func:`scores_at_boxes`. Labels
        beyond the token limit are asked in parts, as in :meth:`predict`.

        Args:
            batch_inputs: The image (1, 3, H, W), normalised.
            data_sample: With ``modality``, ``img_shape`` and, to rescale, ``scale_factor``.
            boxes: (n, 4) xyxy, half open; n may be 0.
            labels: The words to choose from, at least one.
            num_places: How many places are looked at.
            rescale: Whether boxes are in pixels of the original image, else of the network's input.

        Returns:
            The labels of each box, the likeliest first, with scores and probabilities.

        Raises:
            ValueError: No label, one beyond the token limit, or a box that is empty.
        """
        prompt = prompt_from_phrases(labels)
        pyramid = self.pyramid(self.extract_visual(batch_inputs, [data_sample]))
        given = torch.as_tensor(boxes, dtype=torch.float32, device=pyramid[0].device)
        asked = [(0, part) for part in self.parts_of(prompt)]
        scores, overlap = [], torch.zeros(len(given), device=given.device)
        for rows, levels, fused in self._fused_parts(asked, pyramid):
            samples = [data_sample] * len(rows)
            places = self.bbox_head.score_places(levels, fused, samples, rescale)
            for at, of_labels in zip(*places, strict=True):
                found, best = scores_at_boxes(given, at, of_labels, num_places)
                scores.append(found)
                overlap = torch.maximum(overlap, best)
        return rank_by_score(torch.cat(scores, dim=1), overlap, prompt.phrases)

    @torch.no_grad()
    def alignment_maps(
        self, batch_inputs: Tensor, batch_data_samples: Sequence[DetDataSample]
    ) -> list[Tensor]:
        """Tell where in each image the words of each phrase are seen.

        A place of a level covers the pixels of its stride; of all levels that cover a place of the
        finest one, the largest probability is its value.

        Args:
            batch_inputs: Images (B, 3, H, W), normalised.
            batch_data_samples: As in :meth:`predict`; images of modality ``'unrouted'`` are not.

        Returns:
            For each image (P, h, w) in [0, 1], the mean probability of the tokens of its P phrases
            at the places of the finest level, over the unpadded part of the image.
        """
        questions = [self._question_of(sample).prompt for sample in batch_data_samples]
        pyramid = self.pyramid(self.extract_visual(batch_inputs, batch_data_samples))
        asked = [
            (row, part) for row, prompt in enumerate(questions) for part in self.parts_of(prompt)
        ]
        found: list[list[Tensor]] = [[] for _ in questions]
        for rows, levels, fused in self._fused_parts(asked, pyramid):
            samples = [batch_data_samples[row] for row in rows]
            _, scores = self.bbox_head.score_places(levels, fused, samples, rescale=False)
            sizes = [level.shape[-2:] for level in levels]
            priors = self.bbox_head.num_base_priors
            for row, of_image in zip(rows, scores, strict=True):
                found[row].append(_finest(of_image, sizes, priors))
        stride = batch_inputs.shape[-1] / pyramid[0].shape[-1]
        maps = []
        for sample, parts in zip(batch_data_samples, found, strict=True):
            height, width = (max(1, round(n / stride)) for n in sample.metainfo['img_shape'][:2])
            maps.append(torch.cat(parts)[:, :height, :width])
        return maps

    def _fused_parts(
        self, asked: Sequence[tuple[int, Prompt]], pyramid: Sequence[Tensor]
    ) -> Iterator[tuple[list[int], Sequence[Tensor], TextFeatures]]:
        """Images and parts of prompts, fused, a few at a time.

        Args:
            asked: Row of the image and part, in order.
            pyramid: Of the images.

        Yields:
            Rows of some of the parts, with their maps and tokens.
        """
        text = self.language_model([part for _, part in asked])
        for turn in turns(len(asked), pyramid):
            rows = [asked[index][0] for index in turn]
            yield rows, *self.fuse(of_rows(pyramid, rows), text.of_rows(turn))

    def _question_of(self, sample: DetDataSample) -> _Question:
        """The prompt of a sample, or the one that was set, and what is asked for above it."""
        if self._vocabulary is not None and sample.metainfo.get('text') is None:
            question = self._vocabulary
        else:
            prompt = prompt_of(sample)
            question = _Question(prompt, self.parts_of(prompt))
        if self.hierarchy is None:
            return question
        family = self.hierarchy.family(question.prompt, sample.metainfo.get('modality'))
        above = self.hierarchy.prompt_above(family)
        more = [] if above is None else self.parts_of(above)
        return _Question(question.prompt, [*question.parts, *more], family)

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

    def _best(self, boxes: InstanceData) -> InstanceData:
        """The best boxes of an image, best first."""
        best = boxes.scores.argsort(descending=True, stable=True)
        return boxes[best[: self.test_cfg.get('max_per_img', len(best))]]

    @staticmethod
    def _name(result: InstanceData, prompt: Prompt) -> InstanceData:
        result.label_names = [prompt.phrases[label] for label in result.labels.tolist()]
        return result

    def _forward(self, batch_inputs: Tensor, batch_data_samples: list[DetDataSample]) -> tuple:
        """Raw predictions of the head, without boxes."""
        return self.bbox_head(*self.extract_feat(batch_inputs, batch_data_samples))
