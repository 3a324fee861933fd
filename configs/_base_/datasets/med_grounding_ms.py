# GLIP-T's input: several scales, its tokenizer.
_base_ = './med_grounding.py'

image_size = (1333, 800)  # longest and shortest side in pixels

train_pipeline = [
    dict(type='LoadMedImage'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='IntensityWindow', jitter=0.1),
    dict(
        type='RandomChoiceResize',
        scales=[(1333, 480), (1333, 560), (1333, 640), (1333, 720), (1333, 800)],
        keep_ratio=True,
    ),
    dict(type='SamplePrompt', language_model='bert-base-uncased'),
    dict(type='PackGroundingInputs'),
]
test_pipeline = [
    dict(type='LoadMedImage'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='IntensityWindow'),
    dict(type='Resize', scale=image_size, keep_ratio=True),
    dict(type='SamplePrompt', language_model='bert-base-uncased', mode='test'),
    dict(type='PackGroundingInputs'),
]
train_dataloader = dict(batch_size=2, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(batch_size=2, dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(batch_size=2, dataset=dict(pipeline=test_pipeline))
