# GLIP-T's size: Swin-T experts, BERT-base, six fusion blocks.
_base_ = ['./grounding.py', './expert_swin-t.py']

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
