# The image encoder of GLIP-T's size: what every detector to compare with has as well.

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
