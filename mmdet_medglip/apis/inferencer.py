"""The inferencer: images in, scored boxes out, in MMDetection's conventions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.infer import BaseInferencer
from mmengine.registry import DefaultScope
from torch import Tensor, nn

from mmdet_medglip.datasets.transforms import RouteModality
from mmdet_medglip.datasets.transforms.route_modality import read_classifier
from mmdet_medglip.datasets.unreadable_image_error import UnreadableImageError
from mmdet_medglip.engine.checkpoint import load_checkpoint, use_safe_checkpoints
from mmdet_medglip.engine.hooks.checkpoint_match_hook import check_state_dict
from mmdet_medglip.models.backbones import ModalityRouter
from mmdet_medglip.models.language_models import load_prompts
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.packaging.packed_model import PackedModel
from mmdet_medglip.registry import MODELS
from mmdet_medglip.routing import UNROUTED
from mmdet_medglip.text import Prompt

from .answering import result_of
from .config_faults import config_faults
from .device import check_device
from .heat_maps import HeatMaps
from .image_view import ImageView
from .inputs import InputItem, find_items, list_inputs
from .model_files import ModelFiles
from .options import SCORE_THR, AnswerOptions, ReadOptions, check_whole, use_options
from .pipeline import InferencePipeline, test_steps
from .prefetch import batched, prefetched
from .question import Question, read_questions
from .reading import ImageToRead, check_image, images_of
from .result import Failure, GroundingResult, ImageSource

__all__ = ['MedGLIPInferencer']

_BATCHES_AHEAD = 2


@dataclass(frozen=True, eq=False)
class _Prepared:
    """An image that is ready for the model."""

    source: ImageSource
    packed: Mapping[str, Any]
    view: npt.NDArray[np.uint8] | None


class MedGLIPInferencer(BaseInferencer):
    """Find phrases in medical images.

    It follows :class:`mmdet.apis.DetInferencer`: built from a config and weights, called with
    inputs and words, it returns ``predictions`` and ``visualization``. The steps of
    :class:`mmengine.infer.BaseInferencer` (model, pipeline, collation, dispatch of options) are
    used; its loop is not, because it holds all inputs and answers of a call and stops at the first
    bad file: :meth:`stream` does neither. Configs are not taken from checkpoints, whose text would
    be run as code.

    Several threads may ask one inferencer: images are read side by side, the model answers one
    batch after the other, each with the options and words of its own call.

    Args:
        model: Folder of a packed model, ``demo``, config file, config, or dict of it.
        weights: Checkpoint, read without running code; None for that of the packed model, or the
            newest in the work folder of the config file.
        device: Where to run; None for the best there is.
        cfg_options: Overrides of the config.
        classifier: Checkpoint of a modality classifier; None for that of the model, if it has one.
        fallback: Modality of images for which none is found. None: the model's, if it serves one
            alone and has no classifier; else they are not routed and get no box.
        show_progress: Whether calls show how far they are.

    Raises:
        FileNotFoundError: A file is missing; the message has the command that makes it.
        ValueError: Weights of another model, a config that makes no model or has no usable test
            pipeline, or a device that is not of this machine.

    Example:
        >>> inferencer = MedGLIPInferencer('configs/medglip/ct.py')  # doctest: +SKIP
        >>> found = inferencer('scan.dcm', 'Detect: liver, spleen')  # doctest: +SKIP
        >>> found['predictions'][0].boxes[0].bbox  # doctest: +SKIP
        (31.2, 40.8, 140.5, 171.0)
    """

    preprocess_kwargs = {'modality', 'window', 'plane', 'slice_step'}  # noqa: RUF012 - mmengine's
    forward_kwargs = {  # noqa: RUF012
        *('score_thr', 'nms_iou', 'max_boxes', 'level', 'hierarchy', 'presence'),
    }
    visualize_kwargs = {'return_vis', 'draw'}  # noqa: RUF012
    postprocess_kwargs: set = set()  # noqa: RUF012

    def __init__(
        self,
        model: str | Path | Config | Mapping[str, Any],
        weights: str | Path | None = None,
        device: str | None = None,
        *,
        cfg_options: Mapping[str, Any] | None = None,
        classifier: str | None = None,
        fallback: str | None = None,
        show_progress: bool = True,
    ) -> None:
        # Options and words are set on the model: who sets them holds it until it has answered.
        self._turn = threading.RLock()
        use_safe_checkpoints()
        if device is not None:
            check_device(device)
        named = None if weights is None else str(weights)
        if isinstance(model, str | Path):
            files = ModelFiles(str(model), named, cfg_options=cfg_options or {})
            config, named = files.read()
        else:
            config = model if isinstance(model, Config) else Config(dict(model))
            with config_faults(f'The config cannot be changed by {dict(cfg_options or {})}'):
                config.merge_from_dict(dict(cfg_options or {}))
        if named is None:
            raise ValueError('Name the weights: a config that is no file has no work folder.')
        super().__init__(config, named, device, 'mmdet_medglip', show_progress)
        self._trained = dict(self.model.test_cfg or {})
        self._use_packed()
        self.router = self._make_router(classifier, fallback)
        self._asked: Question | None = None

    @property
    def modalities(self) -> tuple[str, ...] | None:
        """Modalities that the model serves; None if it serves any."""
        backbone = getattr(self.model, 'backbone', None)
        if not isinstance(backbone, ModalityRouter) or backbone.unknown != 'error':
            return None
        return tuple(sorted(backbone.routes))

    def __call__(
        self,
        inputs: Any,
        prompt: Any,
        batch_size: int = 8,
        *,
        report: bool = False,
        return_datasamples: bool = False,
        num_workers: int = 2,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Find phrases in images; everything is held in memory, see :meth:`stream` for more.

        Args:
            inputs: A path (image, DICOM file, NIfTI or other volume), a folder or DICOM series, a
                pattern, bytes of a file, an array (H, W) or BGR (H, W, 3), a Pillow image; or a
                list of them.
            prompt: ``'Detect: liver, no effusion'``, a list of phrases, or one prompt for each
                input, see :func:`~mmdet_medglip.apis.question.read_questions`.
            batch_size: Images in a step of the model.
            report: The prompt is a report, or a list of them.
            return_datasamples: Give ``DetDataSample`` instead of results.
            num_workers: Threads that read images; 0 reads in this one.
            kwargs: Fields of :class:`ReadOptions` and :class:`AnswerOptions`; ``return_vis`` for
                pictures; ``draw``, a function from result to picture.

        Returns:
            ``predictions``, a :class:`GroundingResult` for each image in the order of the inputs;
            ``visualization``, a picture uint8 (h, w, 3) RGB for each, or ``[]``; ``failures``,
            what has no answer, and why.

        Raises:
            ValueError: A prompt or an option is wrong, or no input has an answer.
        """
        read, answer, visualize, _ = self._dispatch_kwargs(**kwargs)
        shown = bool(visualize.get('return_vis'))
        found = self.stream(
            inputs,
            prompt,
            batch_size,
            report=report,
            num_workers=num_workers,
            view=shown,
            **read,
            **answer,
        )
        predictions: list[Any] = []
        pictures: list[npt.NDArray[np.uint8]] = []
        failures: list[Failure] = []
        for one in self._track(found):
            if isinstance(one, Failure):
                failures.append(one)
                continue
            predictions.append(one.to_data_sample() if return_datasamples else one)
            if shown:
                pictures.append(self.visualize(one, **visualize))
        if not predictions and failures:
            more = f' (and {len(failures) - 1} more inputs failed)' if len(failures) > 1 else ''
            raise ValueError(failures[0].reason + more)
        return dict(predictions=predictions, visualization=pictures, failures=failures)

    def stream(
        self,
        inputs: Any,
        prompt: Any,
        batch_size: int = 8,
        *,
        report: bool = False,
        num_workers: int = 2,
        view: bool = False,
        **kwargs: Any,
    ) -> Iterator[GroundingResult | Failure]:
        """Find phrases in any number of images, with the memory of a few batches.

        Args:
            inputs: As in a call; a folder is walked while it is answered.
            prompt: As in a call.
            batch_size: Images in a step.
            report: As in a call.
            num_workers: As in a call.
            view: Whether results have a picture of what was seen.
            kwargs: Fields of :class:`ReadOptions` and :class:`AnswerOptions`.

        Yields:
            A result for each image, and a :class:`Failure` for what has none, in order.

        Raises:
            ValueError: A prompt or an option is wrong; raised before the first image is read.
        """
        read, answer, rest, _ = self._dispatch_kwargs(**kwargs)
        if rest:
            raise ValueError(f'stream does not know {", ".join(sorted(rest))}.')
        given = list_inputs(inputs)
        questions = read_questions(prompt, len(given), report=report, ontology=self.ontology)
        return self.stream_items(
            find_items(given),
            questions,
            ReadOptions(view=view, **read),
            AnswerOptions(**answer),
            batch_size=batch_size,
            num_workers=num_workers,
        )

    def stream_items(
        self,
        items: Iterable[InputItem | Failure],
        questions: Question | Sequence[Question],
        read: ReadOptions,
        answer: AnswerOptions,
        *,
        batch_size: int = 8,
        num_workers: int = 2,
    ) -> Iterator[GroundingResult | Failure]:
        """Answer items that were found before, as :meth:`stream` does.

        Raises:
            ValueError: As in :meth:`stream`.
        """
        return self.stream_images(
            (image for item in items for image in _images(item, read)),
            questions,
            read,
            answer,
            batch_size=batch_size,
            num_workers=num_workers,
        )

    def stream_images(
        self,
        images: Iterable[ImageToRead | Failure],
        questions: Question | Sequence[Question],
        read: ReadOptions,
        answer: AnswerOptions,
        *,
        batch_size: int = 8,
        num_workers: int = 2,
    ) -> Iterator[GroundingResult | Failure]:
        """Answer some images of items, as :func:`~mmdet_medglip.apis.reading.images_of` lists them.

        Raises:
            ValueError: As in :meth:`stream`.
        """
        check_whole('batch_size', batch_size, 1)
        check_whole('num_workers', num_workers, 0)
        if answer.score_thr is None:
            answer = replace(answer, score_thr=self.score_thr)
        with self._turn:
            # What is wrong is one error now, not one for each image.
            for question in [questions] if isinstance(questions, Question) else questions:
                self._check(question)
            use_options(self.model, self._trained, answer)
            pipeline = InferencePipeline(self.steps, self.router, read.windows)
        ready = prefetched(
            partial(self._prepare, pipeline=pipeline, read=read),
            images,
            num_workers,
            _BATCHES_AHEAD * batch_size,
        )
        return self._answers(ready, questions, answer, batch_size)

    def heat_maps(
        self, inputs: Any, prompt: Any, *, report: bool = False, **kwargs: Any
    ) -> Iterator[HeatMaps | Failure]:
        """Tell where in images the words of each phrase are seen.

        Args:
            inputs: As in a call.
            prompt: As in a call.
            report: As in a call.
            kwargs: Fields of :class:`ReadOptions`.

        Yields:
            The maps of each image, and what has none.

        Raises:
            ValueError: A prompt or an option is wrong, or the model has no alignment maps.
        """
        given = list_inputs(inputs)
        questions = read_questions(prompt, len(given), report=report, ontology=self.ontology)
        read = ReadOptions(view=True, **kwargs)
        images = (image for item in find_items(given) for image in _images(item, read))
        yield from self.heat_maps_of(images, questions, read)

    def heat_maps_of(
        self,
        images: Iterable[ImageToRead | Failure],
        questions: Question | Sequence[Question],
        read: ReadOptions,
    ) -> Iterator[HeatMaps | Failure]:
        """Give the heat maps of some images of items, as :meth:`heat_maps` does.

        Raises:
            ValueError: As in :meth:`heat_maps`.
        """
        if not hasattr(self.model, 'alignment_maps'):
            raise ValueError(f'A {type(self.model).__name__} has no alignment maps.')
        for one in self._viewed(images, read):
            yield one if isinstance(one, Failure) else self._maps_of(one, questions)

    def show(
        self, images: Iterable[ImageToRead | Failure], read: ReadOptions
    ) -> Iterator[ImageView | Failure]:
        """Show images as the network sees them, without asking anything.

        Args:
            images: Of :func:`~mmdet_medglip.apis.reading.images_of`.
            read: How to read them.

        Yields:
            A view of each image, and what cannot be read.

        Raises:
            ValueError: A window that is none.
        """
        for one in self._viewed(images, read):
            if isinstance(one, Failure):
                yield one
                continue
            meta = one.packed['data_samples'].metainfo
            low, high = meta['intensity_range']
            height, width = meta['ori_shape'][:2]
            yield ImageView(
                one.source,
                one.view,
                int(height),
                int(width),
                str(meta['modality']),
                (float(low), float(high)),
                meta.get('spacing_mm'),
            )

    def _maps_of(
        self, image: _Prepared, questions: Question | Sequence[Question]
    ) -> HeatMaps | Failure:
        question = _question_for(image, questions)
        sample = image.packed['data_samples'].clone()
        if sample.metainfo['modality'] == UNROUTED:
            return Failure(image.source, 'predict', f'{image.source.name}: no modality was found.')
        sample.set_metainfo(_text_of(question))
        batch = dict(inputs=[image.packed['inputs']], data_samples=[sample])
        try:
            with self._turn:
                data = self.model.data_preprocessor(batch, False)
                (maps,) = self.model.alignment_maps(data['inputs'], data['data_samples'])
        except (RuntimeError, ValueError) as error:
            return Failure(image.source, 'predict', _sentence(error, image.source))
        return HeatMaps(image.source, question, maps.cpu().numpy(), image.view)

    def preprocess(self, inputs: Any, batch_size: int = 1, **kwargs: Any) -> Any:
        """Not used: :meth:`stream` prepares images."""
        raise NotImplementedError('MedGLIPInferencer prepares images in stream().')

    def visualize(
        self,
        result: GroundingResult,
        draw: Callable[[GroundingResult], npt.NDArray[np.uint8]] | None = None,
        return_vis: bool = True,
    ) -> npt.NDArray[np.uint8]:
        """Draw a result that has a view."""
        if draw is None:
            from .pictures import draw_result

            draw = draw_result
        return draw(result)

    def postprocess(self, preds: Any, visualization: Any, **kwargs: Any) -> Any:
        """Not used: :meth:`stream` gives results one by one."""
        raise NotImplementedError('MedGLIPInferencer gives results in stream().')

    def _viewed(
        self, images: Iterable[ImageToRead | Failure], read: ReadOptions
    ) -> Iterator[_Prepared | Failure]:
        """Read images in this thread, with a picture of what is seen of each."""
        read = replace(read, view=True)
        with self._turn:
            pipeline = InferencePipeline(self.steps, self.router, read.windows)
        for image in images:
            yield self._prepare(image, pipeline=pipeline, read=read)

    def _prepare(
        self, image: ImageToRead | Failure, *, pipeline: InferencePipeline, read: ReadOptions
    ) -> _Prepared | Failure:
        """Read one image; in a worker thread."""
        if isinstance(image, Failure):
            return image
        try:
            fields = {**image.load(), 'modality': read.modality, 'img_id': image.source.name}
            try:
                packed, view = pipeline(fields, view=read.view)
            except UnreadableImageError:
                check_image(fields)
                raise
            modality = packed['data_samples'].metainfo['modality']
            served = self.modalities
            if served is not None and modality not in (*served, UNROUTED):
                raise ValueError(
                    f'{image.source.name} is of modality {modality}; this model serves '
                    f'{", ".join(served)}.'
                )
        except (OSError, ValueError, cv2.error) as error:
            return Failure(image.source, 'read', _sentence(error, image.source))
        return _Prepared(image.source, packed, view)

    def _answers(
        self,
        ready: Iterator[_Prepared | Failure],
        questions: Question | Sequence[Question],
        answer: AnswerOptions,
        batch_size: int,
    ) -> Iterator[GroundingResult | Failure]:
        for batch in batched(ready, batch_size, lambda one: isinstance(one, _Prepared)):
            images = [one for one in batch if isinstance(one, _Prepared)]
            with self._turn:
                use_options(self.model, self._trained, answer)
                found = iter(self._answer(images, questions, answer) if images else ())
            for one in batch:
                yield one if isinstance(one, Failure) else next(found)

    def _answer(
        self,
        images: Sequence[_Prepared],
        questions: Question | Sequence[Question],
        answer: AnswerOptions,
    ) -> list[GroundingResult | Failure]:
        """Answer a batch; if that fails, image by image, so that one does not take the others."""
        asked = [_question_for(image, questions) for image in images]
        data: dict[str, list] = dict(inputs=[], data_samples=[])
        one_for_all = isinstance(questions, Question) and self._ask_all(questions)
        for image, question in zip(images, asked, strict=True):
            sample = image.packed['data_samples'].clone()
            if not one_for_all:
                sample.set_metainfo(_text_of(question))
            data['inputs'].append(image.packed['inputs'])
            data['data_samples'].append(sample)
        try:
            samples = self.forward(data)
            return [
                result_of(sample, image.source, question, answer.score_thr or 0.0, image.view)
                for sample, image, question in zip(samples, images, asked, strict=True)
            ]
        except (RuntimeError, ValueError) as error:
            if len(images) > 1:
                return [self._answer([one], questions, answer)[0] for one in images]
            return [Failure(images[0].source, 'predict', _sentence(error, images[0].source))]

    def _ask_all(self, question: Question) -> bool:
        """Have the model encode a prompt once for all images; False if it cannot."""
        if not hasattr(self.model, 'set_prompts'):
            return False
        if self._asked != question:
            self.model.set_prompts(question.prompt, self._encoded)
            self._asked = question
        return True

    def _check(self, question: Question) -> None:
        """Raise what is wrong with a prompt for this model."""
        if hasattr(self.model, 'parts_of'):
            self.model.parts_of(question.prompt)

    def _track(self, found: Iterator[Any]) -> Iterator[Any]:
        if not self.show_progress:
            return found
        from rich.progress import track

        return iter(track(found, description='Images', total=None))

    def _make_router(self, classifier: str | None, fallback: str | None) -> RouteModality:
        router = RouteModality(fallback=fallback)
        own = getattr(self.model, 'modality_classifier', None)
        if classifier is not None:
            router.classifier = read_classifier(classifier)
        elif own is not None and own.is_calibrated:
            router.use(own)
        served = self.modalities or ()
        if router.classifier is None and fallback is None and len(served) == 1:
            router.fallback = served[0]
        return router

    def _init_model(self, cfg: Config, weights: str, device: str = 'cpu') -> nn.Module:
        """Build the model and fill it; every weight must be there."""
        name = cfg.get('packed_folder') or cfg.filename or 'the config'
        with (
            config_faults(f'The model of {name} cannot be built'),
            DefaultScope.overwrite_default_scope('mmdet_medglip'),
        ):
            model = MODELS.build(cfg.model)
        checkpoint = load_checkpoint(weights)
        state = checkpoint.get('state_dict', checkpoint)
        if cfg.get('packed_folder') is not None:
            state = PackedModel.of_config(cfg).all_weights(model, state)
        check_state_dict(model, state, weights)
        model.load_state_dict(state, strict=False)
        model.cfg = cfg
        return model.to(device).eval()

    def _use_packed(self) -> None:
        """Take over what a packed model knows besides its weights."""
        self.score_thr = SCORE_THR
        self.ontology: Ontology | None = None
        self._encoded: dict[Prompt, Tensor] = {}
        if self.cfg.get('packed_folder') is None:
            return
        packed = PackedModel.of_config(self.cfg)
        self.score_thr = packed.contents.score_thr
        if packed.ontology is not None:
            self.ontology = Ontology.from_yaml(packed.ontology)
            self._trained['ontology'] = str(packed.ontology)
        if packed.prompts is not None:
            encoder = self.model.language_model
            for prompt in load_prompts(packed.prompts, encoder):
                self._encoded[prompt] = encoder.pinned(prompt)

    def _init_pipeline(self, cfg: Config) -> list[dict[str, Any]]:
        """Read the steps; they are built for the options of each call."""
        self.steps = test_steps(cfg)
        return self.steps

    def _init_collate(self, cfg: Config) -> Callable:
        """Keep samples as a list, as MMDetection's detectors take them."""
        return pseudo_collate

    def _init_visualizer(self, cfg: Config) -> None:
        """None: pictures are drawn by :mod:`mmdet_medglip.visualization`."""


def _images(item: InputItem | Failure, read: ReadOptions) -> Iterator[ImageToRead | Failure]:
    if isinstance(item, Failure):
        yield item
        return
    try:
        yield from images_of(
            item, modality=read.modality, plane=read.plane, slice_step=read.slice_step
        )
    except (OSError, ValueError) as error:
        yield Failure(item.source, 'read', _sentence(error, item.source))


def _question_for(image: _Prepared, questions: Question | Sequence[Question]) -> Question:
    if isinstance(questions, Question):
        return questions
    return questions[image.source.input_index]


def _text_of(question: Question) -> dict[str, Any]:
    prompt = question.prompt
    if prompt.is_list:
        return dict(text=prompt.phrases)
    return dict(text=prompt.caption, tokens_positive=[list(map(list, s)) for s in prompt.spans])


def _sentence(error: Exception, source: ImageSource) -> str:
    """What went wrong in one line that names the image."""
    text = ' '.join(str(error).split()) or type(error).__name__
    return (
        text if source.name in text or (source.path or '\0') in text else f'{source.name}: {text}'
    )
