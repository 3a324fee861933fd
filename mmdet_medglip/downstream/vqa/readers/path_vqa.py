"""PathVQA: He et al., PathVQA: 30000+ questions for medical visual question answering, 2020.

Read as it is published on Hugging Face: parquet files with ``image`` (bytes of an image file),
``question`` and ``answer``; or as JSON, a list or one object a line, with the name of the image.
The original's pickles are not read: a pickle runs code. Questions have no type; one that is
answered by yes or no is closed. VQA-RAD's parquet files have the same columns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmdet_medglip.ingest.images import image_size
from mmdet_medglip.store.durable import replace_file

from ..question_set import QuestionSet, Row, collect_questions
from ..record import VqaRecord
from .fields import find_image, json_lines, json_list, text_of

__all__ = ['read_path_vqa']

_MAX_IMAGE_BYTES = 64 << 20
_MAX_GROUP_BYTES = 4 << 30
_ROWS_AT_ONCE = 64
_ENDINGS = {b'\x89PNG': '.png', b'\xff\xd8\xff': '.jpg'}


def read_path_vqa(
    path: Path, image_root: Path | None = None, *, split: str | None = None, skip_bad: bool = False
) -> QuestionSet:
    """Read the questions of PathVQA.

    Args:
        path: A ``.parquet``, ``.json`` or ``.jsonl`` file, or a folder of parquet files, which are
            read in the order of their names.
        image_root: Folder of the images of JSON; their names may lack ``.jpg``. Images in parquet
            files are written here, once each, named by their content. None reads the questions
            alone.
        split: Of a folder, files whose names begin so, such as ``test``; None takes all.
        skip_bad: See :func:`collect_questions`.

    Returns:
        The questions, each named by its file and place. The set does not say whose images are one
        patient's: the image stands for the patient.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file has another kind or other columns, or a question is bad.
        ImportError: pyarrow, which reads parquet files, is missing.
    """
    if path.is_dir():
        files = sorted(path.glob(f'{split or ""}*.parquet'))
        if not files:
            raise FileNotFoundError(f'{path} has no files {split or ""}*.parquet.')
    elif path.suffix == '.pkl':
        raise ValueError(
            f'{path} is a pickle, which would run code: take the parquet files from Hugging Face '
            '(flaviagiammarino/path-vqa), or convert it to JSON where you trust it.'
        )
    else:
        files = [path]
    if any(file.suffix not in ('.parquet', '.json', '.jsonl') for file in files):
        raise ValueError(f'{path} must end in .parquet, .json or .jsonl.')
    rows = (row for file in files for row in _rows(file))

    def parse(values: Any) -> VqaRecord:
        question_id, row = values
        answer = text_of(row, 'answer')
        image_id, image_path = _image(row, image_root)
        return VqaRecord(
            question_id=question_id,
            image_id=image_id,
            image_path=image_path,
            question=text_of(row, 'question'),
            answer=answer,
            answer_type='closed' if answer.lower() in ('yes', 'no') else 'open',
            patient_id=image_id,
        )

    return collect_questions(rows, parse, skip_bad)


def _rows(path: Path) -> Iterator[Row]:
    if path.suffix == '.parquet':
        found = _parquet_rows(path)
    else:
        found = json_list(path) if path.suffix == '.json' else json_lines(path)
    for number, (where, row) in enumerate(found):
        yield Row(where, (f'{path.stem}:{number}', row))


def _parquet_rows(path: Path) -> Iterator[Row]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ImportError("Parquet files need pyarrow: run 'pip install pyarrow'.") from error
    if not path.is_file():
        raise FileNotFoundError(f'Annotation file {path} does not exist.')
    try:
        with pq.ParquetFile(path) as file:
            missing = {'image', 'question', 'answer'} - set(file.schema_arrow.names)
            if missing:
                raise ValueError(
                    f'it has no column {sorted(missing)[0]!r}, but {file.schema_arrow.names[:12]}'
                )
            groups = (file.metadata.row_group(n) for n in range(file.num_row_groups))
            if any(group.total_byte_size > _MAX_GROUP_BYTES for group in groups):
                raise ValueError(f'a row group has over {_MAX_GROUP_BYTES >> 30} GiB')
            columns, number = ['image', 'question', 'answer'], 0
            for batch in file.iter_batches(_ROWS_AT_ONCE, columns=columns):
                for row in batch.to_pylist():
                    number += 1
                    yield Row(f'{path}, row {number}', row)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ValueError(f'{path} cannot be read as PathVQA: {error}.') from error


def _image(row: Any, root: Path | None) -> tuple[str, Path | None]:
    """Name of an image, and its file if there is a folder."""
    image = row.get('image') if isinstance(row, dict) else None
    if isinstance(image, str):
        name = image if Path(image).suffix else f'{image}.jpg'
        return Path(name).stem, find_image(root, name)
    content = image.get('bytes') if isinstance(image, dict) else image
    if not isinstance(content, bytes) or not content:
        raise ValueError(f"'image' must be a name or the bytes of a file, got {image!r:.60}.")
    if len(content) > _MAX_IMAGE_BYTES:
        raise ValueError(f"'image' has {len(content)} bytes, over the limit.")
    image_id = hashlib.sha256(content).hexdigest()[:20]
    if root is None:
        return image_id, None
    path = root / f'{image_id}{_ENDINGS.get(content[:4], _ENDINGS.get(content[:3], ".img"))}'
    if not path.is_file() or path.stat().st_size != len(content):
        root.mkdir(parents=True, exist_ok=True)
        replace_file(path, content)
    image_size(path)
    return image_id, path
