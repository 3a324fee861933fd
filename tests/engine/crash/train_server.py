"""Run tools/train.py many times without importing it many times: one fork for each run.

Reads requests from standard input, one JSON object a line: ``argv`` of train.py, ``log``, and when
to kill with SIGKILL: ``events``, at which change of a file in the work folder, or ``seconds`` after
the first one. Answers each with ``code`` and ``signal``, one JSON object a line.
"""

import json
import os
import random
import runpy
import signal
import sys
import threading
import time
from pathlib import Path

CHANGES = ('open', 'os.rename', 'os.remove', 'os.mkdir')


def main() -> None:
    program = sys.argv[1]
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)  # Libraries print while they are imported.
    import mmdet.apis  # noqa: F401

    import mmdet_medglip.datasets
    import mmdet_medglip.engine
    import mmdet_medglip.models  # noqa: F401 - all this takes long

    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            train(program, request)
        _, status = os.waitpid(pid, 0)
        signalled = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
        print(json.dumps(dict(code=code, signal=signalled)), file=answers, flush=True)


def train(program: str, request: dict) -> None:
    import numpy as np
    import torch

    code = 1
    try:
        log = os.open(request['log'], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        torch.set_num_threads(1)
        seed = time.time_ns() % 2**32  # Nothing may hang on what this process drew before.
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        die_at(request)
        sys.argv = [program, *request['argv']]
        runpy.run_path(program, run_name='__main__')
        code = 0
    except SystemExit as stop:
        print(stop.code, flush=True)
        code = 0 if stop.code in (None, 0) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def die_at(request: dict) -> None:
    """Kill this process with the wanted change of a checkpoint, or some time after the first."""
    folder, events, seconds = request['work_dir'], request.get('events'), request.get('seconds')
    seen = [0]

    def look(event: str, arguments: tuple) -> None:
        if event not in CHANGES or not isinstance(arguments[0], str | os.PathLike):
            return
        path = Path(os.fspath(arguments[0]))
        if not str(path).startswith(folder):
            return
        if '.pth' not in path.name and path.name != 'last_checkpoint':
            return
        seen[0] += 1
        if seen[0] == events:
            os.kill(os.getpid(), signal.SIGKILL)

    if events is not None:
        sys.addaudithook(look)
    if seconds is not None:

        def wait() -> None:
            while not Path(folder, 'seen.jsonl').exists():
                time.sleep(0.01)
            time.sleep(seconds)
            os.kill(os.getpid(), signal.SIGKILL)

        threading.Thread(target=wait, daemon=True).start()


if __name__ == '__main__':
    main()
