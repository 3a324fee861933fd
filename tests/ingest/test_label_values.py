"""Names of label values."""

import json
from pathlib import Path

import pytest

from mmdet_medglip.ingest.label_values import label_values, load_label_values


@pytest.mark.parametrize(
    ('names', 'values'),
    [
        pytest.param({'background': 0, 'liver': 1}, {'liver': (1,)}, id='nnunet-2'),
        pytest.param({'0': 'background', '1': 'liver'}, {'liver': (1,)}, id='nnunet-1-msd'),
        pytest.param({1: 'liver', 2: 'liver'}, {'liver': (1, 2)}, id='two-values-of-a-name'),
        pytest.param({'whole': [1, 2], 'core': 2}, {'whole': (1, 2), 'core': (2,)}, id='union'),
        pytest.param({'a': 3, '7': 4}, {'a': (3,), '7': (4,)}, id='number-as-a-name'),
    ],
)
def test_forms(names: dict, values: dict, tmp_path: Path) -> None:
    assert label_values(names) == values
    file = tmp_path / 'dataset.json'
    file.write_text(json.dumps({'labels': names}))
    assert load_label_values(file) == values


@pytest.mark.parametrize(
    'names', [None, {}, [1], {'a': 'b'}, {'a': -1}, {'a': True}, {'a': [1, 'x']}, {'a': 1.5}]
)
def test_bad_names(names: object, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='must'):
        label_values(names)
    file = tmp_path / 'dataset.json'
    file.write_text(json.dumps({'labels': names}))
    with pytest.raises(ValueError, match=r"dataset\.json has no usable 'labels'"):
        load_label_values(file)


@pytest.mark.parametrize('content', ['{', '[]', '{"labels": '])
def test_bad_files(content: str, tmp_path: Path) -> None:
    file = tmp_path / 'dataset.json'
    file.write_text(content)
    with pytest.raises(ValueError, match=r'dataset\.json'):
        load_label_values(file)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match='do not exist; give names'):
        load_label_values(tmp_path / 'dataset.json')
