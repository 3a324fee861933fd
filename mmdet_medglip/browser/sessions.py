"""Sessions: what one page has uploaded and asked, private to it and gone with it."""

from __future__ import annotations

import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .answer import Answer
from .limits import Limits
from .refusal_error import RefusalError
from .study import Study

__all__ = ['Session', 'Sessions']


@dataclass(eq=False)
class Session:
    """What belongs to one open page.

    Args:
        token: Known to the page alone; 256 bits.
        folder: Its files; nobody else may read it (mode 700).
        used: When it last asked something, on the clock of :class:`Sessions`.
        study: What it has uploaded; None before that.
        stored_bytes: Of the files of the study.
        answers: The last answer of each model, by its name.
        lock: Held by who reads or writes its files.
    """

    token: str
    folder: Path
    used: float
    study: Study | None = None
    stored_bytes: int = 0
    answers: dict[str, Answer] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)


class Sessions:
    """All sessions, below one temporary folder.

    Args:
        limits: How many, and how long.
        forget: Called with the study of a session that ends.
        clock: Seconds that only grow.
        parent: Where the folder is made; None for the system's place of temporary files.
    """

    def __init__(
        self,
        limits: Limits,
        forget: Callable[[Study], None] = lambda study: None,
        clock: Callable[[], float] = time.monotonic,
        parent: Path | None = None,
    ) -> None:
        self._limits = limits
        self._forget = forget
        self._clock = clock
        self._open: dict[str, Session] = {}
        self._lock = threading.Lock()
        self.folder = Path(tempfile.mkdtemp(prefix='medglip-browser-', dir=parent))

    def __len__(self) -> int:
        return len(self._open)

    def begin(self) -> Session:
        """Begin a session.

        Raises:
            RefusalError: There are too many.
        """
        self.end_idle()
        with self._lock:
            if len(self._open) >= self._limits.sessions:
                raise RefusalError('Too many pages are open at this demo; try again later.', 503)
            token = secrets.token_urlsafe(32)
            folder = Path(tempfile.mkdtemp(dir=self.folder))
            self._open[token] = session = Session(token, folder, self._clock())
        return session

    def get(self, token: str | None) -> Session:
        """Return a session, which counts as use of it.

        Raises:
            RefusalError: It is over, or never was.
        """
        self.end_idle()
        with self._lock:
            session = self._open.get(token or '')
            if session is None:
                raise RefusalError(
                    'This session is over, its files are gone; reload the page.', 410
                )
            session.used = self._clock()
        return session

    def end(self, token: str | None) -> None:
        """End a session and remove its files; one that is over is left."""
        with self._lock:
            session = self._open.pop(token or '', None)
        if session is not None:
            with session.lock:  # After what is being read or written.
                self.drop_study(session)
                shutil.rmtree(session.folder, ignore_errors=True)

    def drop_study(self, session: Session) -> None:
        """Remove what a session has uploaded, and its answers."""
        with session.lock:
            if session.study is not None:
                self._forget(session.study)
                shutil.rmtree(session.study.folder, ignore_errors=True)
            session.study = None
            session.stored_bytes = 0
            session.answers.clear()

    def end_idle(self) -> None:
        """End all sessions that were not used for too long."""
        oldest = self._clock() - self._limits.idle_seconds
        with self._lock:
            idle = [token for token, one in self._open.items() if one.used < oldest]
        for token in idle:
            self.end(token)

    def close(self) -> None:
        """End all sessions and remove the folder."""
        for token in list(self._open):
            self.end(token)
        shutil.rmtree(self.folder, ignore_errors=True)
