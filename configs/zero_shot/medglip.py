# Labels never seen: a quarter of all labels is held out of training, which quarter says
# train_dataloader.dataset.hold_out.fold (0 to 3). Small images and few epochs, for a CPU.
_base_ = '../medglip/all_words.py'

image_size = (192, 192)
max_epochs = 6

train_pipeline = [
    *_base_.train_pipeline[:3],
    dict(type='Resize', scale=image_size, keep_ratio=True),
    dict(type='Pad', size=image_size),
    *_base_.train_pipeline[5:],
]
test_pipeline = [
    dict(t, scale=image_size) if t['type'] == 'Resize' else t for t in _base_.test_pipeline
]
train_dataloader = dict(
    dataset=dict(pipeline=train_pipeline, hold_out=dict(fold=0, folds=4)),
)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

# One validation, at the end.
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
param_scheduler = [
    _base_.param_scheduler[0],
    dict(_base_.param_scheduler[1], T_max=max_epochs, end=max_epochs),
]
