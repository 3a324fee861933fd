"""What is not run as it stands, and why. Everything else in a page's blocks is run."""

import re
from dataclasses import dataclass

NOT_CODE = {'', 'text', '{toctree}', '{eval-rst}', '{figure}', '{image}'}
"""Languages that nobody runs: output, layouts of folders, and directives of the site."""

FRAGMENTS = {
    ('adaptation.md', 'tasks = dict('): 'configs/adapt/lora.py',
    ('adaptation.md', "runner_type = 'AdaptationRunner'"): 'configs/medglip/ct.py',
    ('data.md', 'train_pipeline = ['): 'configs/medglip/ct.py',
    ('data.md', 'train_dataloader = dict('): 'configs/medglip/ct.py',
    ('evaluation.md', 'test_evaluator = ['): 'configs/baselines/ct_glip_r18.py',
    ('exports_and_cards.md', "type='ODVGDataset'"): 'configs/medglip/ct.py',
    ('mixing.md', 'experts=_base_.all_experts'): 'configs/mixed/retinanet_router.py',
    ('mixing.md', "dict(type='MobileNetV2'"): 'configs/mixed/medglip_mobilenet.py',
    ('mixing.md', 'custom_imports = dict('): None,
    ('model.md', 'backbone = dict('): 'configs/medglip/ct.py',
    ('routing.md', "dict(type='RouteModality'"): 'configs/medglip/ct.py',
    ('train_and_test.md', 'visualizer = dict('): 'configs/medglip/ct.py',
    ('volumes.md', 'val_evaluator = ['): 'configs/medglip/ct.py',
}
"""Python that is part of a config, by page and words of the block: the config it is added to (None:
a stock one of MMDetection's). What it sets is built from the sum of both."""


def fragment_base(page: str, text: str) -> tuple[bool, str | None]:
    """Whether Python is part of a config, and of which."""
    for (name, words), base in FRAGMENTS.items():
        if name == page and words in text:
            return True, base
    return False, None


@dataclass(frozen=True)
class Rule:
    """Commands that are not run in the page's test, and why."""

    pattern: str
    reason: str

    def fits(self, command: str) -> bool:
        """Whether the whole command fits."""
        return re.fullmatch(self.pattern, command) is not None


SLOW = (
    Rule(
        r'(medglip|python tools/medglip\.py) predict .*--engine processes.*',
        'starts processes that import everything',
    ),
    Rule(
        r'medglip predict configs/medglip/(mri|xray|ultrasound|dermoscopy|fundus)\.py .*',
        'endoscopy, CT and a folder stand for the seven modalities',
    ),
    Rule(r'python tools/make_demo_data\.py.*', 'draws hundreds of phantoms'),
    Rule(r'python tools/export_onnx\.py .*', 'an export of the default size takes a minute'),
    Rule(
        r'python tools/(calibrate_presence|test_words|test_regions|count_parameters)\.py .*',
        'runs a model over a store',
    ),
    Rule(r'(?!.*glip-t)python tools/(train|test)\.py .*', 'trains or tests'),
)
"""Run by ``-m slow`` alone, trainings cut to a few steps; in the default suite they are checked."""

SLOW_BLOCKS = {
    ('export.md', 'onnx'): 'reads the file that a slow command writes; '
    'tests/export/test_onnx_export.py runs it on a smaller one',
}
"""Python, by page and words of the block, that is run with the slow commands alone, and why."""


def is_slow_block(page: str, text: str) -> bool:
    """Whether Python is run with the slow commands alone."""
    return any(name == page and words in text for name, words in SLOW_BLOCKS)


CHECKED = (
    Rule(
        r'python tools/browse_store\.py data/store --(source kvasir_seg|flag|image-id) .*',
        'names sources and flags of a store of public data; the first command of the block is run',
    ),
    Rule(r'medglip pack configs/downstream/.*', 'needs the training of the line above it'),
    Rule(r'make .*', 'CI and the user call make; its targets are checked'),
    Rule(r'(pip|apt-get|mim|docker|git) .*', 'asks an index or registry'),
    Rule(r'export GLIP_LANGUAGE_MODEL=.*', 'sets a variable of the shell for the command below'),
    Rule(r'GLIP_LANGUAGE_MODEL=bert-base-uncased .*', 'downloads BERT; README test runs it'),
    Rule(r'.*glip-t.*', 'needs published weights, 900 MB, and a GPU'),
    Rule(r'tools/(dist_train|dist_test|slurm_train)\.sh .*', 'needs several GPUs or a cluster'),
    Rule(r'.*--scheduler tcp://host:8786.*', 'needs a Dask cluster'),
    Rule(r'.*--data-root downloads .*', 'needs public data; tests of recipes have its layouts'),
    Rule(r'python benchmarks/.*', 'measures for minutes to hours'),
    Rule(
        r'python tools/fuzz\.py (all|report) .*',
        'tries thousands of cases, or ends the process; tests/hostile gives cases to every target',
    ),
    Rule(r'python tools/benchmark\.py (?!.*--list).*', 'trains a suite for minutes to hours'),
    Rule(r'python tests/text/report_agreement\.py .*', 'needs real reports'),
    Rule(r'python tools/ablate_regions\.py .*', 'trains twelve models, or reads their answers'),
    Rule(
        r'python tools/(vqa|report)\.py .*',
        'needs a vision-language model or its answers; tests/tools has them with random weights',
    ),
    Rule(
        r'python tools/model_converters/merge_adaptation\.py .*',
        'needs the checkpoint of an adaptation; tests/tools/test_merge_adaptation.py',
    ),
    Rule(r'python tools/compare_tasks\.py .*', 'needs finished trainings; tests/tools'),
    Rule(
        r'python tools/test\.py configs/(\S+ --results (ours|other)\.npz|'
        r'medglip/all\.py --cfg-options data_root=data/real|medglip/ct_words\.py .*level=class)',
        'needs the checkpoints of trainings that the page does not have or that are too long',
    ),
    Rule(
        r'python tools/(fuse_results|evaluate)\.py .*(fused|ours|other)\.npz.*',
        'needs result files of two detectors; tests/tools/test_fuse_results.py',
    ),
    Rule(
        r'python tools/test\.py .*(CHECKPOINT|joint\.pth|epoch_18\.pth|configs/downstream/|'
        r'modality_classifier/epoch_6).*',
        'needs the checkpoint of a long training',
    ),
    Rule(
        r'python tools/(train|test|test_words|calibrate_presence)\.py '
        r'configs/(zero_shot|downstream|adapt)/.*',
        'needs a store of real data, or other trainings before it; tests/tools run the programs',
    ),
    Rule(
        r'python tools/(train|test|test_words)\.py .*(joint|all_384|epoch_18|fraction=).*',
        'goes on from the checkpoint of a long training',
    ),
    Rule(r'medglip serve .*all_shared.*', 'needs two trained joint models; tests/browser'),
    Rule(r'medglip serve .*0\.0\.0\.0.*', 'the command before it starts the same server'),
)
"""Never run: only checked, by parsing the command line and loading its config."""
