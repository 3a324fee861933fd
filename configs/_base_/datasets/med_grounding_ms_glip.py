# As med_grounding_ms.py, for MMDetection's GLIP, which trains on inclusive corners.
_base_ = './med_grounding_ms.py'

train_pipeline = [
    *_base_.train_pipeline[:-2],
    dict(type='GTBoxSubOne_GLIP'),
    *_base_.train_pipeline[-2:],
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
