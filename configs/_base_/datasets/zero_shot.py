# Labels never seen, on small images for a CPU: a quarter of all labels is held out of training;
# which quarter says train_dataloader.dataset.hold_out.fold (0 to 3).
_base_ = './med_grounding_words.py'

image_size = (192, 192)
sizes = dict(Resize=dict(scale=image_size), Pad=dict(size=image_size))

train_pipeline = [dict(t, **sizes.get(t['type'], {})) for t in _base_.train_pipeline]
test_pipeline = [dict(t, **sizes.get(t['type'], {})) for t in _base_.test_pipeline]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, hold_out=dict(fold=0, folds=4)))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
val_evaluator = [*_base_.val_evaluator, dict(type='PresenceMetric')]
test_evaluator = val_evaluator
