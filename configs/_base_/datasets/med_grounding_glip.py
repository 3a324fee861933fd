# As med_grounding.py for MMDetection's GLIP.
_base_ = './med_grounding.py'

image_size = (256, 256)  # width, height in pixels

train_pipeline = [
    dict(type='LoadMedImage'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='IntensityWindow', jitter=0.1),
    dict(type='Resize', scale=image_size, keep_ratio=True),
    dict(type='Pad', size=image_size),
    # No flip: left and right are part of many labels.
    dict(
        type='RandomAffine',
        max_rotate_degree=8.0,
        max_translate_ratio=0.1,
        scaling_ratio_range=(0.8, 1.25),
        max_shear_degree=2.0,
        border_val=(0, 0, 0),
    ),
    dict(type='GTBoxSubOne_GLIP'),  # MMDetection's GLIP trains on inclusive corners
    dict(type='SamplePrompt'),
    dict(type='PackGroundingInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
