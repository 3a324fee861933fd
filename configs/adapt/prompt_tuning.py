# An offset of the token features of each new phrase.
_base_ = '../_base_/adaptation.py'

adaptation = dict(type='PromptTuning', save='adapted')
optim_wrapper = dict(optimizer=dict(lr=5e-2, weight_decay=0.0))
