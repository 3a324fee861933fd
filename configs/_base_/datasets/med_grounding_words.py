# As med_grounding.py, with labels said in many ways, classes and regions asked beside them, and
# negatives drawn rather from look-alikes, and labels of other modalities and regions.
_base_ = './med_grounding.py'

words = dict(
    wording=dict(name=0.4, synonym=0.3, abbreviation=0.1, attributed=0.1, description=0.1),
    group_prob=0.3,
    hard_negative_weight=4.0,
    num_foreign=4,
)
train_pipeline = [
    dict(t, **words) if t['type'] == 'SamplePrompt' else t for t in _base_.train_pipeline
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
