"""What a packed sample carries beside image and boxes."""

__all__ = ['GROUNDING_META_KEYS']

GROUNDING_META_KEYS: tuple[str, ...] = (
    'img_id',
    'img_path',
    'ori_shape',
    'img_shape',
    'scale_factor',
    'flip',
    'flip_direction',
    'modality',
    'true_modality',
    'body_region',
    'routing',
    'source',
    'patient_id',
    'series_id',
    'slice_index',
    'spacing_mm',
    'intensity_range',
    'dataset_mode',
    'caption',
    'text',
    'phrase_labels',
    'closed_set',
    'phrases',
    'tokens_positive',
    'prompt_left_out',
    'instances',
)
"""``meta_keys`` of ``PackDetInputs``: model, metrics and pictures read these; absent keys are
skipped, so one list serves detection and grounding records, training and test."""
