"""The Python of docs/export.md runs as it stands."""

import re
import shutil

import cv2

from tests.export.detectors import make_images


def test_python_of_the_page_runs(exported, repo_root, tmp_path, monkeypatch, capsys):
    shutil.copy(exported.path, tmp_path / 'ct.onnx')
    image = make_images((160, 128))[0]
    cv2.imwrite(str(tmp_path / 'slice.png'), image)
    monkeypatch.chdir(tmp_path)
    page = (repo_root / 'docs' / 'export.md').read_text()
    first, second = re.findall(r'```python\n(.*?)```', page, re.DOTALL)
    names: dict = {}
    exec(first, names)
    lines = capsys.readouterr().out.splitlines()
    (found,) = exported.detector([image])
    assert len(found) == 60
    assert [line.rpartition(' [')[0].rpartition(' ')[0] for line in lines] == list(found.phrases)
    exec(second, names)
    assert repr(found.phrases) in capsys.readouterr().out
    assert len(names['found']) > 0
