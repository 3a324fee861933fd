# Answers requests in words, from an image and its regions. The image encoder is that of a detector
# and stays as it is, as in vision-language models. Takes experts=dict(ct=_base_.expert, ...).
_base_ = ['./expert_r18.py']

model = dict(
    type='RegionTextModel',
    data_preprocessor=dict(
        type='ModalityDataPreprocessor',
        mean=[103.53, 116.28, 123.675],
        std=[57.375, 57.12, 58.395],
        bgr_to_rgb=False,
        pad_size_divisor=32,
    ),
    image_encoder=dict(
        type='ImageEncoder',
        num_maps=1,  # of stride 32: few tokens, so that regions count
        cache_size=2048,
        encoder=dict(
            type='ModalityRouter',
            experts=dict(),
            init_cfg=dict(
                type='Pretrained',
                checkpoint='work_dirs/downstream/ct_detector/epoch_36.pth',
                prefix='backbone.',
            ),
        ),
    ),
    language_model=dict(
        type='TextEncoder', name='bundled', max_tokens=64, frozen=True, cache_size=4096
    ),
    in_channels=[256],
    channels=96,
    num_memory_layers=1,
    decoder=dict(num_layers=2),
)
weights_command = 'python tools/train.py configs/downstream/ct_detector.py'
