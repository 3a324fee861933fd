"""A few hundred requests to a real server on loopback: bounded, flat, and clean behind."""

import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from mmdet_medglip.browser.server import run_server
from tests.browser.conftest import asked, nifti, png

pytest.importorskip('uvicorn', reason='the browser demo is not installed: pip install uvicorn')
httpx = pytest.importorskip('httpx', reason='pip install httpx')

GROWTH_MB = 40
"""What resident memory may grow by after the first 60 sessions: a tenth of what pixels and answers
of 200 sessions would take if each were kept (the volume alone is 10 MB a session in float32)."""
SHAPE = (160, 160, 100)


def resident_mb():
    with open('/proc/self/statm') as file:
        return int(file.read().split()[1]) * os.sysconf('SC_PAGE_SIZE') / 1e6


@pytest.fixture
def serve(make_service):
    """Serve a demo at a port of loopback; ``serve(**limits)`` gives service and address."""
    threads = []

    def start(**limits):
        import uvicorn

        service = make_service(**limits)
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            port = free.getsockname()[1]
        servers = []
        real = uvicorn.Server.run

        def run(self, sockets=None):
            self.install_signal_handlers = lambda: None
            servers.append(self)
            real(self, sockets=sockets)

        uvicorn.Server.run = run
        thread = threading.Thread(target=run_server, args=(service, '127.0.0.1', port))
        thread.start()
        threads.append((thread, servers))
        address = f'http://127.0.0.1:{port}'
        for _ in range(200):
            try:
                httpx.get(address)
                break
            except httpx.TransportError:
                time.sleep(0.05)
        uvicorn.Server.run = real
        return service, address

    yield start
    for thread, servers in threads:
        servers[0].should_exit = True
        thread.join(timeout=30)


def session(address, number, volume):
    """Upload, look, ask and leave; gives the statuses of all requests."""
    statuses = []
    with httpx.Client(base_url=address, timeout=120) as client:

        def post(path, **given):
            answer = client.post(path, **given)
            statuses.append(answer.status_code)
            if answer.status_code >= 400:
                assert answer.json()['error'].endswith('.')
            return answer

        begun = post('/api/begin')
        if begun.status_code != 200:
            return statuses
        headers = {'X-MedGLIP-Session': begun.json()['session']}
        post('/api/upload', headers=headers)
        name, content = ('ct.nii', volume) if number % 5 == 0 else ('a.png', png(seed=number))
        post('/api/file', content=content, headers=headers | {'X-File-Name': name})
        post('/api/open', json=asked(), headers=headers)
        post('/api/view', json=asked(), headers=headers)
        post('/api/predict', json=asked(prompt='liver', score_thr=0.1), headers=headers)
        post('/api/end', headers=headers)
    return statuses


@pytest.mark.slow
def test_memory_is_flat_and_nothing_stays(serve, tmp_path):
    service, address = serve(sessions=4, waiting=2)
    volume = nifti(SHAPE)
    with ThreadPoolExecutor(3) as pool:
        told = list(pool.map(lambda n: session(address, n, volume), range(60)))
        before = resident_mb()
        told += pool.map(lambda n: session(address, n, volume), range(60, 200))
    grown = resident_mb() - before
    statuses = [status for one in told for status in one]
    assert len(statuses) > 600
    assert set(statuses) <= {200, 204, 503}
    assert statuses.count(503) < 0.5 * len(statuses)
    assert grown < GROWTH_MB
    assert len(service.sessions) == 0
    assert sorted(path.name for path in service.sessions.folder.iterdir()) == ['samples']


def test_more_at_once_are_told_to_come_again(serve, monkeypatch):
    """Of many questions at the same moment, those that have no place get 503 and a sentence."""
    service, address = serve(sessions=12, waiting=2)
    tokens = [service.begin()['session'] for _ in range(12)]
    inside, go = [], threading.Event()
    real = service._image

    def slow(study, question):
        inside.append(question)
        go.wait(30)
        return real(study, question)

    monkeypatch.setattr(service, '_image', slow)

    def ask(token):
        told = {'study': 'ct', 'prompt': 'liver', 'modality': 'ct'}
        headers = {'X-MedGLIP-Session': token}
        return httpx.post(f'{address}/api/predict', json=told, headers=headers, timeout=120)

    with ThreadPoolExecutor(12) as pool:
        answers = [pool.submit(ask, token) for token in tokens]
        refused = []
        while len(refused) < 10:
            refused = [one.result() for one in answers if one.done()]
            time.sleep(0.02)
        assert len(inside) == 2
        go.set()
        answers = [one.result() for one in answers]
    assert {one.status_code for one in refused} == {503}
    assert refused[0].json() == {'error': 'The demo is busy; try again in a moment.'}
    assert sorted(one.status_code for one in answers) == [200] * 2 + [503] * 10
    more = httpx.post(f'{address}/api/begin')
    assert more.status_code == 503
    assert 'Too many pages' in more.json()['error']
