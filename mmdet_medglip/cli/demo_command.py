"""``medglip demo``: a picture with boxes from a trained model, on an image made for it."""

from __future__ import annotations

import argparse
import io
import json
import time
from pathlib import Path
from typing import Any

from rich.console import Console

__all__ = ['HELP', 'NAME', 'add_arguments', 'run']

NAME = 'demo'
HELP = 'draw the boxes of a trained model on a phantom that it has not seen'
_PATIENT = 900
"""Number of a phantom that no demo data set reaches."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        '--config', default='demo',
        help='config or packed folder of another model; default: the one that comes along',
    )  # fmt: skip
    parser.add_argument('--weights', help='its checkpoint; default: the newest in its work folder')
    parser.add_argument('--modality', default='ct', help='modality of the phantom (default ct)')
    parser.add_argument('--out', type=Path, default=Path('medglip_demo.png'), help='PNG to write')
    parser.add_argument('--device', help='such as cpu or cuda:0; default: the best there is')
    parser.add_argument('--json', action='store_true', help='print JSON')


def run(args: argparse.Namespace, console: Console) -> int:
    """Draw a phantom, answer it and write the picture of truth and answer.

    Args:
        args: The command line.
        console: Where to print.

    Returns:
        0.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: An option is wrong.
    """
    started = time.monotonic()
    answer = _answer(args)
    answer['seconds'] = round(time.monotonic() - started, 1)
    if args.json:
        console.out(json.dumps(answer, indent=2, ensure_ascii=False), highlight=False)
        return 0
    for one in answer['phrases']:
        told = 'no box' if one['score'] is None else f'{one["score"]:.2f}, IoU {one["iou"]:.2f}'
        console.print(f'{one["phrase"]:<20} {told}', highlight=False)
    console.print(f'picture {args.out}, in {answer["seconds"]} s; not for clinical use')
    return 0


def _answer(args: argparse.Namespace) -> dict[str, Any]:
    import numpy as np
    from PIL import Image

    from mmdet_medglip.apis import MedGLIPInferencer
    from mmdet_medglip.evaluation.functional.boxes import pairwise_iou
    from mmdet_medglip.ontology import Ontology
    from mmdet_medglip.store.durable import replace_file
    from mmdet_medglip.testing.phantoms import SPECS, draw_patient
    from mmdet_medglip.visualization import DrawnBoxes, draw_grounding

    if args.modality not in SPECS:
        raise ValueError(f'--modality must be one of {", ".join(SPECS)}, got {args.modality}.')
    ontology = Ontology.default()
    images = draw_patient(args.modality, _PATIENT)
    truths = [
        [(label, box) for label in SPECS[args.modality].labels for box in image.boxes(label)]
        for image in images
    ]
    shown = max(range(len(images)), key=lambda i: len({label for label, _ in truths[i]}))
    labels = list(dict.fromkeys(label for label, _ in truths[shown]))
    phrases = [ontology.display_name(label) for label in labels]
    pixels = images[shown].image
    if pixels.ndim == 3:
        pixels = np.ascontiguousarray(pixels[..., ::-1])
    inferencer = MedGLIPInferencer(args.config, args.weights, args.device, show_progress=False)
    (result,) = inferencer(pixels, phrases, modality=args.modality, return_vis=True)['predictions']
    truth = np.array([box for _, box in truths[shown]], np.float64).reshape(-1, 4)
    of_truth = [labels.index(label) for label, _ in truths[shown]]
    picture = draw_grounding(
        result.view,
        phrases,
        DrawnBoxes(truth, of_truth),
        DrawnBoxes(result.xyxy, [box.phrase for box in result.boxes], result.scores.tolist()),
        title=f'{args.modality} phantom, not for clinical use',
    )
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format='PNG')
    args.out.parent.mkdir(parents=True, exist_ok=True)
    replace_file(args.out, stream.getvalue())
    answers = []
    for index, phrase in enumerate(phrases):
        best = next((box for box in result.boxes if box.phrase == index), None)
        own = truth[[i for i, phrase_of in enumerate(of_truth) if phrase_of == index]]
        overlap = None
        if best is not None:
            overlap = float(pairwise_iou(np.array([best.bbox]), own).max())
        answers.append(
            {'phrase': phrase, 'score': None if best is None else best.score, 'iou': overlap}
        )
    return {'config': args.config, 'picture': str(args.out), 'phrases': answers}
