# Questions that tools/make_questions.py wrote into the store.
_base_ = [
    '../_base_/models/region_text_r18.py',
    '../_base_/datasets/region_text.py',
    '../_base_/schedules/adamw_40e.py',
    '../_base_/default_runtime.py',
]

task = dict(task='vqa')
model = dict(
    vocabulary=_base_.data_root + 'questions/vqa_train.jsonl',
    image_encoder=dict(encoder=dict(experts=dict(ct=_base_.expert))),
    decoder=dict(max_words=8),
    **task,
)
train_dataloader = dict(dataset=dict(ann_file='questions/vqa_train.jsonl', max_texts=8, **task))
val_dataloader = dict(dataset=dict(ann_file='questions/vqa_val.jsonl', **task))
# Nothing is chosen on the validation images: they are held out like those of the test.
held_out = ['questions/vqa_val.jsonl', 'questions/vqa_test.jsonl']
test_dataloader = dict(dataset=dict(ann_file=held_out, **task))
val_evaluator = [dict(type='AnswerMetric')]
test_evaluator = val_evaluator
optim_wrapper = dict(optimizer=dict(lr=2e-3))
default_hooks = dict(checkpoint=dict(interval=8, save_best=None))
