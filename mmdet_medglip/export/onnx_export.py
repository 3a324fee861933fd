"""Write a detector with a fixed vocabulary to one ONNX file."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch.export import Dim

from mmdet_medglip.models import MedGLIP
from mmdet_medglip.version import __version__

from .exportable import exportable_expert, exportable_prompt
from .file_info import FileInfo
from .suppression import onnx_translations
from .traced_detector import TracedDetector

__all__ = ['OPSET', 'export_onnx']

OPSET = 18
"""Version of ONNX's operators in the file."""


def export_onnx(
    model: MedGLIP, path: str | Path, phrases: Sequence[str], modality: str
) -> FileInfo:
    """Write ``MedGLIP.predict`` for fixed phrases and one modality to an ONNX file.

    Inputs of the graph are ``images``, float32 (B, 3, H, W) from 0 to 255 as they leave the
    pipeline, and ``sizes``, int64 (B, 2), height and width of each image in that batch; what lies
    beside a smaller image is not looked at. Any B, H and W will do. Outputs are ``boxes``, float32
    (B, K, 4), half open, in pixels of the image, ``scores``, float32 (B, K), and ``labels``, int64
    (B, K), indices of the phrases; best first, with ``K`` of ``test_cfg.max_per_img``. Rows
    without a box have score 0 and label -1. The metadata of the file are a :class:`FileInfo`.

    Args:
        model: A :class:`MedGLIP` with its weights; it keeps its mode.
        path: File to write; its folder is made.
        phrases: What to detect, in label order.
        modality: Whose expert to take, by the router's names and routes.

    Returns:
        What the file says about itself.

    Raises:
        ImportError: onnx or onnxscript is not installed; the message has the command.
        ValueError: No phrase, more phrases than the language model reads at once, a modality
            without an expert, or a model with a part that cannot be exported.
    """
    _check_packages()
    expert = exportable_expert(model, modality)
    prompt = exportable_prompt(model, phrases)
    training = model.training
    model.eval()
    try:
        detector = TracedDetector(model, prompt, expert).eval()
        program = _trace(detector)
    finally:
        model.train(training)
    info = FileInfo(
        phrases=prompt.phrases,
        modality=modality,
        text=prompt.caption,
        version=__version__,
        mean=tuple(detector.channel_mean.tolist()),
        std=tuple(detector.channel_std.tolist()),
        size_divisor=detector.size_divisor,
        max_detections=detector.selection.max_per_img,
        score_thr=detector.selection.score_thr,
        iou_threshold=detector.selection.iou_threshold,
    )
    _write(program, Path(path), info)
    return info


def _check_packages() -> None:
    missing = [name for name in ('onnx', 'onnxscript') if find_spec(name) is None]
    if missing:
        raise ImportError(
            f'ONNX export needs {" and ".join(missing)}; install it with '
            '`pip install onnx onnxscript`.'
        )


def _trace(detector: TracedDetector) -> Any:
    device, coarsest = detector.hidden.device, detector.head.prior_generator.strides[-1][0]
    # Sides that torch can follow give the coarsest level two pixels or more; the file itself takes
    # smaller images too. In the example no level is a square.
    least, height, width = coarsest + 1, 2 * coarsest + 32, 3 * coarsest + 32
    images = torch.zeros(2, 3, height, width, device=device)
    sizes = torch.tensor([[height, width]] * 2, device=device)
    batch = Dim('batch')
    dynamic = dict(
        images={0: batch, 2: Dim('height', min=least), 3: Dim('width', min=least)},
        sizes={0: batch},
    )
    with warnings.catch_warnings():
        # They are about torch's own code, and about an axis that two inputs share.
        warnings.simplefilter('ignore')
        traced = torch.export.export(
            detector,
            (images, sizes),
            dynamic_shapes=dynamic,
            strict=False,
            prefer_deferred_runtime_asserts_over_guards=True,
        )
        return torch.onnx.export(
            traced,
            input_names=['images', 'sizes'],
            output_names=['boxes', 'scores', 'labels'],
            dynamic_shapes=dynamic,
            custom_translation_table=onnx_translations(),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )


def _write(program: Any, path: Path, info: FileInfo) -> None:
    """Write as a whole or not at all."""
    for node in program.model.graph.all_nodes():
        node.metadata_props.clear()  # Where in our files each operator comes from.
    program.model.metadata_props.update(info.to_properties())
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f'.{path.name}.partial')
    try:
        program.save(partial, external_data=False)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
