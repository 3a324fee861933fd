"""A request that is not done, and why."""

from __future__ import annotations

__all__ = ['RefusalError']


class RefusalError(Exception):
    """A request that the demo does not do; the message is for the person at the page.

    Args:
        message: One sentence: what is wrong and what to do.
        status: Of HTTP: 400 a wrong value, 404 not there, 410 the session is over, 413 too large,
            415 a kind of file that is not read, 422 no answer, 503 too busy.
    """

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
