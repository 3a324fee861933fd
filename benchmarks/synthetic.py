"""Models of a config and batches like those of its data set, without data, weights or network."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.registry import MODELS
from mmdet_medglip.text import load_tokenizer

__all__ = ['BatchShape', 'batch', 'build_model', 'phrases_of', 'shape_of']


@dataclass(frozen=True)
class BatchShape:
    """What decides the cost of a step.

    Args:
        images: Images of a batch.
        height: Of every image, in pixels.
        width: Of every image, in pixels.
        phrases: Labels that the data set can ask for; a test prompt asks for all of them.
        boxes: Truth boxes of every image.
        modality: Of every image.
    """

    images: int
    height: int
    width: int
    phrases: int
    boxes: int
    modality: str


def shape_of(config: Config, phrases: int, boxes: int) -> BatchShape:
    """Batch size, image size and first modality of a config's training."""
    width, height = config.image_size
    return BatchShape(
        config.train_dataloader.batch_size,
        height,
        width,
        phrases,
        boxes,
        next(iter(config.model.backbone.experts)),
    )


def build_model(config: Config, seed: int = 0) -> nn.Module:
    """Build the detector of a config with random weights.

    A language model that is neither bundled nor a folder is replaced by an untrained BERT-base
    with the bundled vocabulary, which costs what it would. The head's scores are spread so that
    about one in twenty passes the threshold of 0.05, as after six epochs on the phantoms.
    """
    model_config = config.model.copy()
    torch.manual_seed(seed)
    with tempfile.TemporaryDirectory() as folder:
        language = dict(model_config.language_model)
        if language['name'] != 'bundled' and not Path(language['name']).is_dir():
            _write_bert_base(Path(folder))
            language.update(name=folder, pretrained=False)
        model_config.language_model = language
        model = MODELS.build(model_config)
    with torch.no_grad():
        model.bbox_head.log_scale.fill_(-3.0)
        model.bbox_head.prior_bias.fill_(-4.0)
    return model


def _write_bert_base(folder: Path) -> None:
    from transformers import BertConfig

    load_tokenizer('bundled').save_pretrained(folder)
    BertConfig().save_pretrained(folder)


def batch(shape: BatchShape, seed: int = 0, *, training: bool) -> dict[str, Any]:
    """Make a batch as the data loader hands it over.

    A test prompt asks for all phrases in one order. A training prompt asks for those of its boxes
    and, as ``SamplePrompt`` draws, for all others or some of them, in random order: prompts of a
    batch differ, and so do their lengths.

    Returns:
        ``inputs``, float tensors (3, H, W) in 0..255, and ``data_samples``.
    """
    generator = torch.Generator().manual_seed(seed)
    names = phrases_of(shape.modality, shape.phrases)
    inputs, samples = [], []
    for _ in range(shape.images):
        size = (3, shape.height, shape.width)
        inputs.append(torch.rand(size, generator=generator) * 255)
        owners = torch.randint(len(names), (shape.boxes,), generator=generator)
        asked = torch.arange(len(names))
        if training:
            asked = _draw(owners.unique(), len(names), generator)
        samples.append(_sample(shape, [names[i] for i in asked.tolist()]))
        position = torch.full((len(names),), -1)
        position[asked] = torch.arange(len(asked))
        samples[-1].gt_instances = InstanceData(
            bboxes=_boxes(shape, generator), labels=position[owners]
        )
    return dict(inputs=inputs, data_samples=samples)


def phrases_of(modality: str, count: int | None = None) -> list[str]:
    """Names of the first ``count`` labels of a modality; of all without.

    Raises:
        ValueError: The ontology has fewer.
    """
    ontology = Ontology.default()
    labels = ontology.labels_of(modality)
    if count is not None and not 0 < count <= len(labels):
        raise ValueError(f'--phrases must be 1 to {len(labels)} for {modality}, got {count}.')
    return [ontology.display_name(label) for label in labels[:count]]


def _draw(positives: Tensor, count: int, generator: torch.Generator) -> Tensor:
    order = torch.randperm(count, generator=generator)
    others = order[~torch.isin(order, positives)]
    if len(others) and torch.rand((), generator=generator) >= 0.5:
        others = others[: int(torch.randint(1, len(others) + 1, (), generator=generator))]
    asked = torch.cat([positives, others])
    return asked[torch.randperm(len(asked), generator=generator)]


def _boxes(shape: BatchShape, generator: torch.Generator) -> Tensor:
    """Boxes (n, 4) of a tenth to a half of the image's sides."""
    sides = torch.tensor([shape.width, shape.height])
    size = sides * (0.1 + 0.4 * torch.rand(shape.boxes, 2, generator=generator))
    corner = (sides - size) * torch.rand(shape.boxes, 2, generator=generator)
    return torch.cat([corner, corner + size], dim=1)


def _sample(shape: BatchShape, phrases: list[str]) -> DetDataSample:
    size = (shape.height, shape.width)
    return DetDataSample(
        metainfo=dict(
            img_id='synthetic',
            img_path='synthetic.png',
            text=tuple(phrases),
            modality=shape.modality,
            img_shape=size,
            ori_shape=size,
            scale_factor=(1.0, 1.0),
        )
    )
