# A store made by tools/make_demo_data.py or tools/ingest.py; --cfg-options data_root=... moves it.
data_root = 'data/demo/store/'
image_size = (256, 256)  # width, height in pixels

train_pipeline = [
    dict(type='LoadMedImage'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='IntensityWindow', jitter=0.1),
    dict(type='Resize', scale=image_size, keep_ratio=True),
    dict(type='Pad', size=image_size),
    # No flip: left and right are part of many labels; RandomSidedFlip swaps them with the image.
    dict(
        type='RandomAffine',
        max_rotate_degree=8.0,
        max_translate_ratio=0.1,
        scaling_ratio_range=(0.8, 1.25),
        max_shear_degree=2.0,
        border_val=(0, 0, 0),
    ),
    dict(type='SamplePrompt'),
    dict(type='PackGroundingInputs'),
]
test_pipeline = [
    dict(type='LoadMedImage'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='IntensityWindow'),
    dict(type='Resize', scale=image_size, keep_ratio=True),
    dict(type='SamplePrompt', mode='test'),
    dict(type='PackGroundingInputs'),
]

train_dataloader = dict(
    batch_size=8,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='MedGroundingDataset', data_root=data_root, split='train', pipeline=train_pipeline
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='MedGroundingDataset',
        data_root=data_root,
        split='val',
        pipeline=test_pipeline,
        test_mode=True,
    ),
)
test_dataloader = dict(
    batch_size=8,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='MedGroundingDataset',
        data_root=data_root,
        split='test',
        pipeline=test_pipeline,
        test_mode=True,
    ),
)
val_evaluator = [
    dict(type='MedCocoMetric', backend='faster_coco_eval'),
    dict(type='PhraseGroundingMetric'),
]
test_evaluator = val_evaluator
