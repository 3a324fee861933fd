# GLIP-T's size: Swin-T experts, BERT-base, six fusion blocks.
_base_ = './grounding.py'

expert = dict(
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
)
modalities = ('ct', 'mri', 'xray', 'ultrasound', 'endoscopy', 'dermoscopy', 'fundus')
all_experts = {modality: expert for modality in modalities}

model = dict(
    type='MedGLIP',
    language_model=dict(type='TextEncoder', name='bert-base-uncased', max_tokens=256),
    backbone=dict(type='ModalityRouter', experts=dict()),
    neck=dict(
        type='LanguageFusedFPN',
        in_channels=[192, 384, 768],
        out_channels=256,
        text_channels=768,
        num_blocks=6,
        fusion=dict(embed_channels=2048, num_heads=8),
        text_layer=dict(num_attention_heads=12, intermediate_size=3072),
        deformable=True,
    ),
    bbox_head=dict(type='MedGroundingHead', in_channels=256, text_channels=768),
)

# Made from MMDetection's GLIP-T by tools/model_converters/glip_to_medglip.py.
load_from = 'checkpoints/medglip_glip-t.pth'
weights_command = (
    'python tools/model_converters/glip_to_medglip.py checkpoints/glip_tiny_mmdet-c24ce662.pth '
    'checkpoints/medglip_glip-t.pth'
)
