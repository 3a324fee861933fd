"""What a detector does with presence: report it, let boxes leave, or scale their scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmdet_medglip.answers import (
    PhrasePresence,
    PresenceAnswer,
    PresenceCalibration,
    box_logits,
    judge_presence,
    load_presence,
)

from ..language_models import WeightBoundCache
from ..weights_digest import detector_digest

__all__ = ['PresenceRule']

_MODES = ('both', 'gate', 'multiply', 'report')
_OPTIONS = ('mode', 'threshold', 'calibration')


class PresenceRule:
    """Answer for each phrase whether it is there, and treat its boxes accordingly.

    Args:
        has_head: Whether the detector gives logits of presence.
        mode: ``'gate'``: boxes of a phrase below its threshold leave. ``'multiply'``: scores are
            multiplied by the phrase's probability, no box leaves. ``'both'``, or ``'report'``:
            boxes stay as they are, presence is only told.
        threshold: Probability from which on a phrase counts as there, for all phrases; 0.5 if
            neither this nor a calibration is given.
        calibration: File of tools/calibrate_presence.py, or what it holds; None takes the
            probability that the presence head was trained to give.

    Raises:
        ValueError: An unknown mode, a threshold outside [0, 1] or beside a calibration, or evidence
            that the detector does not give.
        FileNotFoundError: There is no such file.
    """

    def __init__(
        self,
        has_head: bool,
        mode: str = 'both',
        threshold: float | None = None,
        calibration: str | PresenceCalibration | None = None,
    ) -> None:
        if mode not in _MODES:
            raise ValueError(f'test_cfg.presence.mode must be one of {_MODES}, got {mode!r}.')
        if threshold is not None and calibration is not None:
            raise ValueError(
                'test_cfg.presence has a threshold and a calibration, which has thresholds of its '
                'own; leave one out.'
            )
        if threshold is not None and not 0 <= threshold <= 1:
            raise ValueError(f'test_cfg.presence.threshold must be in [0, 1], got {threshold!r}.')
        if calibration is None:
            plain = PhrasePresence(1.0, 0.0, 0.5 if threshold is None else threshold)
            calibration = PresenceCalibration('presence_head', plain)
        elif not isinstance(calibration, PresenceCalibration):
            calibration = load_presence(calibration)
        if calibration.evidence == 'presence_head' and not has_head:
            raise ValueError(
                'test_cfg.presence needs a presence head, which this detector does not have: train '
                'one with bbox_head.presence=dict(), or calibrate its box scores with '
                'tools/calibrate_presence.py --evidence box_score.'
            )
        self.mode = mode
        self.calibration = calibration
        self._digest: WeightBoundCache[str, str] = WeightBoundCache(1)

    @classmethod
    def from_test_cfg(
        cls, options: Mapping[str, Any] | None, has_head: bool
    ) -> PresenceRule | None:
        """Read ``test_cfg.presence``.

        Args:
            options: Arguments of this class. None reports what a presence head says.
            has_head: As above.

        Returns:
            A rule; None where there is neither a head nor a demand.

        Raises:
            ValueError: An unknown option, and as above.
        """
        if options is None:
            return cls(has_head, mode='report') if has_head else None
        unknown = sorted(set(options).difference(_OPTIONS))
        if unknown:
            raise ValueError(f'test_cfg.presence knows {_OPTIONS}, got {unknown[0]!r}.')
        return cls(has_head, **options)

    def check_weights(self, model: nn.Module) -> None:
        """Make sure that a calibration was fitted to this detector.

        Args:
            model: Has a ``bbox_head``, which is hashed once, until its weights change.

        Raises:
            ValueError: It was fitted to others.
        """
        expected = self.calibration.weights
        if not expected:
            return
        found = self._digest.fetch_of(model.bbox_head, [''], lambda keys: [detector_digest(model)])
        if found[''] != expected:
            raise ValueError(
                'test_cfg.presence.calibration was fitted to other weights '
                f'({self.calibration.source}) than this model has; fit it to these with '
                'tools/calibrate_presence.py, or leave it out.'
            )

    def apply(
        self, boxes: InstanceData, logits: Tensor | None, phrases: Sequence[str]
    ) -> tuple[InstanceData, InstanceData]:
        """Answer one image.

        Args:
            boxes: ``scores`` (n,) and ``labels`` (n,), indices of phrases, and others; n may be 0.
            logits: (P,) of the presence head; None without.
            phrases: The P phrases.

        Returns:
            The boxes that stay, in the same order whatever their scores, and one row for each
            phrase in prompt order: ``scores`` (P,), the probability that it is there,
            ``thresholds`` (P,), ``present``, bool (P,), ``logits`` (P,), the evidence before
            calibration, and ``label_names``.
        """
        evidence = self._evidence(boxes, logits, len(phrases))
        answer = judge_presence(evidence, phrases, self.calibration)
        presence = _as_instances(answer, evidence, phrases, boxes.scores.device)
        if self.mode in ('gate', 'both'):
            boxes = boxes[presence.present[boxes.labels]]
        if self.mode in ('multiply', 'both'):
            boxes.scores = boxes.scores * presence.scores[boxes.labels].to(boxes.scores.dtype)
        return boxes, presence

    def _evidence(self, boxes: InstanceData, logits: Tensor | None, num_phrases: int) -> Any:
        if self.calibration.evidence == 'presence_head':
            assert logits is not None  # Checked when the rule was made.
            return logits.detach().cpu().double().numpy()
        return box_logits(
            boxes.scores.detach().cpu().double().numpy(), boxes.labels.cpu().numpy(), num_phrases
        )


def _as_instances(
    answer: PresenceAnswer, logits: Any, phrases: Sequence[str], device: torch.device
) -> InstanceData:
    def tensor(values: Any) -> Tensor:
        return torch.as_tensor(values, dtype=torch.float32, device=device)

    return InstanceData(
        scores=tensor(answer.probability),
        thresholds=tensor(answer.threshold),
        present=torch.as_tensor(answer.present, device=device),
        logits=tensor(logits),
        label_names=list(phrases),
    )
