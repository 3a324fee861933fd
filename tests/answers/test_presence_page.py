"""docs/presence.md: its example runs."""

import doctest
import re


def test_example_runs(repo_root):
    page = (repo_root / 'docs' / 'presence.md').read_text(encoding='utf-8')
    (block,) = re.findall(r'```pycon\n(.*?)```', page, re.DOTALL)
    test = doctest.DocTestParser().get_doctest(block, {}, 'block', 'presence.md', 0)
    assert doctest.DocTestRunner().run(test).failed == 0
