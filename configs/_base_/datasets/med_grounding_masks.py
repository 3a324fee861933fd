# As med_grounding_closed.py, with masks, of the modalities whose regions all have one; without the
# affine augmentation, which moves no masks.
_base_ = './med_grounding_closed.py'

with_masks = ['ct', 'mri', 'ultrasound', 'endoscopy', 'dermoscopy', 'fundus']
load = dict(type='LoadAnnotations', with_bbox=True, with_mask=True)

train_pipeline = [
    load if t['type'] == 'LoadAnnotations' else t
    for t in _base_.train_pipeline
    if t['type'] != 'RandomAffine'
]
train_dataloader = dict(
    dataset=dict(masks=True, modalities=with_masks, pipeline=train_pipeline),
)
val_dataloader = dict(dataset=dict(masks=True, modalities=with_masks))
test_dataloader = dict(dataset=dict(masks=True, modalities=with_masks))
val_evaluator = [*_base_.val_evaluator, dict(type='AskedCocoMetric', metric='segm')]
test_evaluator = val_evaluator
