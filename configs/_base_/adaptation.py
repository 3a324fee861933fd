# What the ways to adapt share: the base model, a new task, and old tasks to be remembered.
_base_ = '../medglip/all.py'

runner_type = 'AdaptationRunner'
load_from = 'work_dirs/medglip/all/epoch_36.pth'
weights_command = 'python tools/train.py configs/medglip/all.py'

tasks = dict(
    new=dict(data_root='data/new/store/', shots=10, shot_seed=0),
    old=dict(data_root='data/demo/store/'),
)
replay = 0  # batches of old tasks for each batch of the new one

train_dataloader = dict(batch_sampler=dict(num_batches=50))
train_cfg = dict(max_epochs=6, val_interval=6)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=20),
    dict(
        type='CosineAnnealingLR',
        T_max=6,
        eta_min_ratio=0.01,
        by_epoch=True,
        begin=0,
        end=6,
        convert_to_iter_based=True,
    ),
]
custom_hooks = [*_base_.custom_hooks, dict(type='TaskComparisonHook')]
