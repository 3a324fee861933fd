"""What the server does, without HTTP."""

from __future__ import annotations

import io
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from mmdet_medglip.apis import Failure, ReadOptions
from mmdet_medglip.apis.reading import ImageToRead
from mmdet_medglip.datasets.transforms import WINDOW_PRESETS
from mmdet_medglip.ontology import Ontology

from .answer import answer_of, refusing
from .asked import Asked
from .demo_model import DemoModel
from .downloads import Download, make_download
from .limits import Limits
from .refusal_error import RefusalError
from .sample import write_samples
from .sessions import Session, Sessions
from .study import OpenStudies, Study, StudyImages
from .upload import Upload
from .upload_kind import ACCEPTED

__all__ = ['DemoService']

UPLOAD = 'upload'


class DemoService:
    """Sessions, samples and models of one demo; safe to call from several threads.

    Args:
        models: One, or more that answer side by side, of different names.
        limits: What is taken at most.
        parent: Where its folder is made; None for the system's place of temporary files.

    Raises:
        ValueError: No model, or two of one name.
    """

    def __init__(
        self, models: Sequence[DemoModel], limits: Limits | None = None, parent: Path | None = None
    ) -> None:
        self.models = {model.name: model for model in models}
        if not models or len(self.models) != len(models):
            raise ValueError('Give at least one model, and each a name of its own.')
        self.limits = limits or Limits()
        self._studies = OpenStudies(self.limits.open_studies)
        self.sessions = Sessions(self.limits, self._studies.forget, parent=parent)
        self._samples = write_samples(self.sessions.folder / 'samples', self._served())
        self._model_lock = threading.Lock()
        self._places = threading.BoundedSemaphore(self.limits.waiting)

    def close(self) -> None:
        """End all sessions and remove all files."""
        self.sessions.close()

    def begin(self) -> dict[str, Any]:
        """Begin a session.

        Returns:
            Its token, and what the page has to know.

        Raises:
            RefusalError: Too many sessions.
        """
        session = self.sessions.begin()
        return {
            'session': session.token,
            'models': [
                {'name': one.name, 'levels': one.has_levels, 'heat_maps': one.has_heat_maps}
                for one in self.models.values()
            ],
            'samples': [
                {'name': one.name, 'title': one.title, 'prompt': one.prompt, 'start': one.start}
                for one in self._samples.values()
            ],
            'modalities': list(self._served() or Ontology.default().modalities),
            'windows': {name: list(pair) for name, pair in WINDOW_PRESETS.items()},
            'score_thr': next(iter(self.models.values())).inferencer.score_thr,
            'accepted': list(ACCEPTED),
            'upload_bytes': self.limits.upload_bytes,
            'files': self.limits.files,
            'idle_minutes': round(self.limits.idle_seconds / 60, 1),
        }

    def begin_upload(self, token: str | None) -> None:
        """Make room for files; what was uploaded before is removed."""
        session = self.sessions.get(token)
        with session.lock:
            self.sessions.drop_study(session)
            try:
                folder = Path(tempfile.mkdtemp(dir=session.folder))
            except FileNotFoundError:
                raise RefusalError('This session is over; reload the page.', 410) from None
            session.study = Study(folder)

    def receive(self, token: str | None, name: str, expected: int | None = None) -> Upload:
        """Begin to take a file.

        Raises:
            RefusalError: See :class:`Upload`.
        """
        session = self.sessions.get(token)
        if session.study is None:
            raise RefusalError('Begin an upload first.')
        return Upload(session, session.study, name, self.limits, expected)

    def open(self, token: str | None, told: Any) -> dict[str, Any]:
        """Tell what a study has.

        Raises:
            RefusalError: It cannot be read.
        """
        asked, session, study = self._find(token, told)
        with session.lock, self._place():
            found = self._images(study, asked)
        return {'slices': len(found.images), 'volume': found.is_volume, 'notes': list(found.notes)}

    def view(self, token: str | None, told: Any) -> tuple[bytes, dict[str, Any]]:
        """Show an image as the first model sees it.

        Returns:
            PNG; and size, modality, range of values and spacing.

        Raises:
            RefusalError: It cannot be read.
        """
        asked, session, study = self._find(token, told)
        first = next(iter(self.models.values()))
        with session.lock, self._place():
            image, read = self._image(study, asked)
            with refusing():
                one = next(first.inferencer.show([image], read))
            if isinstance(one, Failure):
                raise RefusalError(study.reason(one), 422)
        return _png(one.picture), {
            'name': study.own_source(one.source).name,
            'height': one.height,
            'width': one.width,
            'modality': one.modality,
            'intensity_range': [round(value, 3) for value in one.intensity_range],
            'spacing_mm': None if one.spacing_mm is None else list(map(float, one.spacing_mm)),
        }

    def predict(self, token: str | None, told: Any) -> dict[str, Any]:
        """Ask all models about an image.

        Returns:
            ``answers``, for each model its answer, or why there is none.

        Raises:
            RefusalError: The question or the study is wrong.
        """
        asked, session, study = self._find(token, told)
        with session.lock, self._place():
            image, read = self._image(study, asked)
            session.answers.clear()
            answers = []
            for model in self.models.values():
                question = asked.question(model.inferencer.ontology)
                how = asked.answer_options(has_levels=model.has_levels)
                with self._model_lock:
                    found = answer_of(model, image, question, read, how, study)
                if found.result is not None:
                    session.answers[model.name] = found
                answers.append({**found.told, 'dicom': found.is_dicom})
        return {'answers': answers}

    def heat_maps(self, token: str | None, told: Any, model_name: str) -> bytes:
        """Show where a model sees the words of each phrase.

        Returns:
            PNG.

        Raises:
            RefusalError: The question or the study is wrong, or the model has no such maps.
        """
        asked, session, study = self._find(token, told)
        model = self._model(model_name)
        question = asked.question(model.inferencer.ontology)
        with session.lock, self._place():
            image, read = self._image(study, asked)
            with self._model_lock, refusing():
                one = next(model.inferencer.heat_maps_of([image], question, read))
        if isinstance(one, Failure):
            raise RefusalError(study.reason(one), 422)
        return _png(one.draw())

    def download(self, token: str | None, model_name: str, kind: str) -> Download:
        """Give the last answer of a model as a file.

        Raises:
            RefusalError: There is none, or the kind is unknown.
        """
        session = self.sessions.get(token)
        model = self._model(model_name)
        with session.lock:
            if model.name not in session.answers:
                raise RefusalError('There is no answer to download yet; ask first.', 404)
            answer = session.answers[model.name]
            return make_download(answer, kind, session.folder, model.write_options)

    def _served(self) -> tuple[str, ...] | None:
        """Modalities that some model serves; None if one serves any."""
        served = [model.inferencer.modalities for model in self.models.values()]
        known = [names for names in served if names is not None]
        if len(known) < len(served):
            return None
        return tuple(sorted({name for names in known for name in names}))

    def _model(self, name: str) -> DemoModel:
        if name not in self.models:
            raise RefusalError(f'There is no model {name!r:.60}.', 404)
        return self.models[name]

    def _find(self, token: str | None, told: Any) -> tuple[Asked, Session, Study]:
        session = self.sessions.get(token)
        asked = Asked.from_json(told, self.limits)
        study = session.study if asked.study == UPLOAD else None
        if asked.study in self._samples:
            study = self._samples[asked.study].study
        if study is None:
            raise RefusalError(f'There is no study {asked.study!r:.60}; upload or choose one.', 404)
        return asked, session, study

    def _images(self, study: Study, asked: Asked) -> StudyImages:
        read = asked.read_options(study.modality)
        return self._studies.images(study, read.modality, read.plane)

    def _image(self, study: Study, asked: Asked) -> tuple[ImageToRead, ReadOptions]:
        images = self._images(study, asked).images
        if not 0 <= asked.slice_number < len(images):
            raise RefusalError(
                f'slice must be from 0 to {len(images) - 1}, got {asked.slice_number}.', 404
            )
        return images[asked.slice_number], asked.read_options(study.modality)

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise RefusalError('The demo is busy; try again in a moment.', 503)
        try:
            yield
        finally:
            self._places.release()


def _png(picture: npt.NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format='PNG', compress_level=3)
    return stream.getvalue()
