# MMDetection's Grounding DINO at the default size.
_base_ = ['./grounding_dino.py', './expert_r18.py']

narrow = dict(ffn_cfg=dict(feedforward_channels=512))

model = dict(
    num_queries=100,
    data_preprocessor=dict(
        type='DetDataPreprocessor',
        mean=[103.53, 116.28, 123.675],
        std=[57.375, 57.12, 58.395],
        bgr_to_rgb=False,
        pad_size_divisor=32,
    ),
    neck=dict(in_channels=[64, 128, 256]),
    encoder=dict(
        num_layers=2,
        layer_cfg=narrow,
        text_layer_cfg=narrow,
        fusion_layer_cfg=dict(embed_dim=256),
    ),
    decoder=dict(num_layers=2, layer_cfg=narrow),
    test_cfg=dict(max_per_img=100),
)
