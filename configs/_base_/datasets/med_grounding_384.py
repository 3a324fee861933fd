# As med_grounding.py at 384 pixels, for small findings.
_base_ = './med_grounding.py'

image_size = (384, 384)  # width, height in pixels
sizes = dict(Resize=dict(scale=image_size), Pad=dict(size=image_size))
train_pipeline = [dict(t, **sizes.get(t['type'], {})) for t in _base_.train_pipeline]
test_pipeline = [dict(t, **sizes.get(t['type'], {})) for t in _base_.test_pipeline]

train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
