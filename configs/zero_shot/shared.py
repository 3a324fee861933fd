# As medglip.py with one encoder for all modalities, which is GLIP's architecture.
_base_ = [
    '../_base_/models/medglip_r18.py',
    '../_base_/datasets/zero_shot.py',
    '../_base_/schedules/adamw_6e.py',
    '../_base_/default_runtime.py',
]

model = dict(backbone=dict(experts=dict(shared=_base_.expert), unknown='shared'))
train_dataloader = dict(batch_sampler=dict(type='ModalityBalancedBatchSampler', temperature=0.5))
