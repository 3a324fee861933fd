"""Write a trained detector with a fixed list of phrases to one ONNX file.

python tools/export_onnx.py configs/medglip/ct.py work_dirs/medglip/ct/epoch_36.pth ct.onnx
--modality ct --phrases liver spleen 'left kidney' [--check IMAGE ...]
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch
from mmengine.config import Config, DictAction
from mmengine.registry import init_default_scope
from torch import nn

from mmdet_medglip.engine.checkpoint import load_checkpoint
from mmdet_medglip.engine.config import load_config
from mmdet_medglip.engine.hooks.checkpoint_match_hook import check_state_dict
from mmdet_medglip.export import Detections, OnnxDetector
from mmdet_medglip.export.agreement import Agreement, compare_detections
from mmdet_medglip.export.onnx_export import OPSET, export_onnx
from mmdet_medglip.registry import MODELS, TRANSFORMS

ROUNDS, PAUSE = 7, 0.2
"""Timed calls of each, and seconds before one, until threads of the other have gone to sleep."""
LARGEST_SCORE, LARGEST_BOX, LARGEST_SHARE = 1e-3, 0.5, 0.02
"""What --check lets pass: differences of a score and, in pixels, of a box, and the share of boxes
that one answer has alone, since equal scores may change places at the last row."""
_NEEDS_RECORD = ('LoadAnnotations', 'SamplePrompt')
"""Steps of a test pipeline that read more of a record than its image."""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('config', help='config file, for example configs/medglip/ct.py')
    parser.add_argument('checkpoint', help='weights of that config')
    parser.add_argument('out', help='ONNX file to write')
    phrases = parser.add_mutually_exclusive_group(required=True)
    phrases.add_argument('--phrases', nargs='+', help='what to detect, in label order')
    phrases.add_argument('--phrases-file', help='the same, one a line')
    parser.add_argument('--modality', required=True, help='whose expert to take, for example ct')
    parser.add_argument(
        '--check',
        nargs='+',
        default=[],
        metavar='IMAGE',
        help='run the file and PyTorch on these images, and print how far they differ',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override entries of the config, nested by dots',
    )
    return parser.parse_args()


def read_phrases(args: argparse.Namespace) -> list[str]:
    """Phrases of the command line or of its file; blank lines are passed over.

    Raises:
        FileNotFoundError: There is no such file.
    """
    if args.phrases is not None:
        return args.phrases
    if not Path(args.phrases_file).is_file():
        raise FileNotFoundError(
            f'There is no file {args.phrases_file}; write one with a phrase on each line.'
        )
    lines = Path(args.phrases_file).read_text(encoding='utf-8').splitlines()
    return [line.strip() for line in lines if line.strip()]


def build(config: Config, checkpoint: str) -> nn.Module:
    """Build the detector and load its weights, every one of which must be there."""
    init_default_scope(config.get('default_scope', 'mmdet_medglip'))
    model = MODELS.build(config.model)
    loaded = load_checkpoint(checkpoint)
    weights = loaded.get('state_dict', loaded)
    check_state_dict(model, weights, checkpoint)
    model.load_state_dict(
        {key.removeprefix('module.'): value for key, value in weights.items()}, strict=False
    )
    return model.eval()


def load_image(config: Config, path: str, phrases: list[str], modality: str) -> dict:
    """Image as the config's test pipeline packs it, to be asked for the phrases.

    Raises:
        ValueError: The config has no test pipeline.
    """
    if not config.get('test_pipeline'):
        raise ValueError(
            f'{config.filename} has no test_pipeline, by which --check reads an image; name it.'
        )
    packed = dict(img_path=path, img_id=Path(path).stem, modality=modality, text=tuple(phrases))
    for step in config.test_pipeline:
        if step['type'].rpartition('.')[2] not in _NEEDS_RECORD:
            packed = TRANSFORMS.build(step)(packed)
    # Boxes are compared in pixels of the network's input.
    packed['data_samples'].set_metainfo(dict(scale_factor=(1.0, 1.0)))
    return packed


def predict(model: nn.Module, packed: dict) -> Detections:
    """What PyTorch finds in an image."""
    batch = dict(inputs=[packed['inputs']], data_samples=[packed['data_samples'].clone()])
    with torch.inference_mode():
        found = model.test_step(batch)[0].pred_instances.cpu().numpy()
    return Detections(found.bboxes, found.scores, found.labels, tuple(found.label_names))


def seconds(*calls: Callable[[], object]) -> list[float]:
    """Median time of each call, taken in turns after one that is not counted."""
    times: list[list[float]] = [[] for _ in calls]
    for turn in range(ROUNDS + 1):
        for spent, call in zip(times, calls, strict=True):
            time.sleep(PAUSE)
            start = time.perf_counter()
            call()
            if turn:
                spent.append(time.perf_counter() - start)
    return [statistics.median(spent) for spent in times]


def check(model: nn.Module, config: Config, args: argparse.Namespace, phrases: list[str]) -> None:
    """Print how far the file and PyTorch differ, and what each takes for the first image.

    Raises:
        ValueError: They differ too much.
    """
    threads = torch.get_num_threads()
    detector = OnnxDetector(args.out, num_threads=threads)
    images = [load_image(config, path, phrases, args.modality) for path in args.check]
    arrays = [np.ascontiguousarray(one['inputs'].permute(1, 2, 0)) for one in images]
    answers = zip(images, arrays, strict=True)
    total = sum(
        (compare_detections(detector([a])[0], predict(model, p)) for p, a in answers), Agreement()
    )
    print(f'checked    {len(images)} images: {total.pairs} boxes of both, {total.unpaired} of one')
    print(f'scores     differ by at most {total.score:.1e}')
    print(f'boxes      differ by at most {total.box:.1e} pixels')
    onnx, torch_ = seconds(lambda: detector(arrays[:1]), lambda: predict(model, images[0]))
    height, width = arrays[0].shape[:2]
    print(
        f'time       {onnx * 1e3:.1f} ms, PyTorch {torch_ * 1e3:.1f} ms, ratio '
        f'{onnx / torch_:.2f} ({height} x {width}, {threads} threads, median of {ROUNDS})'
    )
    alone = total.unpaired > LARGEST_SHARE * (2 * total.pairs + total.unpaired)
    if alone or total.score > LARGEST_SCORE or total.box > LARGEST_BOX:
        raise ValueError(
            f'{args.out} and PyTorch differ by more than {LARGEST_SCORE} in a score, '
            f'{LARGEST_BOX} pixels in a box or {LARGEST_SHARE:.0%} of the boxes; do not use the '
            'file, and report the versions of torch, onnxscript and onnxruntime.'
        )


def main() -> None:
    """Export, and check if asked."""
    args = parse_args()
    try:
        phrases = read_phrases(args)
        config = load_config(args.config, args.cfg_options)
        model = build(config, args.checkpoint)
        info = export_onnx(model, args.out, phrases, args.modality)
        size = Path(args.out).stat().st_size / 1e6
        print(
            f'{args.out}: {size:.1f} MB, opset {OPSET}, modality {info.modality}, '
            f'{len(info.phrases)} phrases, at most {info.max_detections} boxes'
        )
        if args.check:
            check(model, config, args, phrases)
    except (ImportError, OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None


if __name__ == '__main__':
    main()
