"""The page in a real browser without a network."""

import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmdet_medglip.browser.app import make_app
from mmdet_medglip.browser.server import hosts_of
from tests.browser.conftest import nifti

pytest.importorskip('starlette', reason='the browser demo is not installed: pip install starlette')
uvicorn = pytest.importorskip('uvicorn', reason='no server: pip install uvicorn')
playwright = pytest.importorskip(
    'playwright.sync_api', reason='no Playwright: pip install playwright'
)

pytestmark = pytest.mark.slow
CHROMIUM = next(
    filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None
)
MINUTE = 60_000


@pytest.fixture
def address(make_service, shared_model) -> Iterator[str]:
    service = make_service(shared_model)
    listening = socket.create_server(('127.0.0.1', 0))
    config = uvicorn.Config(make_app(service, hosts_of('127.0.0.1')), log_level='error')
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    yield f'http://127.0.0.1:{listening.getsockname()[1]}/'
    server.should_exit = True
    thread.join(30)
    assert not thread.is_alive()


@pytest.fixture
def page(address) -> Iterator[object]:
    if CHROMIUM is None:
        pytest.skip('there is no Chromium on the path: apt-get install chromium')
    with playwright.sync_playwright() as driver:
        # Names other than this machine's are not resolved, so whatever lies elsewhere is missing.
        rules = '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1'
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=['--no-sandbox', '--disable-gpu', rules]
        )
        one = browser.new_page(viewport={'width': 1360, 'height': 900})
        one.set_default_timeout(MINUTE)
        one.said, one.asked = [], []
        one.on('console', lambda message: one.said.append(message.text))
        one.on('pageerror', lambda error: one.said.append(str(error)))
        one.on('request', lambda request: one.asked.append(request.url))
        one.goto(address)
        one.wait_for_selector('.caption:not(:empty)')
        yield one
        browser.close()


def test_from_demo_image_to_download_and_upload(page, address, tmp_path):
    assert 'Not for clinical use' in page.inner_text('.notice')
    assert page.locator('#sample option').count() == 3
    assert 'ct phantom.nii.gz#' in page.inner_text('.caption >> nth=0')

    page.fill('#prompt', 'liver, spleen, no cyst')
    page.fill('#threshold', '0.05')
    page.click('#ask')
    page.wait_for_selector('table.phrases >> nth=1')
    assert page.inner_text('table.phrases >> nth=0').split('\n')[0].startswith('Phrase')
    assert page.locator('.picture >> nth=0 >> rect.halo').count() > 0
    assert 'cyst' in page.inner_text('.negated >> nth=0')
    assert [one.split()[0] for one in page.locator('.panel h2').all_inner_texts()] == [
        'first',
        'other',
    ]

    # A line of the list shows its own boxes; one without boxes leaves all.
    for row in page.locator('.panel >> nth=0 >> table.phrases tbody tr').all():
        row.hover()
        own = page.locator(f'.panel >> nth=0 >> rect[data-name={row.get_attribute("data-name")}]')
        dimmed = page.locator('.panel >> nth=0 >> rect.dimmed').count()
        everything = page.locator('.panel >> nth=0 >> rect').count()
        assert dimmed == (everything - own.count() if own.count() else 0)

    with page.expect_download() as started:
        page.click('[data-kind=json] >> nth=0')
    results = json.loads(Path(started.value.path()).read_text())['results']
    assert [one['phrase'] for one in results[0]['phrases']] == ['liver', 'spleen', 'cyst']
    drawn = page.locator('.panel >> nth=0 >> rect.halo').count()
    assert drawn == len(results[0]['boxes'])

    # Another slice and window are shown and asked about without another click.
    page.fill('#slice', '0')
    page.fill('#width', '1000')
    page.wait_for_selector('.caption:has-text("#0") >> nth=0')
    page.wait_for_selector('.picture.stale', state='detached')
    assert page.input_value('#window') == 'custom'
    assert 'black -460, white 540' in page.inner_text('.caption >> nth=0')

    volume = tmp_path / '<img src=x onerror=alert(1)>.nii'
    volume.write_bytes(nifti())
    page.set_input_files('#files', str(volume))
    page.wait_for_selector('#slice[max="3"]')
    page.wait_for_selector('#trouble:has-text("choose it in the list")')
    page.select_option('#modality', 'ct')
    page.wait_for_selector('.caption:has-text("onerror") >> nth=0')
    assert page.locator('.caption img').count() == 0
    wrong = tmp_path / 'a.txt'
    wrong.write_text('x')
    page.set_input_files('#files', str(wrong))
    page.wait_for_selector('#trouble:has-text("a.txt is of no kind that is read")')

    elsewhere = [url for url in page.asked if not url.startswith((address, 'blob:', 'data:'))]
    assert elsewhere == []
    assert [text for text in page.said if '415' not in text and '422' not in text] == []


def test_a_narrow_page_fits_and_closing_it_removes_the_files(page, make_service, tmp_path):
    page.set_viewport_size({'width': 390, 'height': 844})
    assert page.evaluate('document.documentElement.scrollWidth') == 390
    (folder,) = tmp_path.glob('medglip-browser-*')
    own = [path for path in folder.iterdir() if path.name != 'samples']
    assert len(own) == 1
    page.goto('about:blank')
    end = time.monotonic() + 20
    while own[0].exists() and time.monotonic() < end:
        page.wait_for_timeout(100)
    assert not own[0].exists()
