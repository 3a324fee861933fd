# GLIP-T (kind B: deep fusion). load_from = 'checkpoints/glip_tiny_mmdet-c24ce662.pth'
weights_command = (
    'mim download mmdet --config glip_atss_swin-t_fpn_dyhead_pretrain_obj365-goldg-cc3m-sub '
    '--dest checkpoints'
)
