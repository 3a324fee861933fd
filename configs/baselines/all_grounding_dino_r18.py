_base_ = [
    '../_base_/models/grounding_dino_r18.py',
    '../_base_/datasets/med_grounding.py',
    '../_base_/schedules/adamw_36e_frozen_text.py',
    '../_base_/default_runtime.py',
]

model = dict(backbone=_base_.expert)
train_dataloader = dict(batch_sampler=dict(type='ModalityBalancedBatchSampler', temperature=0.5))
# A transformer of queries takes smaller steps than convolutions do.
optim_wrapper = dict(optimizer=dict(lr=2e-4))
