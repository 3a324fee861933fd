"""Decide the modality of an image that does not say it, before anything depends on it."""

from __future__ import annotations

from typing import Any

import torch
from mmcv.transforms import BaseTransform

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.registry import TRANSFORMS
from mmdet_medglip.routing import AUTO, UNROUTED, Route, Verdict, follow

from .thumbnail import thumbnail_of

__all__ = ['RouteModality', 'read_classifier']

_PREFIX = 'modality_classifier.'


@TRANSFORMS.register_module()
class RouteModality(BaseTransform):
    """Find the modality where it is ``'auto'``, None or absent.

    In this order: the modality that is given, by any of its names; the one in the header of a
    DICOM file; the classifier's, if it is sure enough; ``fallback``. An image for which all of
    them are silent gets the modality ``'unrouted'``: the others of its batch are not disturbed,
    and :class:`MedGLIP` answers it with no box. A header that names a modality unknown here, such
    as PT, is not overruled by the classifier.

    It stands behind ``LoadMedImage`` and before ``IntensityWindow`` and ``SamplePrompt``, which
    depend on the modality.

    Required keys: ``img``; optional: ``img_path``, absent for images in memory, ``modality``.
    Changed: ``modality``. Added: ``routing``, see :class:`mmdet_medglip.routing.Route`.

    Args:
        checkpoint: File with the weights of the classifier: of ``configs/medglip/all_auto.py``
            or of ``configs/routing/modality_classifier.py``. None where ``ModalityRoutingHook``
            brings the model's own, or where only headers and given modalities are used.
        fallback: Modality to use where none is found; None leaves the image unrouted.
        min_confidence: Bound on the classifier's confidence, 0..1, instead of the calibrated one.
        max_distance: Bound on the distance to known images as a multiple of the calibrated one;
            ``float('inf')`` to look at the confidence alone.

    Raises:
        ValueError: A bad number, an unknown fallback, or a file without classifier.
        FileNotFoundError: There is no such checkpoint.
    """

    def __init__(
        self,
        checkpoint: str | None = None,
        fallback: str | None = None,
        min_confidence: float | None = None,
        max_distance: float | None = None,
    ) -> None:
        if min_confidence is not None and not 0 <= min_confidence <= 1:
            raise ValueError(f'min_confidence must be in [0, 1], got {min_confidence!r}.')
        if max_distance is not None and not max_distance > 0:
            raise ValueError(f'max_distance must be positive, got {max_distance!r}.')
        self.ontology = Ontology.default()
        self.checkpoint = checkpoint
        self.fallback = None if fallback is None else self.ontology.parse_modality(fallback)
        self.min_confidence = min_confidence
        self.max_distance = max_distance
        self.classifier: Any = None
        if checkpoint is not None:
            self.classifier = read_classifier(checkpoint)

    def use(self, classifier: Any) -> None:
        """Use the weights of a :class:`ModalityClassifier`, from now on and in all workers.

        Workers of a data loader that live on see new weights too: they lie in shared memory.
        """
        if self.classifier is None:
            own = type(classifier).from_state_dict(classifier.state_dict())
            self.classifier = own.share_memory()
        else:
            self.classifier.load_state_dict(classifier.state_dict())

    def transform(self, results: dict) -> dict:
        """Decide.

        Raises:
            ValueError: A given modality that is unknown, a damaged DICOM header, or an image that
                needs a classifier where there is none.
        """
        route = self._route(results)
        results['modality'] = route.modality
        results['routing'] = route._asdict()
        return results

    def _route(self, results: dict) -> Route:
        given = results.get('modality')
        if given not in (None, AUTO):
            return Route(self.ontology.parse_modality(given), 'given')
        from mmdet_medglip.routing.dicom_tag import modality_in_header

        path = results.get('img_path')
        named = None if path is None else modality_in_header(path, self.ontology)
        if named == UNROUTED:
            return follow(None, self.fallback)
        if named is not None:
            return Route(named, 'dicom')
        return follow(self._judge(results), self.fallback)

    def _judge(self, results: dict) -> Verdict | None:
        if self.classifier is None:
            if self.fallback is not None:
                return None
            name = results.get('img_path') or results.get('img_id')
            raise ValueError(
                f'Image {name} names no modality and RouteModality has no '
                'classifier: give the modality, or checkpoint= of a trained one.'
            )
        thumbnail = torch.from_numpy(thumbnail_of(results['img'])).permute(2, 0, 1)[None]
        (verdict,) = self.classifier.predict(thumbnail, self.min_confidence, self.max_distance)
        return verdict

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(checkpoint={self.checkpoint!r}, fallback={self.fallback!r}, '
            f'min_confidence={self.min_confidence}, max_distance={self.max_distance})'
        )


def read_classifier(checkpoint: str) -> Any:
    """Read the :class:`ModalityClassifier` of a checkpoint, trained along or alone.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It holds no classifier.
    """
    from mmdet_medglip.engine.checkpoint import load_checkpoint
    from mmdet_medglip.models.classifiers import ModalityClassifier

    weights = load_checkpoint(checkpoint)
    try:
        return ModalityClassifier.from_state_dict(weights.get('state_dict', weights), _PREFIX)
    except ValueError as error:
        raise ValueError(f'{checkpoint}: {error}') from error
