# For a detector that trains its language model with the rest: here it stays as it is.
_base_ = './adamw_36e.py'

optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys={'language_model': dict(lr_mult=0.0, decay_mult=0.0)})
)
