import pytest

from mmdet_medglip.browser import Limits, RefusalError
from mmdet_medglip.browser.sessions import Sessions
from mmdet_medglip.browser.study import Study


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def forgotten() -> list[Study]:
    return []


@pytest.fixture
def sessions(clock, forgotten, tmp_path):
    made = Sessions(Limits(sessions=2, idle_seconds=60), forgotten.append, clock, tmp_path)
    yield made
    made.close()


def test_an_idle_session_ends_and_its_files_go(sessions, clock, forgotten):
    idle, used = sessions.begin(), sessions.begin()
    idle.study = study = Study(idle.folder)
    (idle.folder / 'a.png').write_bytes(b'x')
    clock.now += 50
    sessions.get(used.token)
    clock.now += 50
    sessions.end_idle()
    assert len(sessions) == 1
    assert not idle.folder.exists()
    assert forgotten == [study]
    assert sessions.get(used.token) is used
    with pytest.raises(RefusalError, match='over'):
        sessions.get(idle.token)


def test_too_many_pages_are_refused_until_one_closes(sessions):
    first = sessions.begin()
    sessions.begin()
    with pytest.raises(RefusalError, match='Too many pages') as refused:
        sessions.begin()
    assert refused.value.status == 503
    sessions.end(first.token)
    assert sessions.begin().token not in (first.token, '')


@pytest.mark.parametrize('token', [None, '', 'guess'])
def test_a_token_that_is_none(sessions, token):
    sessions.begin()
    with pytest.raises(RefusalError, match='over'):
        sessions.get(token)
    sessions.end(token)
    assert len(sessions) == 1


def test_tokens_cannot_be_guessed(sessions):
    tokens = [sessions.begin().token for _ in range(2)]
    assert len(set(tokens)) == 2
    assert min(map(len, tokens)) >= 43  # 32 bytes in base 64


@pytest.mark.parametrize('name', ['upload_bytes', 'sessions', 'idle_seconds', 'waiting'])
def test_limits_are_at_least_one(name):
    with pytest.raises(ValueError, match=f'{name} must be at least 1, got 0'):
        Limits(**{name: 0})
