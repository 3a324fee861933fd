"""Write pictures of truth beside predictions during validation and test."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mmcv
import numpy as np
import numpy.typing as npt
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from mmdet_medglip.evaluation.metrics.samples import (
    Regions,
    is_label_sample,
    phrase_names,
    read_prediction,
    read_truth,
)
from mmdet_medglip.registry import HOOKS
from mmdet_medglip.visualization.draw_grounding import DrawnBoxes, draw_grounding

__all__ = ['GroundingVisualizationHook', 'network_view', 'sample_picture']


@HOOKS.register_module()
class GroundingVisualizationHook(Hook):
    """Draw what the network saw, with truth and predictions, as PNG files.

    Files are ``<show_dir>/<val_000123 or test>/<modality>_<image id>.png``. Under several
    processes the main one draws its share of the images.

    Args:
        draw: Whether to draw at all.
        interval: Draw every so many images, 1 for each.
        max_images: At most this many per modality and pass, None for no bound.
        score_thr: Predictions below this score are left out.
        max_boxes: At most this many predictions per picture, the best-scored ones.
        show_dir: Output folder, ``pictures`` in the work_dir if not given.
        add_to_visualizer: Also hand the pictures to the runner's visualizer (TensorBoard).
        show: Also open each picture in a window.
        wait_time: Seconds that a window stays, 0 until a key is pressed.

    Raises:
        ValueError: If ``interval`` is smaller than 1.
    """

    def __init__(
        self,
        draw: bool = True,
        interval: int = 1,
        max_images: int | None = 8,
        score_thr: float = 0.3,
        max_boxes: int = 30,
        show_dir: str | None = None,
        add_to_visualizer: bool = False,
        show: bool = False,
        wait_time: float = 0.0,
    ) -> None:
        if interval < 1:
            raise ValueError(f'Expected `interval` >= 1, got {interval}.')
        self.draw = draw
        self.interval = interval
        self.max_images = max_images
        self.score_thr = score_thr
        self.max_boxes = max_boxes
        self.show_dir = show_dir
        self.add_to_visualizer = add_to_visualizer
        self.show = show
        self.wait_time = wait_time
        self._seen = 0
        self._drawn: Counter[str] = Counter()

    def before_val_epoch(self, runner: Runner) -> None:
        """Start a pass."""
        self._seen, self._drawn = 0, Counter()

    def before_test_epoch(self, runner: Runner) -> None:
        """Start a pass."""
        self._seen, self._drawn = 0, Counter()

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Draw images of a validation batch."""
        dataset = runner.val_dataloader.dataset
        self._draw_batch(runner, f'val_{runner.iter:06d}', dataset, data_batch, outputs)

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Draw images of a test batch."""
        self._draw_batch(runner, 'test', runner.test_dataloader.dataset, data_batch, outputs)

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Say where the pictures are."""
        self._report(runner, f'val_{runner.iter:06d}')

    def after_test_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Say where the pictures are."""
        self._report(runner, 'test')

    def _draw_batch(
        self,
        runner: Runner,
        part: str,
        dataset: Any,
        data_batch: Mapping[str, Any],
        outputs: Sequence[Any],
    ) -> None:
        if not self.draw or not is_main_process():
            return
        classes = getattr(dataset, 'metainfo', {}).get('classes', ())
        for network_input, output in zip(data_batch['inputs'], outputs, strict=True):
            sample = output.to_dict() if hasattr(output, 'to_dict') else output
            modality = str(sample.get('modality', 'image'))
            due = self._seen % self.interval == 0
            self._seen += 1
            if not due or self._is_full(modality):
                continue
            self._drawn[modality] += 1
            picture = sample_picture(
                network_view(network_input, sample),
                sample,
                classes,
                title=f'{modality}   {sample.get("img_id")}',
                score_thr=self.score_thr,
                max_boxes=self.max_boxes,
            )
            name = f'{modality}_{_file_name(sample.get("img_id"))}'
            path = self._folder(runner, part) / f'{name}.png'
            mmcv.imwrite(picture[..., ::-1], str(path))
            if self.show:
                mmcv.imshow(picture[..., ::-1], name, round(1000 * self.wait_time))
            if self.add_to_visualizer:
                runner.visualizer.add_image(f'{part.split("_")[0]}/{name}', picture, runner.iter)

    def _is_full(self, modality: str) -> bool:
        return self.max_images is not None and self._drawn[modality] >= self.max_images

    def _folder(self, runner: Runner, part: str) -> Path:
        return Path(self.show_dir or Path(runner.work_dir) / 'pictures') / part

    def _report(self, runner: Runner, part: str) -> None:
        number = sum(self._drawn.values())
        if self.draw and number:
            print_log(f'{number} pictures in {self._folder(runner, part)}', logger='current')


def network_view(network_input: Any, sample: Mapping[str, Any]) -> npt.NDArray[np.uint8]:
    """Input of the network as a picture, without padding.

    Args:
        network_input: Tensor [3, H, W] or [1, H, W], BGR, 0 to 255, before normalisation.
        sample: Data sample with ``ori_shape`` (height, width) and ``scale_factor`` (x, y), else
            with ``img_shape``: the size of the view without padding.

    Returns:
        [h, w, 3] RGB.
    """
    image = network_input.detach().cpu().float().clamp(0, 255).byte().numpy()
    image = np.repeat(image, 3, axis=0) if len(image) == 1 else image[::-1]
    height, width = _view_size(sample) or image.shape[1:]
    return np.ascontiguousarray(image[:, :height, :width].transpose(1, 2, 0))


def sample_picture(
    image: npt.NDArray[np.uint8],
    sample: Mapping[str, Any],
    classes: Sequence[str] = (),
    *,
    title: str = '',
    score_thr: float = 0.3,
    max_boxes: int = 30,
) -> npt.NDArray[np.uint8]:
    """Picture of one data sample.

    Args:
        image: [h, w, 3] RGB, the view that the sample's ``ori_shape`` was resized to.
        sample: Data sample with prompt, ``instances`` and ``pred_instances`` in original pixels.
        classes: Label ids that ``instances`` of a label sample index.
        title: Line on top.
        score_thr: Predictions below this score are left out.
        max_boxes: At most this many predictions, the best-scored ones.

    Returns:
        [height, width, 3] uint8 RGB. Truth of labels that were not asked is not drawn.
    """
    height, width = _size(sample, 'ori_shape') or image.shape[:2]
    scale = np.array([image.shape[1] / width, image.shape[0] / height] * 2)
    phrases = phrase_names(sample)
    truth, prediction = read_truth(sample), read_prediction(sample)
    phrase_of = _phrase_of_label(sample, classes, len(phrases))
    asked = [i for i, label in enumerate(truth.labels.tolist()) if label in phrase_of]
    best = _best(prediction, score_thr, max_boxes)
    return draw_grounding(
        image,
        phrases,
        DrawnBoxes(truth.boxes[asked] * scale, [phrase_of[int(truth.labels[i])] for i in asked]),
        DrawnBoxes(
            prediction.boxes[best] * scale,
            prediction.labels[best].tolist(),
            prediction.scores[best].tolist(),
        ),
        title=title,
    )


def _best(prediction: Regions, score_thr: float, max_boxes: int) -> npt.NDArray[np.int64]:
    order = np.argsort(-prediction.scores, kind='stable')
    return order[prediction.scores[order] >= score_thr][:max_boxes]


def _phrase_of_label(
    sample: Mapping[str, Any], classes: Sequence[str], num_phrases: int
) -> dict[int, int]:
    if not is_label_sample(sample):
        return {number: number for number in range(num_phrases)}
    index = {label: number for number, label in enumerate(classes)}
    phrases = enumerate(sample['phrase_labels'])
    return {index[label]: phrase for phrase, label in phrases if label in index}


def _size(sample: Mapping[str, Any], field: str) -> tuple[int, int] | None:
    shape = sample.get(field)
    return None if shape is None else (int(shape[0]), int(shape[1]))


def _view_size(sample: Mapping[str, Any]) -> tuple[int, int] | None:
    original, factor = _size(sample, 'ori_shape'), sample.get('scale_factor')
    if original is None or factor is None:
        return _size(sample, 'img_shape')
    # img_shape includes padding where the pipeline itself pads.
    return round(original[0] * factor[1]), round(original[1] * factor[0])


def _file_name(image_id: Any) -> str:
    return re.sub(r'[^\w.-]+', '_', str(image_id))
