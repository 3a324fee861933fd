# As med_grounding_ms.py for MMDetection's GLIP.
_base_ = './med_grounding_ms.py'

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
    dict(type='GTBoxSubOne_GLIP'),  # MMDetection's GLIP trains on inclusive corners
    dict(type='SamplePrompt', language_model='bert-base-uncased'),
    dict(type='PackGroundingInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
