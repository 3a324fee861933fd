# MM-Grounding-DINO-T, from MMDetection's own checkpoint.
_base_ = ['./grounding_dino.py', './expert_swin-t.py']

wide = dict(ffn_cfg=dict(feedforward_channels=2048))

model = dict(
    num_queries=900,
    data_preprocessor=dict(
        type='DetDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_mask=False,
    ),
    backbone=_base_.expert,
    neck=dict(in_channels=[192, 384, 768]),
    encoder=dict(
        num_layers=6,
        layer_cfg=wide,
        text_layer_cfg=dict(ffn_cfg=dict(feedforward_channels=1024)),
        fusion_layer_cfg=dict(embed_dim=1024),
    ),
    decoder=dict(num_layers=6, layer_cfg=wide),
    test_cfg=dict(max_per_img=100),
)
