# MMDetection's Mask R-CNN with an expert for each modality, on the masks of the store.
_base_ = [
    '../_base_/models/two_stage_r18.py',
    '../_base_/datasets/med_grounding_masks.py',
    '../_base_/schedules/adamw_36e.py',
    '../_base_/default_runtime.py',
]

model = dict(
    type='MaskRCNN',
    data_preprocessor=dict(type='ModalityDataPreprocessor', pad_mask=True),
    backbone=dict(type='ModalityRouter', experts=_base_.all_experts),
    roi_head=_base_.mask_branch,
)
train_dataloader = dict(batch_sampler=dict(type='ModalityBalancedBatchSampler', temperature=0.5))
