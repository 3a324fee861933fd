# Updates of rank 8 of neck and head.
_base_ = '../_base_/adaptation.py'

adaptation = dict(type='LoRA', targets=['neck', 'bbox_head'], rank=8, alpha=16, save='adapted')
