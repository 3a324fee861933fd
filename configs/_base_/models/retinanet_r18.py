# Takes backbone=_base_.expert, or a router of such.
_base_ = ['./closed_set.py', './expert_r18.py']

model = dict(
    type='RetinaNet',
    neck=_base_.fpn,
    bbox_head=dict(
        type='RetinaHead',
        num_classes='auto',
        in_channels=128,
        feat_channels=128,
        stacked_convs=4,
        norm_cfg=dict(type='GN', num_groups=16),
        anchor_generator=dict(
            type='AnchorGenerator',
            octave_base_scale=2,  # boxes of 16 pixels at stride 8
            scales_per_octave=3,
            ratios=[0.5, 1.0, 2.0],
            strides=_base_.strides,
        ),
        bbox_coder=dict(
            type='DeltaXYWHBBoxCoder',
            target_means=[0.0, 0.0, 0.0, 0.0],
            target_stds=[1.0, 1.0, 1.0, 1.0],
        ),
        loss_cls=dict(type='FocalLoss', use_sigmoid=True, gamma=2.0, alpha=0.25, loss_weight=1.0),
        loss_bbox=dict(type='L1Loss', loss_weight=1.0),
    ),
    train_cfg=dict(
        assigner=dict(type='MaxIoUAssigner', pos_iou_thr=0.5, neg_iou_thr=0.4, min_pos_iou=0),
        sampler=dict(type='PseudoSampler'),
        allowed_border=-1,
        pos_weight=-1,
        debug=False,
    ),
    test_cfg=_base_.one_stage_test_cfg,
)
