_base_ = [
    '../_base_/models/medglip_r18.py',
    '../_base_/datasets/med_grounding_words.py',
    '../_base_/schedules/adamw_36e.py',
    '../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(experts=dict(ct=_base_.expert)),
    test_cfg=dict(hierarchy=dict(ask_parents=True, consistent='raise')),
)

train_dataloader = dict(dataset=dict(modalities=['ct']))
val_dataloader = dict(dataset=dict(modalities=['ct']))
test_dataloader = dict(dataset=dict(modalities=['ct']))
val_evaluator = [
    *_base_.val_evaluator,
    dict(type='HierarchicalMetric', backend='faster_coco_eval'),
    dict(type='BackOffMetric'),
]
test_evaluator = val_evaluator
