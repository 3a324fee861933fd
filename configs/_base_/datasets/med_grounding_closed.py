# As med_grounding.py, for a detector of a fixed list of labels: it answers by label, not by phrase.
_base_ = './med_grounding.py'

train_pipeline = [
    dict(type='ClosedSetPrompt') if t['type'] == 'SamplePrompt' else t
    for t in _base_.train_pipeline
]
test_pipeline = [
    dict(type='ClosedSetPrompt') if t['type'] == 'SamplePrompt' else t for t in _base_.test_pipeline
]
train_dataloader = dict(dataset=dict(prefer='labels', pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(prefer='labels', pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(prefer='labels', pipeline=test_pipeline))
