"""A demo with a small model of random weights that finds something everywhere."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdet_medglip.apis import MedGLIPInferencer
from mmdet_medglip.browser import DemoModel, DemoService, Limits
from tests.apis.conftest import grey, inferencer, make_model, model_files

__all__ = ['inferencer', 'make_model', 'model_files']


@pytest.fixture(scope='session')
def shared_model(make_model) -> MedGLIPInferencer:
    """A second model, for CT alone, with other weights than the first."""
    return MedGLIPInferencer(*make_model('ct'), device='cpu', show_progress=False)


@pytest.fixture
def make_service(
    inferencer: MedGLIPInferencer, tmp_path: Path
) -> Iterator[Callable[..., DemoService]]:
    """Make demos of one or more models; they are closed in the end."""
    made: list[DemoService] = []

    def make(*others: MedGLIPInferencer, **limits: int) -> DemoService:
        models = [DemoModel('first', inferencer)]
        models += [DemoModel(f'other {k}', one) for k, one in enumerate(others)]
        made.append(DemoService(models, Limits(**limits), parent=tmp_path))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def service(make_service) -> DemoService:
    """A demo of one model for CT and MR."""
    return make_service()


def png(height: int = 40, width: int = 60, seed: int = 0) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(grey(height, width, seed)).save(stream, format='PNG')
    return stream.getvalue()


def nifti(shape: tuple[int, ...] = (20, 30, 4)) -> bytes:
    import nibabel

    values = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    return nibabel.Nifti1Image(values, np.diag([-2.0, -1.0, 5.0, 1.0])).to_bytes()


def put(service: DemoService, token: str, *files: tuple[str, bytes]) -> None:
    service.begin_upload(token)
    for name, content in files:
        with service.receive(token, name, len(content)) as upload:
            for start in range(0, len(content), 1000):
                upload.write(content[start : start + 1000])
            upload.finish()


def asked(study: str = 'upload', **more: object) -> dict[str, object]:
    return {'study': study, 'modality': 'ct', **more}
