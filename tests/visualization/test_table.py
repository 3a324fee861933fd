import pytest

from mmdet_medglip.visualization import render_table


def test_numbers_are_aligned_and_nan_is_a_dash():
    rows = [['all', 12345, 0.5], ['ct', 7, float('nan')]]
    text = render_table('Title', ['name', 'n', 'AP'], rows)
    lines = text.splitlines()
    assert lines[:2] == ['', 'Title']
    assert ['all', '12,345', '0.500'] in [line.split() for line in lines]
    assert ['ct', '7', '-'] in [line.split() for line in lines]


def test_names_with_brackets_print_as_they_are():
    assert '[red]x' in render_table('t', ['name'], [['[red]x']])


def test_no_rows_is_a_heading():
    assert 'name' in render_table('t', ['name'], [])


def test_a_short_row_is_refused():
    with pytest.raises(ValueError, match=r"2 cells in a table row, got \['a'\]"):
        render_table('t', ['x', 'y'], [['a']])
