# One encoder for all modalities, of an expert's size: an image costs what it costs with experts.
_base_ = [
    '../_base_/models/medglip_r18.py',
    '../_base_/datasets/med_grounding.py',
    '../_base_/schedules/adamw_36e.py',
    '../_base_/default_runtime.py',
]

model = dict(backbone=dict(experts=dict(shared=_base_.expert), unknown='shared'))
train_dataloader = dict(batch_sampler=dict(type='ModalityBalancedBatchSampler', temperature=0.5))
