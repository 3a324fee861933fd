_base_ = [
    '../_base_/models/medglip_r18.py',
    '../_base_/datasets/med_grounding_384.py',
    '../_base_/schedules/adamw_36e.py',
    '../_base_/default_runtime.py',
]

model = dict(backbone=dict(experts=_base_.all_experts))
train_dataloader = dict(batch_sampler=dict(type='ModalityBalancedBatchSampler', temperature=0.5))
# The experts begin as one: half of the training teaches all of them, on images of all modalities.
default_hooks = dict(shared_start=dict(type='SharedStartHook', fraction=0.5))
