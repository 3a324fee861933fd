"""How many images are routed to the expert of their modality, overall and per modality."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmdet_medglip.registry import METRICS
from mmdet_medglip.routing import UNROUTED
from mmdet_medglip.visualization.table import render_table

from ..functional.grouping import grouped
from ..functional.routing_shares import Routed, routing_shares
from .samples import read_field

__all__ = ['ModalityMetric']


@METRICS.register_module()
class ModalityMetric(BaseMetric):
    """Routing against the truth, see :mod:`..functional.routing_shares`.

    Reads ``routing`` and the true modality of each sample: ``true_modality``, which a data set with
    ``modalities='auto'`` gives, else ``modality``. Keys with the prefix 'routing':
    ``routing/right``, ``routing/wrong``, ``routing/abstained``, ``routing/accuracy``, and
    ``routing/ct/right`` per modality.

    Args:
        collect_device: 'cpu' or 'gpu', how ranks exchange results.
        prefix: First part of the keys.
        collect_dir: Shared folder for the exchange by file, a temporary one if not given.
    """

    default_prefix = 'routing'

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep what became of each image.

        Raises:
            ValueError: If a sample has no ``routing``.
        """
        self.results.extend(_routed(sample) for sample in data_samples)

    def compute_metrics(self, results: list[Routed]) -> dict[str, float]:
        """Shares over all collected images, printed as a table.

        Returns:
            Flat keys without the prefix -> value in [0, 1] or NaN.
        """
        metrics = routing_shares(results)
        rows = [('all', len(results), *metrics.values())]
        for modality, own in grouped((image.truth, image) for image in results).items():
            shares = routing_shares(own)
            rows.append((modality, len(own), *shares.values()))
            metrics |= {f'{modality}/{name}': value for name, value in shares.items()}
        columns = ('modality', 'images', *routing_shares([]))
        print_log(render_table('Routing', columns, rows), logger='current')
        return metrics


def _routed(sample: Mapping[str, Any]) -> Routed:
    route = read_field(sample, 'routing')
    truth = sample.get('true_modality') or read_field(sample, 'modality')
    used = None if route['modality'] == UNROUTED else route['modality']
    return Routed(truth, used, route['likeliest'] or used)
