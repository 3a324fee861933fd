"""Receiving a file, piece by piece and within bounds."""

from __future__ import annotations

from types import TracebackType

from .limits import Limits
from .refusal_error import RefusalError
from .sessions import Session
from .study import Study
from .upload_kind import HEAD_BYTES, check_upload, shown_name

__all__ = ['Upload']


class Upload:
    """One file that comes into the study of a session.

    A context manager: a file that is not whole when the block ends is removed. What its owner
    calls it is kept aside; on disk it has a number.

    Args:
        session: Whose.
        study: Which it becomes part of.
        name: What its owner calls it.
        limits: Of the demo.
        expected: Its size in bytes, if that is known.

    Raises:
        RefusalError: The session has too many files, or too many bytes with this one.
    """

    def __init__(
        self, session: Session, study: Study, name: str, limits: Limits, expected: int | None
    ) -> None:
        if len(study.names) >= limits.files:
            raise RefusalError(f'A study has at most {limits.files} files; upload fewer.', 413)
        self._session, self._study, self._limits = session, study, limits
        self.name = shown_name(name)
        self._check(expected or 0)
        self._size = 0
        self._head = b''
        self._expected = expected
        self._path = study.folder / f'part-{len(study.names)}'

    def __enter__(self) -> Upload:
        """Open the file.

        Raises:
            RefusalError: The session has ended.
        """
        try:
            self._file = self._path.open('xb')
        except FileNotFoundError:
            raise RefusalError('This session is over; reload the page.', 410) from None
        except FileExistsError:
            raise RefusalError('One file at a time; wait for the one before.') from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove what is not whole."""
        self._file.close()
        self._path.unlink(missing_ok=True)

    def write(self, piece: bytes) -> None:
        """Take a piece.

        Raises:
            RefusalError: That is too much.
        """
        self._check(self._size + len(piece))
        self._size += len(piece)
        if len(self._head) < HEAD_BYTES:
            self._head += piece[: HEAD_BYTES - len(self._head)]
        self._file.write(piece)

    def finish(self) -> None:
        """Make the file part of the study.

        Raises:
            RefusalError: It is of no kind that is read, or not whole.
        """
        if self._expected is not None and self._size != self._expected:
            raise RefusalError(f'{self.name} did not arrive whole; upload it again.')
        end = check_upload(self.name, self._head)
        self._file.close()
        stored = f'{len(self._study.names):04d}{end}'
        with self._session.lock:
            if self._session.study is not self._study:
                raise RefusalError('Another upload has begun; this one is dropped.')
            self._path.rename(self._study.folder / stored)
            self._study.names[stored] = self.name
            self._session.stored_bytes += self._size

    def _check(self, size: int) -> None:
        most = self._limits.upload_bytes
        if self._session.stored_bytes + size > most:
            raise RefusalError(
                f'{self.name} is too large: a study has at most {most / 1e6:.4g} MB; upload less, '
                'or start the demo with a higher --max-upload-mb.',
                413,
            )
