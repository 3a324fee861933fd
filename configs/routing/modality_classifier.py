_base_ = ['../_base_/datasets/modality_thumbnails.py', '../_base_/routing_runtime.py']

model = dict(
    type='ModalityRecognizer',
    data_preprocessor=dict(type='BaseDataPreprocessor'),
    modality_classifier=dict(type='ModalityClassifier'),
)
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=6, val_interval=6)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(optimizer=dict(type='AdamW', lr=4e-3, weight_decay=0.05))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', T_max=6, eta_min_ratio=0.01, convert_to_iter_based=True),
]
default_hooks = dict(checkpoint=dict(save_best='routing/right', rule='greater'))
