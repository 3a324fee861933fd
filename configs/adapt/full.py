# All weights, the image experts at a tenth of the rate.
_base_ = '../_base_/adaptation.py'

adaptation = dict(type='FullFineTuning')
optim_wrapper = dict(
    optimizer=dict(lr=2e-4),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1))),
)
