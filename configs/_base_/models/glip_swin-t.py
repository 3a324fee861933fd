# GLIP-T, from MMDetection's own checkpoint.
_base_ = ['./grounding.py', './expert_swin-t.py']

lang_model_name = '{{$GLIP_LANGUAGE_MODEL:bert-base-uncased}}'

model = dict(
    type='GLIP',
    backbone=_base_.expert,
    neck=dict(
        type='FPN',
        num_outs=5,
        add_extra_convs='on_output',
        relu_before_extra_convs=True,
        in_channels=[192, 384, 768],
        out_channels=256,
    ),
    bbox_head=dict(
        type='ATSSVLFusionHead',
        num_classes=1,
        lang_model_name=lang_model_name,
        in_channels=256,
        feat_channels=256,
        early_fuse=True,
    ),
    language_model=dict(type='BertModel', name=lang_model_name),
)
load_from = 'checkpoints/glip_tiny_mmdet-c24ce662.pth'
weights_command = (
    'mim download mmdet --config glip_atss_swin-t_fpn_dyhead_pretrain_obj365-goldg-cc3m-sub '
    '--dest checkpoints'
)
