import pytest

from mmdet_medglip.pages import Badge, Link, Page, Section, Table, html_page, markdown_page


@pytest.mark.parametrize(
    ('url', 'linked'),
    [
        ('https://example.org/a?b=c&d', True),
        ('http://example.org', True),
        ('javascript:alert(1)', False),
        ('data:text/html,x', False),
        ('https://', False),
        ('http://[', False),
        ('example.org', False),
    ],
)
def test_only_web_addresses_are_linked(url: str, linked: bool) -> None:
    page = Page('c', 'n', [Section('s', tables=[Table(('url',), [(Link(url),)])])])
    assert ('href="http' in html_page(page)) is linked
    assert 'href="javascript' not in html_page(page)


def test_cells() -> None:
    rows = [(1234567, 0.12345, None, float('nan'), 'a\n|b_', 'x_y')]
    page = markdown_page(Page('c', 'n', [Section('s', tables=[Table('abcdef', rows)])]))
    assert '| 1,234,567 | 0.1235 | - | - | a \\|b\\_ | x_y |' in page


@pytest.mark.parametrize(
    ('tone', 'markdown'),
    [
        pytest.param('good', '| a\\|&lt;b&gt; |', id='good'),
        pytest.param('bad', '| **a\\|&lt;b&gt;** |', id='bad is bold'),
    ],
)
def test_badges(tone: str, markdown: str) -> None:
    page = Page('c', 'n', [Section('s', tables=[Table(('verdict',), [(Badge('a|<b>', tone),)])])])
    assert markdown in markdown_page(page)
    assert f'<span class="badge {tone}">a|&lt;b&gt;</span>' in html_page(page)
