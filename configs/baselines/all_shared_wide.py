# One encoder for all modalities, so wide that the model has as many parameters as with experts.
_base_ = [
    '../_base_/models/medglip_r18.py',
    '../_base_/datasets/med_grounding.py',
    '../_base_/schedules/adamw_36e.py',
    '../_base_/default_runtime.py',
]

wide = dict(_base_.expert, base_channels=84, norm_cfg=dict(type='GN', num_groups=12))
model = dict(
    backbone=dict(experts=dict(shared=wide), unknown='shared'),
    neck=dict(in_channels=[168, 336, 672]),
)
train_dataloader = dict(batch_sampler=dict(type='ModalityBalancedBatchSampler', temperature=0.5))
