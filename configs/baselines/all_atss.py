_base_ = [
    '../_base_/models/atss_r18.py',
    '../_base_/datasets/med_grounding_closed.py',
    '../_base_/schedules/adamw_36e.py',
    '../_base_/default_runtime.py',
]

model = dict(backbone=_base_.expert)
train_dataloader = dict(batch_sampler=dict(type='ModalityBalancedBatchSampler', temperature=0.5))
