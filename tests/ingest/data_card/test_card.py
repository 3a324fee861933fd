import re
from pathlib import Path
from typing import NamedTuple

import pytest
from PIL import Image

from mmdet_medglip.ingest.data_card import write_data_card
from mmdet_medglip.ingest.data_card.mosaics import file_stem
from mmdet_medglip.ingest.rejects import Reject, write_rejects
from mmdet_medglip.store import GroundingStore

from .conftest import EVIL, card_records


class Written(NamedTuple):
    """What came of writing a card."""

    root: Path
    steps: list[str]
    markdown: str
    html: str


@pytest.fixture(scope='module')
def store(make_store) -> GroundingStore:
    made = make_store(card_records())
    rejects = [
        Reject('scans', 'x.png', 'read', 'image cannot be read', EVIL),
        Reject('scans', 'y.png', 'labels', 'name has no label', 'thing', 4),
    ]
    write_rejects(made.root / 'rejects.parquet', rejects)
    return made


@pytest.fixture(scope='module')
def written(store: GroundingStore) -> Written:
    """The store with its card, and the steps of writing it."""
    steps: list[str] = []
    assert write_data_card(store.root, on_step=steps.append) == store.root / 'data_card.md'
    pages = [store.root / f'data_card.{kind}' for kind in ('md', 'html')]
    return Written(store.root, steps, *(page.read_text(encoding='utf-8') for page in pages))


def _files(root: Path) -> dict[str, bytes]:
    pages = [root / 'data_card.md', root / 'data_card.html']
    files = pages + sorted((root / 'card').iterdir())
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def test_card_of_a_store(written: Written) -> None:
    root, text = written.root, written.markdown
    assert '| ct | 4 | 2 | 1 | 1 | 5 | 1 | 2 |' in text
    assert '| train | 4 | 22 | 4 |' in text
    assert 'Patients with images in more than one split: 1. This is an error' in text
    assert 'near_duplicate_across_splits): 1 (1 in val).' in text
    assert '| labels | name has no label | scans | 4 | y.png: thing |' in text
    assert '5 images or regions were left out' in text
    assert 'not a medical device' in text
    assert not re.search(r'\de[+-]\d', text)
    assert 'drawing liver' in written.steps
    for name in re.findall(r'\]\((card/[^)]*)\)', text):
        assert Image.open(root / name).size[0] > 0
    shown = {path.stem for path in (root / 'card').iterdir()}
    assert {'modality-ct', 'label-liver', 'flag-tiny_box', 'negative', 'rejects'} <= shown
    assert not [p for p in root.iterdir() if 'partial' in p.name]


def test_the_same_store_gives_the_same_bytes(make_store) -> None:
    store = make_store(card_records())
    write_data_card(store.root, per_modality=3, per_label=1)
    first = _files(store.root)
    (store.root / 'card' / 'stray.png').write_bytes(b'')
    write_data_card(store.root, per_modality=3, per_label=1)
    assert _files(store.root) == first


def test_html_holds_its_pictures_and_escapes_text(written: Written) -> None:
    page = written.html
    assert '<script' not in page
    assert '&lt;script&gt;' in page
    sources = re.findall(r'src="([^"]{22})', page)
    assert len(sources) > 10
    assert {source[:11] for source in sources} == {'data:image/'}
    assert not re.findall(r'(?:href|src)="(?!data:image/|https?://)', page)
    assert "default-src 'none'" in page


def test_markdown_escapes_text(written: Written) -> None:
    text = written.markdown
    assert '<script' not in text
    assert not re.search(r'(?<!\\)\]\(javascript', text)
    rows = [line for line in text.splitlines() if line.startswith('| &lt;script')]
    assert rows and all(len(re.findall(r'(?<!\\)\|', row)) in (3, 5, 6, 12) for row in rows)
    assert '## Samples' in text


def test_an_empty_store_has_a_card(make_store) -> None:
    root = make_store([]).root
    text = write_data_card(root).read_text(encoding='utf-8')
    assert '| images | 0 |' in text


def test_a_missing_image_is_an_error_and_the_old_card_stays(make_store) -> None:
    store = make_store(card_records()[:1])
    write_data_card(store.root, per_modality=1, per_label=0)
    before = _files(store.root)
    for record in store:
        store.image_path(record).unlink()
    with pytest.raises(FileNotFoundError, match='does not exist'):
        write_data_card(store.root)
    assert _files(store.root) == before


@pytest.mark.parametrize('name', ['liver', 'a/b', 'a b', '../x', 'ü' * 90, ''])
def test_file_names_are_safe_and_differ(name: str) -> None:
    stem = file_stem('label', name)
    assert re.fullmatch(r'[A-Za-z0-9_-]{1,90}', stem)
    assert file_stem('label', 'a/b') != file_stem('label', 'a b')


def test_real_names_give_plain_files() -> None:
    assert file_stem('label', 'kidney_left') == 'label-kidney_left'
