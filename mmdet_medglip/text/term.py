"""What is known of a word or of several words together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ['State', 'Term']

State = Literal['unchanged', 'normal', 'abnormal']
"""What can be said of a structure."""


@dataclass(frozen=True)
class Term:
    """Roles that one or several words can have in a sentence, and what they name.

    Args:
        roles: What the words can be, and which kind of it: ``{'modifier': 'size'}``. The roles are
            ``name`` (finding, device, structure), ``weak`` (a finding if described), ``quality``,
            ``modifier``, ``adjective`` (by its ending only), ``place``, ``side``, ``state``,
            ``cue``, ``aside``, ``remark``, ``section``, and those of the smallest words:
            ``article``, ``number``, ``unit``, ``times``, ``preposition``, ``join``, ``be``,
            ``show`` and ``with``.
        labels: Label ids of the ontology that the words may mean; often none.
    """

    roles: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
