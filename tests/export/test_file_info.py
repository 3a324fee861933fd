import pytest

from mmdet_medglip.export import FileInfo

INFO = FileInfo(
    ('Läsion', 'left "kidney"'), 'ct', 'Läsion. ...', '0.1', (1.5,) * 3, (2.0,) * 3, 32, 9, 0.1, 0.6
)


def test_text_stays_text_and_the_rest_is_json():
    properties = INFO.to_properties()
    assert properties['modality'] == 'ct'
    assert properties['phrases'] == '["Läsion", "left \\"kidney\\""]'
    assert properties['mean'] == '[1.5, 1.5, 1.5]'
    assert all(isinstance(value, str) for value in properties.values())


def test_what_was_written_is_read_again():
    assert FileInfo.from_properties(INFO.to_properties() | {'author': 'x'}) == INFO


def test_missing_names_are_listed():
    properties = INFO.to_properties()
    del properties['mean'], properties['phrases']
    with pytest.raises(ValueError, match=r'lack phrases, mean; .*tools/export_onnx\.py'):
        FileInfo.from_properties(properties)
