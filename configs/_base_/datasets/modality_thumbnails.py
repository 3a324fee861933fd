# As med_grounding.py, as thumbnails alone.
_base_ = './med_grounding.py'

train_pipeline = [
    dict(type='LoadMedImage'),
    dict(type='ModalityThumbnail'),
    dict(type='Resize', scale=(64, 64), keep_ratio=False),
    dict(type='PackGroundingInputs'),
]
test_pipeline = train_pipeline

train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=32, persistent_workers=False, dataset=dict(pipeline=train_pipeline)
)
test_dataloader = dict(batch_size=32, dataset=dict(pipeline=train_pipeline))
val_evaluator = [dict(type='ModalityMetric')]
test_evaluator = val_evaluator
