"""Parts of a step: time counts once, gradients stay as they are, parts that are gone are named."""

from collections import Counter
from pathlib import Path

import pytest
import torch
from torch import nn

from mmdet_medglip.models.language_models import TextFeatures


@pytest.fixture
def parts(repo_root: Path, monkeypatch: pytest.MonkeyPatch):
    """The module, as the programs beside it import it."""
    monkeypatch.syspath_prepend(str(repo_root / 'benchmarks'))
    import step_parts

    return step_parts


def test_time_counts_for_the_innermost_part(parts) -> None:
    # The clock is read at 0, 1, 3, 6, 10 and 15: five stretches of 1 to 5 seconds.
    recorder = parts.Recorder(iter([0, 1, 3, 6, 10, 15]).__next__)
    with recorder.part('step'):
        with recorder.part('backbone'):
            pass
        with recorder.part('head'):
            pass
    assert recorder.spent == Counter({'step': 1 + 3 + 5, 'backbone': 2, 'head': 4})


def test_time_before_and_after_a_part_counts_for_none(parts) -> None:
    recorder = parts.Recorder(iter([0, 1, 100, 102]).__next__)
    for _ in range(2):
        with recorder.part('step'):
            pass
    assert recorder.spent == Counter(step=3)


def test_a_cut_graph_has_the_gradients_of_the_whole_one(parts) -> None:
    torch.manual_seed(0)
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    x, mask = torch.randn(2, 3), torch.ones(2, 3, dtype=torch.bool)

    def run(cut) -> list[torch.Tensor]:
        made = cut('first', [first(x), (TextFeatures(first(2 * x), mask, ()), None)])
        (maps, (text, _)) = made
        result = cut('second', second(maps) * text.hidden + second(text.hidden))
        return result.square().sum()

    def gradients() -> list[torch.Tensor]:
        found = [p.grad.clone() for m in (first, second) for p in m.parameters()]
        nn.ModuleList([first, second]).zero_grad()
        return found

    run(lambda name, value: value).backward()
    whole = gradients()
    recorder, cuts = parts.Recorder(iter(range(100)).__next__), parts.Gradients()
    cuts.run(run(cuts.cut), recorder)
    for found, expected in zip(gradients(), whole, strict=True):
        torch.testing.assert_close(found, expected)
    assert list(recorder.spent) == ['backward: losses', 'backward: second', 'backward: first']


def test_a_part_that_is_gone_is_named(parts) -> None:
    class Bare(nn.Module):
        def __getattr__(self, name: str):
            return self if name in ('data_preprocessor', 'neck', 'bbox_head') else None

    expected = "NoneType has no forward, which was the part 'language model'"
    with pytest.raises(AttributeError, match=expected):
        parts.watch_model(Bare(), parts.Recorder(float), parts.Gradients())
