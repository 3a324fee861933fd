# The image encoder of the default size: what every detector to compare with has as well.

# A narrow ResNet-18 with group normalisation: no running statistics that ranks or small batches
# of one modality could skew.
expert = dict(
    type='ResNet',
    depth=18,
    base_channels=32,
    out_indices=(1, 2, 3),
    norm_cfg=dict(type='GN', num_groups=16),
    norm_eval=False,
)
modalities = ('ct', 'mri', 'xray', 'ultrasound', 'endoscopy', 'dermoscopy', 'fundus')
all_experts = {modality: expert for modality in modalities}
