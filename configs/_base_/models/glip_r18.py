# Default size. MMDetection's GLIP takes 256 channels only, and its fusion BERT-base's width only,
# so text meets the image in the head alone here (GLIP's kind A). The language model is a folder or
# hub name; the bundled one's folder is printed by
#   python -c "from mmdet_medglip.text import resolve_language_model as r; print(r('bundled'))"
_base_ = './grounding.py'

lang_model_name = '{{$GLIP_LANGUAGE_MODEL:bert-base-uncased}}'

model = dict(
    type='GLIP',
    backbone=dict(
        type='ResNet',
        depth=18,
        base_channels=32,
        out_indices=(1, 2, 3),
        norm_cfg=dict(type='GN', num_groups=16),
        norm_eval=False,
    ),
    neck=dict(
        type='FPN',
        num_outs=5,
        add_extra_convs='on_output',
        relu_before_extra_convs=True,
        in_channels=[64, 128, 256],
        out_channels=256,
    ),
    bbox_head=dict(
        type='ATSSVLFusionHead',
        num_classes=1,
        lang_model_name=lang_model_name,
        in_channels=256,
        feat_channels=256,
        early_fuse=False,
        num_dyhead_blocks=2,
        anchor_generator=dict(octave_base_scale=2),
    ),
    language_model=dict(type='BertModel', name=lang_model_name),
)
