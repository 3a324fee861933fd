"""How far the reader of sentences agrees with sentences that a person read.

``data/report_sentences.json`` holds where each sentence is in the reports of Open-i and what it
mentions, not its words: the licence of the reports does not allow to copy them. The reports are
read from the folder of real data.

    python tests/text/report_agreement.py [folder of the reports]
"""

import csv
import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ANNOTATION = Path(__file__).with_name('data') / 'report_sentences.json'
REPORTS = Path('reports') / 'iu_xray_openi' / 'indiana_reports.csv'
PARTS = ('development', 'held_out', 'unseen')

Mark = tuple[int, int, str, str | None]
"""First character, character behind the last, status, side."""


@dataclass
class Agreement:
    """Counts over the sentences of one part.

    A span is found if one of exactly the same characters is read; it is touched if one overlaps.
    """

    sentences: int = 0
    read: int = 0
    marked: int = 0
    found: int = 0
    touched: int = 0
    touching: int = 0
    same_status: int = 0
    same_side: int = 0
    sided: int = 0
    same_of_sided: int = 0
    misses: list[str] = field(default_factory=list)

    @property
    def precision(self) -> float:
        """Share of the spans read that are marked."""
        return self.found / max(self.read, 1)

    @property
    def recall(self) -> float:
        """Share of the spans marked that are read."""
        return self.found / max(self.marked, 1)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.found / max(self.read + self.marked, 1)

    @property
    def overlap_f1(self) -> float:
        """The same with spans that overlap counted as found."""
        precision, recall = self.touching / max(self.read, 1), self.touched / max(self.marked, 1)
        return 2 * precision * recall / max(precision + recall, 1e-9)

    @property
    def status(self) -> float:
        """Share of touched spans with the marked status."""
        return self.same_status / max(self.touched, 1)

    @property
    def side(self) -> float:
        """Share of touched spans with the marked side, none included."""
        return self.same_side / max(self.touched, 1)


def load_sentences(root: Path) -> list[tuple[str, str, list[Mark]]]:
    """Read part, words and marks of each sentence; a report that changed is an error."""
    with (root / REPORTS).open(encoding='utf-8', newline='') as file:
        reports = {int(row['uid']): row for row in csv.DictReader(file)}
    sentences = []
    for entry in json.loads(ANNOTATION.read_text(encoding='utf-8'))['sentences']:
        text = reports[entry['report']][entry['field']][entry['start'] : entry['end']]
        if hashlib.sha256(text.encode()).hexdigest() != entry['sha256']:
            raise ValueError(f'Report {entry["report"]} is not the one that was annotated.')
        marks = [(m['start'], m['end'], m['status'], m['side']) for m in entry['spans']]
        sentences.append((entry['part'], text, marks))
    return sentences


def read_marks(text: str) -> list[Mark]:
    """Read a sentence; words without anything to show are not compared."""
    from mmdet_medglip.text import parse_report

    mentions = parse_report(text).mentions
    return [(*m.span, m.status, m.side) for m in mentions if m.kind != 'other']


def agreement(sentences: Sequence[tuple[str, list[Mark]]]) -> Agreement:
    """Compare what is read with what is marked."""
    total = Agreement()
    for text, marked in sentences:
        read = read_marks(text)
        total.sentences += 1
        total.read += len(read)
        total.marked += len(marked)
        total.touching += sum(any(_overlap(r, m) for m in marked) for r in read)
        for mark in marked:
            near = max(read, key=lambda r: _overlap(r, mark), default=None)
            if near is None or not _overlap(near, mark):
                total.misses.append(f'not read: {_say(text, mark)} | {text}')
                continue
            total.touched += 1
            total.found += near[:2] == mark[:2]
            total.same_status += near[2] == mark[2]
            total.same_side += near[3] == mark[3]
            if mark[3] is not None:
                total.sided += 1
                total.same_of_sided += near[3] == mark[3]
            if near != mark:
                total.misses.append(f'{_say(text, mark)} read as {_say(text, near)} | {text}')
        extra = [r for r in read if not any(_overlap(r, m) for m in marked)]
        total.misses += [f'not marked: {_say(text, mark)} | {text}' for mark in extra]
    return total


def _overlap(a: Mark, b: Mark) -> int:
    return max(min(a[1], b[1]) - max(a[0], b[0]), 0)


def _say(text: str, mark: Mark) -> str:
    start, end, status, side = mark
    return f'[{text[start:end]}] {status}' + (f', {side}' if side else '')


def main() -> None:
    """Print the agreement of each part and what differs."""
    sys.path.insert(0, str(ROOT))
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / 'shared' / 'data'
    sentences = load_sentences(root)
    for part in PARTS:
        of_part = [(text, marks) for name, text, marks in sentences if name == part]
        if not of_part:
            continue
        a = agreement(of_part)
        print(
            f'{part}: {a.sentences} sentences, {a.marked} spans marked, {a.read} read; exact '
            f'precision {a.precision:.3f}, recall {a.recall:.3f}, F1 {a.f1:.3f}; overlap F1 '
            f'{a.overlap_f1:.3f}; status {a.same_status}/{a.touched} = {a.status:.3f}; side '
            f'{a.same_side}/{a.touched} = {a.side:.3f}, where one is said '
            f'{a.same_of_sided}/{a.sided}'
        )
        for miss in a.misses:
            print(f'  {miss}')


if __name__ == '__main__':
    main()
