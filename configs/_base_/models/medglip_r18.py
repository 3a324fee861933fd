# Default size: trains from scratch on a CPU or one GPU, with the bundled text encoder.
_base_ = ['./grounding.py', './expert_r18.py']

model = dict(
    type='MedGLIP',
    data_preprocessor=dict(type='ModalityDataPreprocessor', channels_last=True),
    language_model=dict(type='TextEncoder', name='bundled', max_tokens=256, frozen=True),
    backbone=dict(type='ModalityRouter', experts=dict()),
    neck=dict(
        type='LanguageFusedFPN',
        in_channels=[64, 128, 256],
        out_channels=128,
        text_channels=384,
        num_blocks=2,
        fusion=dict(embed_channels=256, num_heads=4),
        text_layer=dict(num_attention_heads=6, intermediate_size=768),
        deformable=False,
    ),
    bbox_head=dict(
        type='MedGroundingHead',
        in_channels=128,
        text_channels=384,
        anchor_generator=dict(octave_base_scale=2),  # boxes of 16 pixels at stride 8
    ),
)
