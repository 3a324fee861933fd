import pytest

from mmdet_medglip.routing import Route, Verdict, follow

SURE, UNSURE = Verdict('ct', 0.9, 0.5, True), Verdict('ct', 0.4, 2.5, False)


@pytest.mark.parametrize(
    ('verdict', 'fallback', 'expected'),
    [
        pytest.param(SURE, None, Route('ct', 'image', 0.9, 0.5, 'ct'), id='sure'),
        pytest.param(SURE, 'mri', Route('ct', 'image', 0.9, 0.5, 'ct'), id='sure-anyway'),
        pytest.param(UNSURE, None, Route('unrouted', 'abstained', 0.4, 2.5, 'ct'), id='unsure'),
        pytest.param(UNSURE, 'mri', Route('mri', 'fallback', 0.4, 2.5, 'ct'), id='fallback'),
        pytest.param(None, 'mri', Route('mri', 'fallback', 0.0, 0.0, None), id='not-asked'),
        pytest.param(None, None, Route('unrouted', 'abstained', 0.0, 0.0, None), id='nothing'),
    ],
)
def test_what_is_decided(verdict, fallback, expected):
    assert follow(verdict, fallback) == expected
