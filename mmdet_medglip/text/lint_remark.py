"""What the linter has to say of a prompt."""

from dataclasses import dataclass
from typing import Literal

from .prompt import Span

__all__ = ['Code', 'LintRemark', 'Severity']

Severity = Literal['error', 'warning', 'note']
Code = Literal[
    'unreadable',
    'empty',
    'no-word',
    'too-long',
    'tokens',
    'duplicate',
    'synonym',
    'side-conflict',
    'negated',
    'not-groundable',
    'unknown',
    'ambiguous',
    'modality',
]


@dataclass(frozen=True)
class LintRemark:
    """One thing to know of a prompt before it is used.

    Args:
        code: What kind of thing.
        severity: ``error``: the model refuses the prompt; ``warning``: it answers, but hardly what
            was meant; ``note``: worth knowing.
        message: One sentence.
        span: Where, ``[start, end)`` in characters of the text; None if it is about all of it.
        suggestion: What to do or to write instead; empty if there is nothing to do.
    """

    code: Code
    severity: Severity
    message: str
    span: Span | None = None
    suggestion: str = ''
