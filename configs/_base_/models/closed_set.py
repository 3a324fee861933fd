# What MMDetection's detectors share at the default size; what is MedGLIP's too is equal to it.
model = dict(
    data_preprocessor=dict(
        type='DetDataPreprocessor',
        mean=[103.53, 116.28, 123.675],
        std=[57.375, 57.12, 58.395],
        bgr_to_rgb=False,
        pad_size_divisor=32,
    ),
)
strides = [8, 16, 32, 64, 128]
fpn = dict(
    type='FPN',
    num_outs=5,
    add_extra_convs='on_output',
    relu_before_extra_convs=True,
    in_channels=[64, 128, 256],
    out_channels=128,
)
one_stage_test_cfg = dict(
    nms_pre=1000,
    min_bbox_size=0,
    score_thr=0.05,
    nms=dict(type='nms', iou_threshold=0.6),
    max_per_img=100,
)
