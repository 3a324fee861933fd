# Requests about the images of a store, which are loaded once: nothing is changed at random.
data_root = 'data/demo_questions/store/'
image_size = (256, 256)  # width, height in pixels

pipeline = [
    dict(type='LoadMedImage'),
    dict(type='LoadRegions'),
    dict(type='IntensityWindow'),
    dict(type='Resize', scale=image_size, keep_ratio=True),
    dict(type='Pad', size=image_size),
    dict(type='PackRegionInputs'),
]
dataset = dict(
    type='RegionTextDataset',
    data_root=data_root,
    regions=dict(source='predicted', predicted='questions/predicted.npz'),
    pipeline=pipeline,
    keep_images=True,
)
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dataset,
)
test_dataloader = dict(
    batch_size=16,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(dataset, test_mode=True),
)
val_dataloader = test_dataloader
