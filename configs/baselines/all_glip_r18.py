_base_ = [
    '../_base_/models/glip_r18.py',
    '../_base_/datasets/med_grounding_glip.py',
    '../_base_/schedules/adamw_36e_frozen_text.py',
    '../_base_/default_runtime.py',
]

train_dataloader = dict(batch_sampler=dict(type='ModalityBalancedBatchSampler', temperature=0.5))
