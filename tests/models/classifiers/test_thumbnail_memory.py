import pytest
import torch

from mmdet_medglip.models.classifiers.thumbnail_memory import ThumbnailMemory


def pictures(*values: int) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, 2, 2)


def test_classes_are_drawn_in_equal_parts_whatever_came_last():
    torch.manual_seed(0)
    memory = ThumbnailMemory(100)
    memory.add(pictures(*range(3)), [4] * 3)
    memory.add(pictures(*range(50, 140)), [1] * 90)
    thumbnails, classes = memory.draw(1000)
    assert thumbnails.shape == (1000, 3, 2, 2)
    assert set(classes.tolist()) == {1, 4}
    assert 400 < (classes == 4).sum() < 600
    assert (thumbnails[classes == 4] < 3).all()
    assert (thumbnails[classes == 1] >= 50).all()


def test_what_is_kept_is_a_fair_sample_of_what_was_seen():
    torch.manual_seed(0)
    kept = []
    for _ in range(60):
        memory = ThumbnailMemory(10)
        for value in range(100):
            memory.add(pictures(value), [0])
        thumbnails, _ = memory.all()
        assert len(thumbnails) == 10
        kept.append(thumbnails[:, 0, 0, 0].float())
    assert torch.cat(kept).mean() == pytest.approx(49.5, abs=5)


def test_it_keeps_copies():
    memory = ThumbnailMemory(2)
    images = pictures(5).clone()
    memory.add(images, [0])
    images.zero_()
    assert (memory.all()[0] == 5).all()


def test_a_capacity_of_nothing_is_an_error():
    with pytest.raises(ValueError, match='capacity must be 1 or more, got 0'):
        ThumbnailMemory(0)
