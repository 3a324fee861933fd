"""Keep the small picture that tells a modality, before windows and resizing change the image."""

from mmcv.transforms import BaseTransform

from mmdet_medglip.registry import TRANSFORMS

from .thumbnail import thumbnail_of

__all__ = ['ModalityThumbnail']


@TRANSFORMS.register_module()
class ModalityThumbnail(BaseTransform):
    """Add the thumbnail that a :class:`ModalityClassifier` learns from.

    It stands behind ``LoadMedImage`` and before ``IntensityWindow``; ``PackGroundingInputs`` packs
    what it adds.

    Required keys: ``img``. Added: ``modality_thumbnail``, uint8 (64, 64, 3), see
    :func:`~mmdet_medglip.datasets.transforms.thumbnail_of`.
    """

    def transform(self, results: dict) -> dict:
        """Add the thumbnail."""
        results['modality_thumbnail'] = thumbnail_of(results['img'])
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
