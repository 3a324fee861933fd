"""List the licences of all packages that the pins in requirements/ install.

    python tools/list_licences.py                         # print the table
    python tools/list_licences.py --out docs/licences.md  # write the page

The exit status is 1 if a licence is unknown, or one that this project does not take.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).resolve().parents[1]

NOT_TOLD = {
    'cuda-toolkit': ('NVIDIA Proprietary Software', 'holds nothing; names the NVIDIA packages'),
    'faster-coco-eval': ('Apache-2.0', 'its file LICENSE'),
    'onedl-mmengine': ('Apache-2.0', 'its file LICENSE; the metadata name its owner'),
}
"""Licences of packages whose metadata say none, and where they are told."""

NOT_TAKEN = re.compile(r'\bAGPL|Affero|SSPL|Commons Clause|non-?commercial|CC-BY-NC', re.IGNORECASE)
"""Licences under which this project takes no package."""

_PREFIX = 'License :: '
_LONGEST = 60
_HEAD = """# Licences

What the pins in `requirements/` install, with all that these need, and the licence that the
metadata of each package tell; made by `make licences` on Linux with Python {python}. A test refuses
packages whose licence is unknown, or AGPL, SSPL or non-commercial. Those marked \\* are pinned by
this project; the others come with them.

"""


@dataclass(frozen=True)
class Licence:
    """The licence of an installed package.

    Attributes:
        package: Its name.
        text: The licence, in short; empty if it is not known.
        pinned: Whether requirements/ names it.
    """

    package: str
    text: str
    pinned: bool


def pinned_names(folder: Path = REPOSITORY / 'requirements') -> list[Requirement]:
    """Return what the files of a folder require."""
    lines = (
        line for path in sorted(folder.glob('*.txt')) for line in path.read_text().splitlines()
    )
    texts = (line.partition(' #')[0].strip() for line in lines)
    return [Requirement(text) for text in texts if text and not text.startswith(('#', '-'))]


def installed(requirements: Sequence[Requirement]) -> dict[str, metadata.Distribution]:
    """Return the installed packages that some requirements need, themselves included, by name."""
    found: dict[str, metadata.Distribution] = {}
    seen: set[tuple[str, str]] = set()
    todo = [(requirement, '') for requirement in requirements]
    while todo:
        requirement, extra = todo.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({'extra': extra}):
            continue
        name = canonicalize_name(requirement.name)
        try:
            found[name] = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        for wanted in ('', *requirement.extras):
            if (name, wanted) not in seen:
                seen.add((name, wanted))
                todo += [(Requirement(text), wanted) for text in found[name].requires or ()]
    return found


def licence_of(package: metadata.Distribution) -> str:
    """Return what the metadata of a package tell of its licence, in short; empty if nothing."""
    told = package.metadata
    name = canonicalize_name(told['Name'])
    if name in NOT_TOLD:
        return NOT_TOLD[name][0]
    if told.get('License-Expression'):
        return str(told['License-Expression'])
    classes = [one for one in told.get_all('Classifier') or () if one.startswith(_PREFIX)]
    short = [one.rpartition(' :: ')[2] for one in classes if one.count(' :: ') > 1]
    if short:
        return ', '.join(sorted(set(short)))
    lines = [line.strip() for line in (told.get('License') or '').splitlines()]
    first = next((line for line in lines if line), '')
    if first and first.upper() != 'UNKNOWN':
        return first if len(first) <= _LONGEST else f'{first[:_LONGEST]}...'
    return ''


def licences() -> list[Licence]:
    """Return the licences of all that requirements/ install, by name."""
    pins = pinned_names()
    names = {canonicalize_name(pin.name) for pin in pins}
    found = installed(pins)
    return [Licence(name, licence_of(found[name]), name in names) for name in sorted(found)]


def faults(found: Sequence[Licence]) -> Iterator[str]:
    """Yield a sentence for each package whose licence is unknown or not taken."""
    for one in found:
        if not one.text:
            yield f'{one.package} tells no licence; look it up and add it to NOT_TOLD.'
        elif NOT_TAKEN.search(one.text):
            yield f'{one.package} is under {one.text}, which this project does not take.'


def table(found: Sequence[Licence]) -> str:
    """Lay the licences out as a page."""
    python = f'{sys.version_info.major}.{sys.version_info.minor}'
    rows = (f'| {one.package}{" *" * one.pinned} | {one.text} |' for one in found)
    listed = '\n'.join(row.replace(' *', ' \\*', 1) for row in rows)
    page = f'{_HEAD.format(python=python)}| package | licence |\n|---|---|\n{listed}\n'
    if NOT_TOLD:
        told = '; '.join(f'`{name}`: {where}' for name, (_, where) in sorted(NOT_TOLD.items()))
        page += f'\nNot told by the metadata: {told}.\n'
    return page


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--out', type=Path, help='page to write; default: print it')
    args = parser.parse_args(argv)
    found = licences()
    page = table(found)
    if args.out is None:
        print(page)
    else:
        args.out.write_text(page, encoding='utf-8')
    wrong = list(faults(found))
    print('\n'.join(wrong), end='\n' * bool(wrong), file=sys.stderr)
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
