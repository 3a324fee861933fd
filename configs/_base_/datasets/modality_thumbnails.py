# A store as thumbnails alone; --cfg-options data_root=... moves it.
data_root = 'data/demo/store/'

pipeline = [
    dict(type='LoadMedImage'),
    dict(type='ModalityThumbnail'),
    dict(type='Resize', scale=(64, 64), keep_ratio=False),
    dict(type='PackGroundingInputs'),
]
train_dataloader = dict(
    batch_size=8,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='MedGroundingDataset', data_root=data_root, split='train', pipeline=pipeline),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='MedGroundingDataset',
        data_root=data_root,
        split='val',
        pipeline=pipeline,
        test_mode=True,
    ),
)
test_dataloader = dict(
    batch_size=32,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='MedGroundingDataset',
        data_root=data_root,
        split='test',
        pipeline=pipeline,
        test_mode=True,
    ),
)
val_evaluator = dict(type='ModalityMetric')
test_evaluator = val_evaluator
