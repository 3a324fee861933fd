# The head alone.
_base_ = '../_base_/adaptation.py'

adaptation = dict(type='LinearProbe', save='adapted')
