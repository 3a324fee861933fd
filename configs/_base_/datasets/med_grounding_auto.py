# med_grounding.py for images that may not say their modality: it is found before the window is
# chosen. --cfg-options test_dataloader.dataset.modalities=auto hides what the records say.
_base_ = './med_grounding.py'

train_pipeline = [
    dict(type='LoadMedImage'),
    dict(type='ModalityThumbnail'),
    *_base_.train_pipeline[1:],
]
test_pipeline = [
    dict(type='LoadMedImage'),
    dict(type='RouteModality'),
    *_base_.test_pipeline[1:],
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_evaluator = [*_base_.val_evaluator, dict(type='ModalityMetric')]
