_base_ = [
    '../_base_/models/grounding_dino_swin-t.py',
    '../_base_/datasets/med_grounding_ms.py',
    '../_base_/schedules/adamw_12e_finetune.py',
    '../_base_/default_runtime.py',
]

train_dataloader = dict(batch_sampler=dict(type='ModalityBalancedBatchSampler', temperature=0.5))
weights = 'grounding_dino_swin-t_pretrain_obj365_goldg_grit9m_v3det'
load_from = f'checkpoints/{weights}_20231204_095047-b448804b.pth'
weights_command = f'mim download mmdet --config {weights} --dest checkpoints'
