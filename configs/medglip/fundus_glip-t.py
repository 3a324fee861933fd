_base_ = [
    '../_base_/models/medglip_swin-t.py',
    '../_base_/datasets/med_grounding_ms.py',
    '../_base_/schedules/adamw_12e_finetune.py',
    '../_base_/default_runtime.py',
]

model = dict(backbone=dict(experts=dict(fundus=_base_.expert)))

train_dataloader = dict(dataset=dict(modalities=['fundus']))
val_dataloader = dict(dataset=dict(modalities=['fundus']))
test_dataloader = dict(dataset=dict(modalities=['fundus']))
