"""Word overlap of reports: BLEU, ROUGE-L, CIDEr and METEOR, each by the library of its own.

All get the same words, see :func:`words_of`. The libraries are optional and imported on use.
"""

from __future__ import annotations

import math
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from .text_scores import TextScores, UnavailableError, one_line

__all__ = ['OVERLAPS', 'overlap_scores', 'words_of']

_WORD = re.compile(r"[^\W_]+(?:['./-][^\W_]+)*")
_METEOR_SECONDS = 3600
_NO_COCO = 'install it: pip install --no-deps pycocoevalcap'


def words_of(text: str) -> str:
    r"""Return the words of a text as overlap scores compare them: one blank between two.

    Lower case; a word is letters and digits, with ``.``, ``-``, ``/`` or ``'`` only inside it;
    all else, also the end of a sentence, is left out.

    Example:
        >>> words_of('1. No acute X-ray finding;\n 5.2 cm nodule.')
        '1 no acute x-ray finding 5.2 cm nodule'
    """
    return ' '.join(_WORD.findall(text.lower()))


def overlap_scores(
    references: Sequence[str], generated: Sequence[str], names: Sequence[str] | None = None
) -> TextScores:
    """Compare generated reports with references, one of each.

    Args:
        references: Reports that are right.
        generated: Reports that are judged, in the same order; may be empty texts.
        names: Which of :data:`OVERLAPS`; all if None.

    Returns:
        ``nlg/BLEU-1`` to ``-4`` (corpus, Papineni et al. 2002, no smoothing), ``nlg/ROUGE-L``
        (mean F1, Lin 2004), ``nlg/METEOR`` (version 1.5, Denkowski and Lavie 2014), all in
        [0, 1], and ``nlg/CIDEr`` (CIDEr-D, Vedantam et al. 2015, in [0, 10]); and a line for what
        cannot be computed.

    Raises:
        ValueError: The lists differ in length or are empty, or a name is not known.
    """
    if len(references) != len(generated) or not references:
        raise ValueError(
            f'Expected as many references as generated reports, one at least, got '
            f'{len(references)} and {len(generated)}.'
        )
    ours, theirs = [words_of(text) for text in references], [words_of(text) for text in generated]
    scores = TextScores()
    for name in OVERLAPS if names is None else names:
        if name not in OVERLAPS:
            raise ValueError(f'Unknown overlap {name!r}; known are {", ".join(OVERLAPS)}.')
        try:
            scores |= TextScores(OVERLAPS[name](ours, theirs))
        except UnavailableError as error:
            scores |= TextScores(unavailable={name: one_line(str(error))})
    return scores


def _bleu(references: Sequence[str], generated: Sequence[str]) -> dict[str, float]:
    try:
        from sacrebleu.metrics import BLEU
    except ImportError:
        raise UnavailableError('needs sacrebleu; install it: pip install sacrebleu') from None
    figures = {}
    for order in range(1, 5):
        metric = BLEU(tokenize='none', smooth_method='none', max_ngram_order=order, force=True)
        score = metric.corpus_score(list(generated), [list(references)]).score
        figures[f'nlg/BLEU-{order}'] = score / 100
    return figures


def _rouge(references: Sequence[str], generated: Sequence[str]) -> dict[str, float]:
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError:
        raise UnavailableError('needs rouge-score; install it: pip install rouge-score') from None
    scorer = RougeScorer(['rougeL'], tokenizer=_Blanks())
    values = [
        scorer.score(ours, theirs)['rougeL'].fmeasure
        for ours, theirs in zip(references, generated, strict=True)
    ]
    return {'nlg/ROUGE-L': math.fsum(values) / len(values)}


def _cider(references: Sequence[str], generated: Sequence[str]) -> dict[str, float]:
    try:
        from pycocoevalcap.cider.cider import Cider
    except ImportError:
        raise UnavailableError(f'needs pycocoevalcap; {_NO_COCO}') from None
    if len({*references}) < 2:
        raise UnavailableError(
            'weighs words by how few references have them, so it needs two different ones'
        )
    ours = {row: [text] for row, text in enumerate(references)}
    theirs = {row: [text] for row, text in enumerate(generated)}
    return {'nlg/CIDEr': float(Cider().compute_score(ours, theirs)[0])}


def _meteor(references: Sequence[str], generated: Sequence[str]) -> dict[str, float]:
    """Run the jar on two files.

    The class of pycocoevalcap talks to it through pipes, and never ends once that fails.
    """
    spec = find_spec('pycocoevalcap')
    if spec is None or not spec.submodule_search_locations:
        raise UnavailableError(f'needs meteor-1.5.jar of pycocoevalcap; {_NO_COCO}')
    folder = Path(next(iter(spec.submodule_search_locations))) / 'meteor'
    java = shutil.which('java')
    if java is None:
        raise UnavailableError('needs Java; install it, such as default-jre-headless of Debian')
    with tempfile.TemporaryDirectory() as name:
        files = [Path(name) / 'generated', Path(name) / 'references']
        for file, texts in zip(files, (generated, references), strict=True):
            # An empty line would be an end of input to it: a full stop matches no word.
            file.write_text(''.join(f'{text or "."}\n' for text in texts), encoding='utf-8')
        command = [java, '-Xmx2G', '-jar', 'meteor-1.5.jar', *map(str, files), '-l', 'en', '-norm']
        try:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=_METEOR_SECONDS
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise UnavailableError(f'meteor-1.5.jar cannot be run: {error}') from None
    found = re.search(r'^Final score:\s+([0-9.]+)\s*$', done.stdout, re.MULTILINE)
    if done.returncode or found is None:
        raise UnavailableError(f'meteor-1.5.jar failed: {(done.stderr or done.stdout)[-200:]}')
    return {'nlg/METEOR': float(found[1])}


class _Blanks:
    """Splits at blanks: words are made already."""

    def tokenize(self, text: str) -> list[str]:
        return text.split()


OVERLAPS: dict[str, Callable[[Sequence[str], Sequence[str]], dict[str, float]]] = {
    'BLEU': _bleu,
    'ROUGE-L': _rouge,
    'CIDEr': _cider,
    'METEOR': _meteor,
}
"""What there is, by name."""
