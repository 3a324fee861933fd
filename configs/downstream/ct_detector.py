# A small detector whose boxes answer questions about another store: medglip/ct.py at 192 pixels.
_base_ = '../medglip/ct.py'

data_root = 'data/demo_detector/store/'
image_size = (192, 192)  # width, height in pixels
sizes = dict(Resize=dict(scale=image_size), Pad=dict(size=image_size))
train_pipeline = [dict(t, **sizes.get(t['type'], {})) for t in _base_.train_pipeline]
test_pipeline = [dict(t, **sizes.get(t['type'], {})) for t in _base_.test_pipeline]
of_store = dict(data_root=data_root)

train_dataloader = dict(dataset=dict(pipeline=train_pipeline, **of_store))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline, **of_store))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline, **of_store))
train_cfg = dict(max_epochs=12, val_interval=12)
param_scheduler = [
    dict(_base_.param_scheduler[0], end=50),
    dict(_base_.param_scheduler[1], T_max=12, end=12),
]
