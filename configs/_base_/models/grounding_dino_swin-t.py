# MM-Grounding-DINO-T, from MMDetection's own checkpoint.
_base_ = './grounding_dino.py'

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
    backbone=dict(
        type='SwinTransformer',
        embed_dims=96,
        depths=[2, 2, 6, 2],
        num_heads=[3, 6, 12, 24],
        window_size=7,
        mlp_ratio=4,
        qkv_bias=True,
        drop_path_rate=0.2,
        patch_norm=True,
        out_indices=(1, 2, 3),
        convert_weights=False,
    ),
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
