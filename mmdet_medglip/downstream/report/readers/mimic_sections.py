"""The sections of a MIMIC-CXR report."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ['MimicSections', 'split_sections']

_HEADING = re.compile(r'^[ \t]*(?P<name>[A-Z][A-Z0-9 ,/&()\'-]{2,58}?)[ \t]*:[ \t]*', re.MULTILINE)
_FINDINGS = re.compile(r'FINDINGS?\b')
_IMPRESSION = re.compile(r'(IMPRESSIONS?|CONCLUSIONS?|OPINION)\b')


@dataclass(frozen=True)
class MimicSections:
    """What is said where.

    Attributes:
        findings: What the images show; empty if there is no such section.
        impression: The conclusion; empty if there is no such section.
    """

    findings: str
    impression: str


def split_sections(text: str) -> MimicSections:
    r"""Find findings and impression by their headings.

    A heading is the start of a line, all capitals, up to a colon. A section ends with the next
    heading or at the end of the text; a heading that comes again adds to its section. *FINDINGS
    AND IMPRESSION*, *FINDINGS/IMPRESSION* count as findings; *CONCLUSION* and *OPINION* as
    impression. Line breaks and repeated blanks become one blank. Text without these headings gives
    two empty sections: which paragraph is which is not guessed.

    Example:
        >>> split_sections(' FINDINGS:  Clear\n lungs.\n\n IMPRESSION:  Normal.')
        MimicSections(findings='Clear lungs.', impression='Normal.')
    """
    found: dict[str, list[str]] = {'findings': [], 'impression': []}
    headings = list(_HEADING.finditer(text))
    for heading, following in zip(headings, [*headings, None][1:], strict=True):
        name = heading['name'].strip()
        if _FINDINGS.match(name):
            section = 'findings'
        elif _IMPRESSION.match(name):
            section = 'impression'
        else:
            continue
        end = len(text) if following is None else following.start()
        words = ' '.join(text[heading.end() : end].split())
        if words:
            found[section].append(words)
    return MimicSections(' '.join(found['findings']), ' '.join(found['impression']))
