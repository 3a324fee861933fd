"""What answering by class or region, where a label is unsure, does to risk and coverage."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.registry import METRICS
from mmdet_medglip.visualization.table import render_table

from ..functional.back_off import Candidates, back_off_candidates
from ..functional.label_tree import LabelTree
from ..functional.risk_coverage import RiskCoverage, risk_coverage
from .hierarchical_metric import read_nodes
from .samples import class_index, is_label_sample

__all__ = ['BackOffMetric']

_COVERAGES = np.arange(1, 11) / 10


@METRICS.register_module()
class BackOffMetric(BaseMetric):
    """Risk and coverage of the best box of each phrase, as a label and with back-off.

    For a detector with ``test_cfg.hierarchy.ask_parents``: its scores of classes and regions are
    what is backed off to. See :func:`~mmdet_medglip.evaluation.functional.risk_coverage`; both
    curves are over the same boxes, and coverage is the share of them that is answered.

    Keys (with the prefix 'back_off'): ``back_off/label/AURC`` where only labels are answered,
    ``back_off/AURC`` with classes and regions; lower is better, NaN without a box. The table has
    the risk at coverages 0.1 to 1.0.

    Args:
        picture: File to draw the curves in; none without.
        place_iou: Least overlap of boxes at one place.
        ontology: YAML file of an own ontology; by default the packaged one.
        collect_device: 'cpu' or 'gpu', how ranks exchange results.
        prefix: First part of the keys.
        collect_dir: Shared folder for the exchange by file, a temporary one if not given.
    """

    default_prefix = 'back_off'

    def __init__(
        self,
        picture: str | None = None,
        place_iou: float = 0.6,
        ontology: str = '',
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        self.picture = picture
        self.place_iou = place_iou
        self.ontology = Ontology.from_yaml(ontology) if ontology else Ontology.default()

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the candidates of a batch; captions have none.

        Raises:
            ValueError: If a sample lacks a field, or asks for or answers by an unknown node.
        """
        labels = tuple(class_index(self.dataset_meta))
        tree = LabelTree.of_labels(self.ontology, labels)
        for sample in data_samples:
            found = None
            if is_label_sample(sample):
                image, _ = read_nodes(sample, tree, len(labels))
                found = back_off_candidates(image, tree, place_iou=self.place_iou)
            self.results.append(found)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Both curves, printed as a table.

        Args:
            results: Candidates of each label sample, None of each caption sample.

        Returns:
            Flat keys without the prefix -> area in [0, 1] or NaN.
        """
        judged: list[Candidates] = [result for result in results if result is not None]
        scores = np.concatenate([np.empty((0, 3)), *(one for one, _ in judged)])
        right = np.concatenate([np.empty((0, 3), bool), *(one for _, one in judged)])
        if not len(scores):
            return {'AURC': float('nan'), 'label/AURC': float('nan')}
        alone, backed = risk_coverage(scores[:, 0], right[:, 0]), risk_coverage(scores, right)
        rows = [_row(coverage, alone, backed) for coverage in _COVERAGES]
        columns = ('coverage', 'risk, labels', 'risk, back-off', 'label', 'class', 'region')
        title = f'Risk of {len(scores)} best boxes; shares of the answers with back-off'
        print_log(render_table(title, columns, rows), logger='current')
        if self.picture:
            draw_curves(Path(self.picture), {'labels alone': alone, 'with back-off': backed})
        return {'AURC': backed.area, 'label/AURC': alone.area}


def _row(coverage: float, alone: RiskCoverage, backed: RiskCoverage) -> tuple:
    """Both at the highest threshold that answers at least a share of the boxes."""
    risks = []
    for curve in (alone, backed):
        at = int(np.searchsorted(curve.coverage, coverage - 1e-9))
        risks.append(float(curve.risk[at]) if at < len(curve.risk) else float('nan'))
    at = min(int(np.searchsorted(backed.coverage, coverage - 1e-9)), len(backed.coverage) - 1)
    shares = (backed.answered[at] / backed.coverage[at]).tolist()
    return (f'{coverage:.1f}', *risks, *shares)


def draw_curves(path: Path, curves: dict[str, RiskCoverage]) -> None:
    """Draw risk over coverage into a picture, PNG or SVG by its suffix."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3.2), layout='constrained', dpi=150)
    axes = figure.subplots()
    for name, curve in curves.items():
        axes.plot(curve.coverage, curve.risk, label=f'{name} (area {curve.area:.3f})')
    axes.set(xlabel='coverage: share of boxes answered', ylabel='risk: share of answers wrong')
    axes.set(xlim=(0, 1), ylim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
