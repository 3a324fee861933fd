import json
import re

import pytest
from PIL import Image

from mmdet_medglip.benchmark import analysis
from mmdet_medglip.benchmark.cost import EntryCost
from mmdet_medglip.benchmark.leakage import ImagePair, Leakage
from mmdet_medglip.benchmark.report import summary_table, write_report
from mmdet_medglip.store import GroundingStore

from .conftest import EVIL, finish, results_of

CLEAN = Leakage(8, 12, 4, (), (), (), 0)


@pytest.fixture
def written(suite, runs, stores, monkeypatch):
    """Report of a suite: 'half' finds every second image, the others all; one seed is missing."""
    cost = EntryCost(3_000_000, 2_500_000, {'ct': 1_500_000, 'xray': 2_000_000}, 10**9)
    monkeypatch.setattr(analysis, 'entry_cost', lambda config, modalities: cost)
    store = GroundingStore(stores['here'])
    for run in runs:
        if run.lack or run.name == 'all seed 1':
            continue
        right = (lambda number: number % 2 == 0) if run.entry.name == 'half' else bool
        finish(run, results_of(store, (lambda number: True) if right is bool else right))
    out = runs[0].folder.parents[2]
    failed = {'all seed 1': f'no memory {EVIL}'}
    found = write_report(suite, runs, stores, CLEAN, out, failed=failed, repeats=20)
    return out, found


def test_figures_of_the_report(written):
    out, _ = written
    content = json.loads((out / 'results.json').read_text())
    by_name = {entry['name']: entry for entry in content['entries']}
    assert list(by_name) == ['half', 'all', 'foreign', 'tuned']
    assert {name: entry['kind'] for name, entry in by_name.items()} == {
        'half': 'from scratch',
        'all': 'from scratch',
        'foreign': 'zero-shot',
        'tuned': 'fine-tuned',
    }
    assert by_name['all']['scores']['ap50']['macro']['value'] == pytest.approx(1.0)
    assert by_name['all']['scores']['difference']['macro']['value'] == pytest.approx(
        1 - by_name['half']['scores']['ap50']['macro']['value']
    )
    assert by_name['all']['seeds'] == [0]
    assert by_name['half']['scores']['difference'] is None
    # 4 test images of each modality; ct has two boxes, xray one; half of them are elsewhere.
    errors = by_name['half']['errors'][0]
    assert (errors['correct'], errors['missed'], errors['truth']) == (6, 6, 12)
    assert [training['data'] for training in by_name['tuned']['trainings']] == ['there', 'here']
    assert sum(training['images'] for training in by_name['tuned']['trainings']) == 480
    assert content['test'] == {'images': {'ct': 4, 'xray': 4}, 'patients': 4}
    assert set(content['not_run']) == {'all seed 1', 'lacking seed 0', 'lacking seed 1'}
    assert by_name['all']['froc']['all'] == pytest.approx([1.0] * 7)


def test_pages_name_everything_and_escape_it(written):
    out, _ = written
    page, text = (out / 'report.html').read_text(), (out / 'report.md').read_text()
    for content in (page, text):
        assert '<script' not in content
        assert 'from scratch' in content and 'zero-shot' in content and 'fine-tuned' in content
        assert '1.50 to 2.00 M' in content
        assert 'there for 3 epochs, then here for 3 epochs' in content
        assert 'no memory' in content
    assert not re.findall(r'(?:href|src)="(?!data:image/)', page)
    assert "default-src 'none'" in page
    pictures = re.findall(r'\]\((pictures/[^)]*)\)', text)
    assert len(pictures) == 5 + 2 * 3
    for name in pictures:
        assert min(Image.open(out / name).size) > 50
    assert not [row for row in text.splitlines() if row.startswith('|') and row.count('$x$') > 0]


def test_the_console_shows_what_ran_and_what_did_not(written):
    table = summary_table(written[1])
    assert table.row_count == 4 + 3


def test_leakage_is_in_the_report(suite, runs, stores, tmp_path):
    pair = ImagePair('test image', EVIL, 'here/train')
    leakage = Leakage(8, 12, 4, ('somebody',), (pair,), (pair,) * 30, 2)
    found = write_report(suite, runs, stores, leakage, tmp_path / 'report', repeats=5)
    assert found.entries == []
    text = (tmp_path / 'report' / 'report.md').read_text()
    assert 'This is leakage' in text
    assert 'somebody' in text
    assert 'The first 12 of 30.' in text
    assert '2 images have no fingerprint' in text
    assert (tmp_path / 'report' / 'report.html').is_file()


def test_results_of_other_code_are_said_to_be(suite, runs, stores, monkeypatch):
    store = GroundingStore(stores['here'])
    run = runs[0]
    run.test_parts['test code'] = 'old'
    finish(run, results_of(store, lambda number: True))
    run.test_parts['test code'] = 'new'
    cost = EntryCost(1, 1, {'ct': 1, 'xray': 1}, 1)
    monkeypatch.setattr(analysis, 'entry_cost', lambda config, modalities: cost)
    out = run.folder.parents[2]
    write_report(suite, runs, stores, CLEAN, out, repeats=5)
    assert '| half | test code |' in (out / 'report.md').read_text()
