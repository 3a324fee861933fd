"""DICOM files at the border: told from others, opened with bounds, asked without surprises."""

import math
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.config import disable_value_validation
from pydicom.filereader import read_file_meta_info
from pydicom.multival import MultiValue
from pydicom.uid import DeflatedExplicitVRLittleEndian

from mmdet_medglip.store.whole_file import WholeFile

__all__ = [
    'MAX_FILE_BYTES',
    'integer',
    'is_dicom',
    'items',
    'named',
    'number',
    'numbers',
    'open_dicom',
    'text',
    'texts',
]

MAX_FILE_BYTES = 8_000_000_000
_PREAMBLE = 128
_MAX_INFLATED = 2_000_000_000
_CHUNK = 1 << 20


def is_dicom(path: Path) -> bool:
    """Tell whether a file has the mark of DICOM after its preamble.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(f'DICOM file {path} does not exist, or is no file.')
    with open(path, 'rb') as file:
        return file.read(_PREAMBLE + 4)[_PREAMBLE:] == b'DICM'


def open_dicom(path: Path, *, pixels: bool = True, tags: Sequence[str] | None = None) -> Dataset:
    """Read a DICOM file.

    Messages name the file and the kind of fault, never a value: values may name a patient.

    Args:
        path: The file.
        pixels: Whether to read the pixels too.
        tags: Keywords of the only attributes to read; None for all.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no DICOM file, damaged, or unpacks to far too much.
    """
    if not is_dicom(path):
        raise ValueError(f'{path} is not a DICOM file: it lacks the mark DICM after 128 bytes.')
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ValueError(f'{path} is over the limit of {MAX_FILE_BYTES} bytes; split it.')
    try:
        with _quiet():
            _check_deflated(path)
            wanted = None if tags is None else list(tags)
            with WholeFile(path) as file:
                return dcmread(file, stop_before_pixels=not pixels, specific_tags=wanted)
    except MemoryError:
        raise
    except Exception as error:
        raise ValueError(
            f'{path} is not a readable DICOM file ({type(error).__name__}); replace it.'
        ) from None


def texts(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    """Return all values of an attribute as text; none if it has none or they are damaged."""
    try:
        with _quiet():
            value = dataset.get(keyword)
            values = value if isinstance(value, (list, tuple, MultiValue)) else [value]
            return tuple(str(v).strip() for v in values if v is not None)
    except Exception:
        return ()


def text(dataset: Dataset, keyword: str) -> str | None:
    """Return the first value of an attribute as text; None if it has none."""
    values = texts(dataset, keyword)
    return values[0] or None if values else None


def numbers(dataset: Dataset, keyword: str, count: int) -> tuple[float, ...] | None:
    """Return an attribute of ``count`` finite numbers; None if it is anything else."""
    try:
        with _quiet():
            value = dataset.get(keyword)
            values = tuple(float(v) for v in ([value] if count == 1 else value))
    except Exception:
        return None
    return values if len(values) == count and all(map(math.isfinite, values)) else None


def number(dataset: Dataset, keyword: str) -> float | None:
    """Return the first of the numbers of an attribute; None if it has none."""
    try:
        value = float(text(dataset, keyword) or '')
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def integer(dataset: Dataset, keyword: str, default: int = 0) -> int:
    """Return an attribute as a whole number, or a default."""
    value = number(dataset, keyword)
    return default if value is None else int(value)


def items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """Return the items of a sequence; none if there is no such sequence.

    Raises:
        ValueError: If it cannot be read; :func:`named` adds the file.
    """
    try:
        with _quiet():
            return list(dataset.get(keyword) or ())
    except Exception as error:
        raise ValueError(f'has a damaged {keyword} ({type(error).__name__}).') from None


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Put a file's name before the message of a fault that lacks it."""
    try:
        yield
    except ValueError as error:
        if str(path) in str(error):
            raise
        raise ValueError(f'{path} {error}') from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep pydicom from writing odd values, which may name a patient, to the log."""
    with warnings.catch_warnings(), disable_value_validation():
        warnings.simplefilter('ignore')
        yield


def _check_deflated(path: Path) -> None:
    """Refuse a deflated data set that unpacks to far more than any image has."""
    meta = read_file_meta_info(path)
    if text(meta, 'TransferSyntaxUID') != DeflatedExplicitVRLittleEndian:
        return
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    total = 0
    with open(path, 'rb') as file:
        file.seek(_PREAMBLE + 4 + 12 + integer(meta, 'FileMetaInformationGroupLength'))
        data = file.read(_CHUNK)
        while data and not unpacker.eof:
            total += len(unpacker.decompress(data, _CHUNK))
            data = unpacker.unconsumed_tail or file.read(_CHUNK)
            if total > _MAX_INFLATED:
                raise ValueError('it unpacks to far too much')
