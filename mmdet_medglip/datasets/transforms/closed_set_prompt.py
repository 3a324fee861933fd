"""Ask a detector that knows a fixed list of labels, without words."""

from typing import Any

from mmcv.transforms import BaseTransform

from mmdet_medglip.registry import TRANSFORMS

from .sample_prompt import SamplePrompt

__all__ = ['ClosedSetPrompt']


@TRANSFORMS.register_module()
class ClosedSetPrompt(BaseTransform):
    """Say which labels an image is judged by, where the detector answers by label.

    It stands in place of :class:`SamplePrompt`, in training and in test, before a detector such as
    MMDetection's RetinaNet. ``gt_bboxes_labels`` stay what the data set gives, indices of its
    ``classes``, of which the head has ``num_classes``. As in a test prompt, ``text`` and
    ``phrase_labels`` are the labels of ``scope``, by which the image is judged; ``closed_set``
    tells the metrics that predictions name labels rather than phrases: ``asked``, the label of each
    phrase, and ``num_labels`` of the data set.

    In training such a detector takes every label that has no box on an image as absent, also one
    that the image's source does not annotate; :class:`SamplePrompt` does not ask for those.

    Required keys: ``dataset_mode``, ``vocabulary``, ``modality``, ``source``, ``img_id``.

    Args:
        scope: As in :class:`SamplePrompt`; ``'source'`` judges by what the source annotates.
    """

    def __init__(self, scope: str = 'source') -> None:
        self.prompt = SamplePrompt(mode='test', scope=scope)

    def transform(self, results: dict) -> dict:
        """Add the labels that are asked.

        Args:
            results: The record.

        Returns:
            The same dict with ``text``, ``phrase_labels`` and ``closed_set``.

        Raises:
            ValueError: If the record has a caption to ground, or no label is known for it.
        """
        if results['dataset_mode'] != 'OD':
            raise ValueError(
                f'Record {results.get("img_id", "?")!r} has words to ground and no labels, which a '
                "detector of fixed labels cannot learn: give the data set prefer='labels', or "
                'leave such records out.'
            )
        asked: dict[str, Any] = self.prompt(
            {key: value for key, value in results.items() if key != 'gt_bboxes_labels'}
        )
        vocabulary = results['vocabulary']
        for key in ('text', 'phrase_labels', 'prompt_left_out'):
            results[key] = asked[key]
        results['closed_set'] = dict(
            asked=tuple(vocabulary.position[label] for label in asked['phrase_labels']),
            num_labels=len(vocabulary.ids),
        )
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(scope={self.prompt.scope!r})'
