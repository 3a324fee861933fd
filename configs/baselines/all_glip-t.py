_base_ = [
    '../_base_/models/glip_swin-t.py',
    '../_base_/datasets/med_grounding_ms_glip.py',
    '../_base_/schedules/adamw_12e_finetune.py',
    '../_base_/default_runtime.py',
]

train_dataloader = dict(batch_sampler=dict(type='ModalityBalancedBatchSampler', temperature=0.5))
