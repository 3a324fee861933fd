# As medglip.py with one encoder for all modalities, which is GLIP's architecture.
_base_ = './medglip.py'

model = dict(
    backbone=dict(experts=dict(_delete_=True, shared=_base_.expert), unknown='shared'),
)
