# The detector whose boxes answer questions about another store: medglip/ct.py on other patients.
_base_ = '../medglip/ct.py'

data_root = 'data/demo_detector/store/'
of_store = dict(data_root=data_root)
train_dataloader = dict(dataset=of_store)
val_dataloader = dict(dataset=of_store)
test_dataloader = dict(dataset=of_store)
