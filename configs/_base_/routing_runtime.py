# The classifier of modalities gets its bounds after each epoch and serves the test pipeline.
_base_ = './default_runtime.py'

custom_hooks = [*_base_.custom_hooks, dict(type='ModalityRoutingHook')]
