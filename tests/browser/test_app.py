"""The routes, without a network."""

import json

import pytest

pytest.importorskip('starlette', reason='the browser demo is not installed: pip install starlette')
pytest.importorskip('httpx', reason='starlette tests its routes with it: pip install httpx')
from starlette.testclient import TestClient

from mmdet_medglip.browser.app import make_app
from mmdet_medglip.browser.server import address_of, hosts_of, is_loopback
from tests.browser.conftest import asked, png

HOSTS = hosts_of('127.0.0.1')


@pytest.fixture
def client(service):
    with TestClient(make_app(service, HOSTS), base_url='http://127.0.0.1:7860') as one:
        yield one


@pytest.fixture
def begun(client) -> dict[str, str]:
    """Headers of a session."""
    return {'X-MedGLIP-Session': client.post('/api/begin').json()['session']}


@pytest.mark.parametrize('path', ['/', '/page.css', '/page.js', '/panel.js', '/server.js'])
def test_the_page_may_load_from_this_server_alone(client, path):
    response = client.get(path)
    assert response.status_code == 200
    policy = response.headers['content-security-policy']
    assert "default-src 'none'" in policy
    assert 'http' not in policy
    assert response.headers['x-content-type-options'] == 'nosniff'
    assert response.headers['cache-control'] == 'no-store'
    for scheme in ('https:', '//cdn', 'url(', '@import'):
        assert scheme not in response.text
    if path == '/':
        assert 'Not for clinical use' in response.text


@pytest.mark.parametrize(
    'path',
    ['/app.py', '/../app.py', '/%2e%2e/app.py', '/page/page.js', '/etc/passwd', '//etc/passwd'],
)
def test_no_other_file_is_given(client, path):
    assert client.get(path).status_code == 404


def test_from_upload_to_download(client, begun):
    assert client.post('/api/upload', headers=begun).status_code == 204
    name = {'X-File-Name': 'K%C3%B6rper%20%3Cb%3E.png'}
    assert client.post('/api/file', content=png(), headers=begun | name).json() == {
        'name': 'Körper <b>.png'
    }
    assert client.post('/api/open', json=asked(), headers=begun).json()['slices'] == 1
    view = client.post('/api/view', json=asked(), headers=begun)
    assert view.headers['content-type'] == 'image/png'
    assert json.loads(view.headers['x-medglip-view'])['name'] == 'Körper <b>.png'
    told = asked(prompt='liver', score_thr=0.1)
    (answer,) = client.post('/api/predict', json=told, headers=begun).json()['answers']
    query = '/api/download?model=first&kind='
    file = client.get(query + 'json', headers=begun)
    assert file.json()['results'] == [answer['result']]
    assert file.headers['content-disposition'] == 'attachment; filename="medglip_predictions.json"'
    assert client.get(query + 'png').status_code == 410  # without the session
    heat = client.post('/api/heat-maps?model=first', json=told, headers=begun)
    assert heat.content[:4] == b'\x89PNG'
    # As a page that closes says it.
    token = begun['X-MedGLIP-Session']
    assert client.post('/api/end', content=token).status_code == 204
    refused = client.post('/api/view', json=asked(), headers=begun)
    assert refused.status_code == 410
    assert 'reload the page' in refused.json()['error']


def test_a_file_of_another_kind_is_refused(client, begun):
    client.post('/api/upload', headers=begun)
    answer = client.post('/api/file', content=b'MZ', headers=begun | {'X-File-Name': 'a.exe'})
    assert answer.status_code == 415
    assert 'of no kind that is read' in answer.json()['error']


@pytest.mark.parametrize(
    ('content', 'status', 'message'),
    [
        pytest.param(b'{', 400, 'no JSON', id='half an object'),
        pytest.param(b'\xff', 400, 'no JSON', id='no text'),
        pytest.param(b'[' * 90_000, 400, 'no JSON', id='deep'),
        pytest.param(b'1' * 100_001, 413, 'over 100000 bytes', id='large'),
    ],
)
def test_a_request_that_is_no_question(client, begun, content, status, message):
    answer = client.post('/api/predict', content=content, headers=begun)
    assert answer.status_code == status
    assert message in answer.json()['error']


def test_pages_of_other_sites_are_refused(client, service):
    before = len(service.sessions)
    answer = client.post('/api/begin', headers={'Sec-Fetch-Site': 'cross-site'})
    assert answer.status_code == 403
    assert client.get('/', headers={'Host': 'evil.example'}).status_code == 400
    assert len(service.sessions) == before


def test_all_files_go_when_the_server_ends(service, tmp_path):
    with TestClient(make_app(service, HOSTS), base_url='http://localhost') as client:
        client.post('/api/begin')
        assert service.sessions.folder.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_hosts_that_are_answered():
    assert hosts_of('127.0.0.1', ['demo.org']) == ['localhost', '127.0.0.1', '[::1]', 'demo.org']
    assert hosts_of('0.0.0.0') == ['*']
    assert hosts_of('0.0.0.0', ['demo.org']) == ['demo.org']
    assert is_loopback('127.0.0.5') and is_loopback('::1') and is_loopback('localhost')
    assert not is_loopback('0.0.0.0') and not is_loopback('example.org')
    assert address_of('::1', 80) == 'http://[::1]:80/'
