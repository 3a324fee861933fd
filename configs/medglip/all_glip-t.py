_base_ = [
    '../_base_/models/medglip_swin-t.py',
    '../_base_/datasets/med_grounding_ms.py',
    '../_base_/schedules/adamw_12e_finetune.py',
    '../_base_/default_runtime.py',
]

model = dict(backbone=dict(experts=_base_.all_experts))
train_dataloader = dict(batch_sampler=dict(type='ModalityBalancedBatchSampler', temperature=0.5))
