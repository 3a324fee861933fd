# As med_grounding_closed.py, with masks, of the modalities whose regions all have one; without the
# affine augmentation, which moves no masks.
_base_ = './med_grounding.py'

with_masks = ['ct', 'mri', 'ultrasound', 'endoscopy', 'dermoscopy', 'fundus']
instead = dict(
    LoadAnnotations=dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    SamplePrompt=dict(type='ClosedSetPrompt'),
)
train_pipeline = [
    instead.get(t['type'], t) for t in _base_.train_pipeline if t['type'] != 'RandomAffine'
]
test_pipeline = [instead.get(t['type'], t) for t in _base_.test_pipeline]

masked = dict(masks=True, modalities=with_masks, prefer='labels')
train_dataloader = dict(dataset=dict(masked, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(masked, pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(masked, pipeline=test_pipeline))
val_evaluator = [*_base_.val_evaluator, dict(type='AskedCocoMetric', metric='segm')]
test_evaluator = val_evaluator
