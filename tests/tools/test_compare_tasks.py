import pytest

from mmdet_medglip.engine.task_comparison import FILE_NAME, Comparison, write_comparison
from mmdet_medglip.evaluation.functional import TaskChange


@pytest.fixture
def compare(load_tool, monkeypatch):
    def run(*arguments: str) -> None:
        monkeypatch.setattr('sys.argv', ['compare_tasks.py', *arguments])
        load_tool('compare_tasks.py').main()

    return run


def test_work_folders_become_one_table(compare, tmp_path, capsys):
    for name, after in (('lora', 0.5), ('probe', 0.25)):
        (tmp_path / name).mkdir()
        changes = [TaskChange('new', 'coco/AP50', 0.125, after)]
        write_comparison(tmp_path / name / FILE_NAME, Comparison('b', name, 10, 1, changes))
    compare(str(tmp_path / 'lora'), str(tmp_path / 'probe'))
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ['lora', '1', '0.125', '0.500', '+0.375'] in lines
    assert ['probe', '1', '0.125', '0.250', '+0.125'] in lines


def test_a_folder_without_a_comparison_is_one_error(compare, tmp_path):
    with pytest.raises(SystemExit, match=r'error: There is no .*task_comparison\.json'):
        compare(str(tmp_path))
