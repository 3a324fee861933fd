_base_ = [
    '../_base_/models/rtmdet_tiny.py',
    '../_base_/datasets/med_grounding_closed.py',
    '../_base_/schedules/adamw_36e.py',
    '../_base_/default_runtime.py',
]

train_dataloader = dict(batch_sampler=dict(type='ModalityBalancedBatchSampler', temperature=0.5))
