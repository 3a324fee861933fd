# The classifier of modalities gets its bounds after each epoch and serves the test pipeline.
_base_ = './default_runtime.py'

custom_hooks = [
    dict(type='CheckpointMatchHook'),
    dict(type='TrainableParametersHook'),
    dict(type='ModalityRoutingHook'),
]
