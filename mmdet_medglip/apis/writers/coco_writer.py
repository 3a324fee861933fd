"""Results as a COCO data set with scores."""

from __future__ import annotations

from contextlib import ExitStack
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Any

from mmdet_medglip.store.durable import replacing_file

from ..result import GroundingResult
from .base import ResultWriter
from .json_line import json_line

__all__ = ['CocoWriter']


class CocoWriter(ResultWriter):
    """``coco.json``: images, annotations with ``score``, and a category for each name.

    Boxes are ``[x, y, width, height]``. ``file_name`` is the path of the image; a slice of a volume
    or frame has its number in ``slice_index``. Categories are numbered from 1 as they come.
    """

    name = 'coco.json'

    def __enter__(self) -> CocoWriter:
        """Begin the file; annotations wait in another one."""
        self._stack = ExitStack()
        self._file: IO[str] = self._stack.enter_context(replacing_file(self.folder / self.name))
        self._boxes: IO[str] = self._stack.enter_context(
            TemporaryFile('w+', dir=self.folder, encoding='utf-8')
        )
        self._categories: dict[str, int] = {}
        self._images = self._annotations = 0
        self._file.write('{"images": [')
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Join the parts."""
        if error is None:
            self._file.write('\n], "annotations": [')
            self._boxes.seek(0)
            for line in self._boxes:
                self._file.write(line)
            categories = [{'id': n, 'name': name} for name, n in self._categories.items()]
            self._file.write('\n], "categories": ' + json_line(categories) + '}\n')
        self._stack.__exit__(kind, error, trace)

    def add(self, result: GroundingResult) -> None:
        """Write an image and its boxes."""
        self._images += 1
        source = result.source
        image: dict[str, Any] = {
            'id': self._images,
            'file_name': source.path or source.name,
            'width': result.width,
            'height': result.height,
        }
        if source.slice_index is not None:
            image['slice_index'] = source.slice_index
        self._file.write((',' if self._images > 1 else '') + '\n' + json_line(image))
        # What was asked and not found is a category too.
        for name in (*result.phrases, *result.names):
            self._categories.setdefault(name, len(self._categories) + 1)
        for box in result.boxes:
            self._annotations += 1
            x1, y1, x2, y2 = box.bbox
            annotation = {
                'id': self._annotations,
                'image_id': self._images,
                'category_id': self._categories[box.name],
                'bbox': [round(value, 2) for value in (x1, y1, x2 - x1, y2 - y1)],
                'area': round((x2 - x1) * (y2 - y1), 2),
                'iscrowd': 0,
                'score': round(box.score, 4),
            }
            first = self._annotations == 1
            self._boxes.write(('' if first else ',') + '\n' + json_line(annotation))
