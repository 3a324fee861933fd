# Our neck and head on a stock backbone, one for all modalities.
_base_ = [
    '../_base_/models/medglip_r18.py',
    '../_base_/datasets/med_grounding.py',
    '../_base_/schedules/adamw_36e.py',
    '../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(
        type='ModalityRouter',
        experts=dict(
            shared=dict(
                type='MobileNetV2', out_indices=(2, 4, 6), norm_cfg=dict(type='GN', num_groups=8)
            )
        ),
        unknown='shared',
    ),
    neck=dict(in_channels=[32, 96, 320]),
)
train_dataloader = dict(batch_sampler=dict(type='ModalityBalancedBatchSampler', temperature=0.5))
