"""Run RadEval in the environment that has it; started by its path, imports nothing of ours.

Standard input is JSON: ``metrics``, ``references``, ``generated``. The file named on the command
line gets one line of JSON for each metric: ``metric`` and ``figures``, or ``error``.
"""

import contextlib
import json
import sys


def main() -> None:
    """Compute each metric on its own, so that one that fails leaves the others."""
    job = json.load(sys.stdin)
    with open(sys.argv[1], 'w', encoding='utf-8') as out:
        for metric in job['metrics']:
            answer: dict = {'metric': metric}
            try:
                with contextlib.redirect_stdout(sys.stderr):
                    answer['figures'] = compute(metric, job['references'], job['generated'])
            except (Exception, SystemExit) as error:
                answer['error'] = f'{type(error).__name__}: {error}'
            out.write(json.dumps(answer) + '\n')
            out.flush()


def compute(metric: str, references: list[str], generated: list[str]) -> dict[str, float]:
    """Return the figures of a metric that are numbers, by RadEval's names."""
    from radeval import RadEval

    scores = RadEval(metrics=[metric], show_progress=False)(refs=references, hyps=generated)
    return {str(name): float(value) for name, value in scores.items()}


if __name__ == '__main__':
    main()
