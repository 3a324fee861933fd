"""What all readers share."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mmdet_medglip.ingest.readers import Reader
from mmdet_medglip.ingest.source import SourceImage, SourceItem


class _Empty(Reader):
    def items(self) -> Sequence[SourceItem]:
        return ()

    def read(self, item: SourceItem) -> Iterator[SourceImage]:
        return iter(())


def test_alike_rejects_are_counted_not_listed(tmp_path: Path, common: dict) -> None:
    reader = _Empty(tmp_path, **common)
    for number in range(5000):
        reader.reject('a.json', 'region cannot be read', f'region {number}', count=2)
    reader.reject('b.json', 'region cannot be read')
    rejects = reader.take_rejects()
    assert len(rejects) == 1001
    assert sum(reject.count for reject in rejects) == 10_001
    assert rejects[-1].detail == 'and more of them'
    assert reader.take_rejects() == []
