"""Files that announce, or unpack to, far more than they are: memory stays bounded."""

import multiprocessing
import resource
from pathlib import Path

import pytest

from .dicom import SUITES as DICOM
from .ledger import Suite, run_suite
from .raster import SUITES as RASTER
from .volumetric import SUITES as VOLUMES
from .written import SUITES as WRITTEN

ALLOWED_BYTES = 1_200_000_000
_SUITES = [
    suite
    for suite in (*RASTER, *VOLUMES, *DICOM, *WRITTEN)
    if suite.name.startswith('odd_')
    or suite.name in ('npz_bombs', 'x_ray', 'seg', 'rtstruct', 'voc', 'yolo', 'coco')
]


def _run_bounded(suite: Suite, folder: Path) -> None:
    """Run a suite with little memory beyond what the process has; a failure ends it with 1."""
    pages = int(Path('/proc/self/statm').read_text().split()[0])
    limit = pages * resource.getpagesize() + ALLOWED_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    run_suite(suite, folder)


@pytest.mark.skipif(not Path('/proc/self/statm').is_file(), reason='needs the proc file system')
@pytest.mark.parametrize('suite', _SUITES, ids=lambda suite: suite.name)
def test_memory_is_bounded(tmp_path: Path, suite: Suite) -> None:
    process = multiprocessing.get_context('fork').Process(
        target=_run_bounded, args=(suite, tmp_path)
    )
    process.start()
    process.join(120)
    assert process.exitcode == 0
