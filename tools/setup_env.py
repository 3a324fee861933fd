"""Set up one virtual environment, step by step, skipping every step already done.

Runs under the system Python with nothing but the standard library:

    python3 tools/setup_env.py [--line maintained|upstream] [--venv .venv] [--with test docs]

Each step leaves a stamp in ``<venv>/.medglip``: a hash of its requirement files and of the steps
before it. A step runs again when its hash changes, so editing a pin re-installs what depends on it
and nothing else, and a warm call takes well under a second.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from setup_diagnosis import (
    SetupError,
    check_compiler,
    check_disk,
    check_python,
    diagnose,
    tail,
)

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / 'requirements'
LINES = {'maintained': 'openmmlab.txt', 'upstream': 'openmmlab-upstream.txt'}
HEARTBEAT_SECONDS = 60

VERIFY = """
import torch, torchvision, cv2, mmengine, mmdet.models, mmpretrain.models
from mmcv.ops import nms
boxes = torch.tensor([[0., 0., 10., 10.], [1., 1., 10., 10.], [20., 20., 30., 30.]])
kept = nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5)[1].tolist()
if kept != [0, 2]:
    raise SystemExit(f'mmcv.ops.nms kept {kept} instead of [0, 2]: the compiled extension is wrong')
"""


@dataclass(frozen=True)
class Step:
    """One part of the environment and the content that decides whether it is up to date."""

    name: str
    content: str
    run: Callable[[], None]
    chained: bool = True
    """Whether later steps run again when this one did."""


@dataclass
class Environment:
    """A virtual environment and the commands that fill it."""

    path: Path
    line: str

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.path / 'bin' / 'python'

    @property
    def stamps(self) -> Path:
        """Folder of the stamps and of the log."""
        return self.path / '.medglip'

    def call(self, command: list[str], env: dict[str, str] | None = None) -> None:
        """Run a command into the log.

        Raises:
            SetupError: If it fails, with the remedy found in its output.
        """
        self.stamps.mkdir(parents=True, exist_ok=True)
        log = self.stamps / 'setup.log'
        with log.open('w', encoding='utf-8') as stream:
            process = subprocess.Popen(
                command,
                stdout=stream,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=ROOT,
                env={**os.environ, 'PIP_DISABLE_PIP_VERSION_CHECK': '1', **(env or {})},
            )
            try:
                code = wait(process)
            finally:
                if process.poll() is None:
                    process.terminate()
        if code != 0:
            output = log.read_text(encoding='utf-8', errors='replace')
            raise SetupError(f'{diagnose(output)}\n\nLast lines of {log}:\n{tail(output)}')

    def succeeds(self, script: str) -> bool:
        """Tell whether a Python script runs in the environment."""
        try:
            self.call([str(self.python), '-c', script])
        except SetupError:
            return False
        return True

    def pip(self, *arguments: str, env: dict[str, str] | None = None) -> None:
        """Run pip of the environment."""
        self.call([str(self.python), '-m', 'pip', *arguments], env)


def wait(process: subprocess.Popen[bytes]) -> int:
    """Wait for a process with a sign of life each minute, and return its exit status."""
    started = time.monotonic()
    while True:
        try:
            return process.wait(timeout=HEARTBEAT_SECONDS)
        except subprocess.TimeoutExpired:
            print(f'    ... {time.monotonic() - started:.0f} s', flush=True)


def mmcv_build_env(environment: Environment) -> dict[str, str]:
    """Return the variables for mmcv's build; without nvcc the ops are built for the CPU only."""
    env = {'MMCV_WITH_OPS': '1', 'MAX_JOBS': os.environ.get('MAX_JOBS', str(os.cpu_count() or 1))}
    cuda_home = os.environ.get('CUDA_HOME') or os.environ.get('CUDA_PATH')
    if not cuda_home and not shutil.which('nvcc'):
        # torch sees a GPU, so mmcv would call a CUDA compiler that is not there.
        env['CUDA_VISIBLE_DEVICES'] = ''
    return env


def steps(environment: Environment, groups: list[str]) -> Iterator[Step]:
    """Yield the steps in order."""
    # Dependencies of a step may not move the pins of another.
    pins = [
        f'--constraint={REQUIREMENTS / name}'
        for name in ('torch.txt', LINES[environment.line], 'runtime.txt')
    ]

    def requirement(name: str) -> str:
        return (REQUIREMENTS / name).read_text(encoding='utf-8')

    def install(name: str) -> Callable[[], None]:
        return lambda: environment.pip('install', '-r', str(REQUIREMENTS / name), *pins)

    def install_line() -> None:
        check_compiler()
        name = LINES[environment.line]
        env = mmcv_build_env(environment)
        environment.pip(
            'install', '--no-build-isolation', '-r', str(REQUIREMENTS / name), *pins, env=env
        )
        if not environment.succeeds('import mmcv.ops'):
            # pip may have cached a wheel that was built against another torch.
            mmcv = [pin for pin in requirement(name).split() if re.match(r'(onedl-)?mmcv==', pin)]
            print('    mmcv does not load; building it again', flush=True)
            flags = ['--no-build-isolation', '--no-deps', '--force-reinstall', '--no-cache-dir']
            environment.pip('install', *flags, *mmcv, env=env)

    def install_runtime() -> None:
        install('runtime.txt')()
        # Two OpenCV packages share the folder cv2 and the last one wins: the one with windows,
        # or, where the machine lacks libGL, the headless one.
        for name in ('opencv-python', 'opencv-python-headless'):
            pin = re.search(rf'^{name}==\S+', requirement('runtime.txt'), re.MULTILINE)
            if pin is None:
                raise SetupError(f'requirements/runtime.txt pins no {name}; put the pin back.')
            environment.pip('install', '--no-deps', '--force-reinstall', pin.group())
            if environment.succeeds('import cv2'):
                return

    yield Step('build tools', requirement('build.txt'), install('build.txt'))
    yield Step('torch', requirement('torch.txt'), install('torch.txt'))
    yield Step(
        f'OpenMMLab, {environment.line} line (mmcv compiles: about 5-10 minutes)',
        requirement(LINES[environment.line]),
        install_line,
    )
    yield Step('run-time packages', requirement('runtime.txt'), install_runtime)
    yield Step(
        'mmdet_medglip, editable',
        f'{ROOT}{(ROOT / "setup.py").read_text(encoding="utf-8")}',
        lambda: environment.pip('install', '--no-deps', '--no-build-isolation', '-e', str(ROOT)),
    )
    yield Step(
        'check: torch, mmcv ops, mmdet, mmpretrain',
        VERIFY,
        lambda: environment.call([str(environment.python), '-c', VERIFY]),
    )
    for group in groups:
        yield Step(
            f'{group} packages', requirement(f'{group}.txt'), install(f'{group}.txt'), chained=False
        )


def create(environment: Environment) -> None:
    """Create the virtual environment if it is not there.

    Raises:
        SetupError: If Python is too old, its venv module is missing, or the environment holds
            the other OpenMMLab line.
    """
    check_python()
    marker = environment.stamps / 'line'
    if marker.is_file() and marker.read_text() != environment.line:
        raise SetupError(
            f'{environment.path} holds the {marker.read_text()} OpenMMLab line; installing the '
            f'{environment.line} line over it would break both. Choose another --venv.'
        )
    if not marker.is_file():
        environment.path.parent.mkdir(parents=True, exist_ok=True)
        check_disk(environment.path.parent)
        print(f'==> virtual environment {environment.path}', flush=True)
        command = [sys.executable, '-m', 'venv', '--clear', str(environment.path)]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            raise SetupError(
                'Python could not create a virtual environment. Debian/Ubuntu: apt install '
                f'python3-venv.\n{tail(result.stdout + result.stderr)}'
            )
        environment.stamps.mkdir(parents=True)
        marker.write_text(environment.line)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock beside the environment, so that two set-ups do not mix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with (path.parent / f'{path.name}.lock').open('w') as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f'waiting for another set-up of {path}', flush=True)
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def set_up(environment: Environment, groups: list[str]) -> int:
    """Run every step whose stamp is missing or stale, and return how many ran."""
    create(environment)
    chain = hashlib.sha256(sys.version.encode())
    ran = 0
    for step in steps(environment, groups):
        digest = chain.copy()
        digest.update(step.content.encode())
        if step.chained:
            chain = digest
        name = re.sub(r'\W+', '-', step.name.partition(' (')[0])
        stamp = environment.stamps / f'{name}.stamp'
        if stamp.is_file() and stamp.read_text() == digest.hexdigest():
            continue
        print(f'==> {step.name}', flush=True)
        started = time.monotonic()
        try:
            step.run()
        except SetupError as error:
            raise SetupError(f'Step "{step.name}" failed. {error}') from None
        stamp.write_text(digest.hexdigest())
        print(f'    done in {time.monotonic() - started:.0f} s', flush=True)
        ran += 1
    return ran


def main() -> int:
    """Set up, or say what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--venv', type=Path, default=ROOT / '.venv', help='where it lives')
    parser.add_argument('--line', choices=sorted(LINES), default='maintained')
    parser.add_argument(
        '--with', dest='groups', nargs='*', choices=['test', 'docs'], default=['test']
    )
    args = parser.parse_args()
    # A terminated set-up takes its pip with it.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    environment = Environment(Path(os.path.abspath(args.venv)), args.line)
    try:
        with locked(environment.path):
            ran = set_up(environment, args.groups)
    except SetupError as error:
        print(f'\nset-up stopped: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('\nset-up interrupted; call again to go on', file=sys.stderr)
        return 130
    if ran:
        print(f'environment ready: {environment.path}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
