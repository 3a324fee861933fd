# MMDetection's Grounding DINO with an expert for each modality.
_base_ = [
    '../_base_/models/grounding_dino_r18.py',
    '../_base_/datasets/med_grounding.py',
    '../_base_/schedules/adamw_36e_frozen_text.py',
    '../_base_/default_runtime.py',
]

model = dict(
    data_preprocessor=dict(type='ModalityDataPreprocessor'),
    backbone=dict(type='ModalityRouter', experts=_base_.all_experts),
)
train_dataloader = dict(batch_sampler=dict(type='ModalityBalancedBatchSampler', temperature=0.5))
optim_wrapper = dict(optimizer=dict(lr=2e-4))
