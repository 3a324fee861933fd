# Faster R-CNN; with roi_head=_base_.mask_branch and type='MaskRCNN', Mask R-CNN.
# Takes backbone=_base_.expert, or a router of such.
_base_ = ['./closed_set.py', './expert_r18.py']

roi_extractor = dict(
    type='SingleRoIExtractor',
    out_channels=128,
    featmap_strides=[8, 16, 32, 64],
    finest_scale=28,  # the finest map for boxes below 56 pixels
)
assigner = dict(type='MaxIoUAssigner', match_low_quality=True, ignore_iof_thr=-1)
sampler = dict(type='RandomSampler', neg_pos_ub=-1)
coder = dict(type='DeltaXYWHBBoxCoder', target_means=[0.0, 0.0, 0.0, 0.0])

model = dict(
    type='FasterRCNN',
    neck=_base_.fpn,
    rpn_head=dict(
        type='RPNHead',
        in_channels=128,
        feat_channels=128,
        anchor_generator=dict(
            type='AnchorGenerator',
            scales=[4],  # boxes of 32 pixels at stride 8
            ratios=[0.5, 1.0, 2.0],
            strides=_base_.strides,
        ),
        bbox_coder=dict(coder, target_stds=[1.0, 1.0, 1.0, 1.0]),
        loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=True, loss_weight=1.0),
        loss_bbox=dict(type='L1Loss', loss_weight=1.0),
    ),
    roi_head=dict(
        type='StandardRoIHead',
        bbox_roi_extractor=dict(
            roi_extractor, roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=0)
        ),
        bbox_head=dict(
            type='Shared2FCBBoxHead',
            num_classes='auto',
            in_channels=128,
            fc_out_channels=256,
            roi_feat_size=7,
            bbox_coder=dict(coder, target_stds=[0.1, 0.1, 0.2, 0.2]),
            reg_class_agnostic=False,
            loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0),
            loss_bbox=dict(type='L1Loss', loss_weight=1.0),
        ),
    ),
    train_cfg=dict(
        rpn=dict(
            assigner=dict(assigner, pos_iou_thr=0.7, neg_iou_thr=0.3, min_pos_iou=0.3),
            sampler=dict(sampler, num=256, pos_fraction=0.5, add_gt_as_proposals=False),
            allowed_border=-1,
            pos_weight=-1,
            debug=False,
        ),
        rpn_proposal=dict(
            nms_pre=1000,
            max_per_img=500,
            nms=dict(type='nms', iou_threshold=0.7),
            min_bbox_size=0,
        ),
        rcnn=dict(
            assigner=dict(assigner, pos_iou_thr=0.5, neg_iou_thr=0.5, min_pos_iou=0.5),
            sampler=dict(sampler, num=128, pos_fraction=0.25, add_gt_as_proposals=True),
            mask_size=28,
            pos_weight=-1,
            debug=False,
        ),
    ),
    test_cfg=dict(
        rpn=dict(
            nms_pre=1000,
            max_per_img=300,
            nms=dict(type='nms', iou_threshold=0.7),
            min_bbox_size=0,
        ),
        rcnn=dict(
            score_thr=0.05,
            nms=dict(type='nms', iou_threshold=0.5),
            max_per_img=100,
            mask_thr_binary=0.5,
        ),
    ),
)
mask_branch = dict(
    mask_roi_extractor=dict(
        roi_extractor, roi_layer=dict(type='RoIAlign', output_size=14, sampling_ratio=0)
    ),
    mask_head=dict(
        type='FCNMaskHead',
        num_classes='auto',
        num_convs=4,
        in_channels=128,
        conv_out_channels=128,
        loss_mask=dict(type='CrossEntropyLoss', use_mask=True, loss_weight=1.0),
    ),
)
