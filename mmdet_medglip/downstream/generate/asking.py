"""Ask everything that the truth of an image answers."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from statistics import median

import numpy as np

from mmdet_medglip.ontology import Ontology

from .asked_question import AskedQuestion
from .image_facts import ImageFacts
from .kinds import KINDS
from .topic import Topic

__all__ = ['ask_all', 'generator_of', 'usual_lengths']


def generator_of(seed: int, *names: str) -> np.random.Generator:
    """Return the random generator that belongs to some names."""
    return np.random.default_rng([seed, *(zlib.crc32(name.encode()) for name in names)])


def usual_lengths(facts: Iterable[ImageFacts]) -> dict[str, float]:
    """Return the median length in whole mm, by label, of the largest object of each image.

    Args:
        facts: Of images, as a rule those to train on; objects without a length are passed over.
    """
    lengths: dict[str, list[float]] = {}
    for one in facts:
        for label in one.objects:
            length = one.largest(label).length_mm
            if length is not None:
                lengths.setdefault(label, []).append(length)
    return {label: float(round(median(found))) for label, found in lengths.items()}


def ask_all(
    facts: ImageFacts, thresholds: Mapping[str, float], seed: int, ontology: Ontology | None = None
) -> list[AskedQuestion]:
    """Ask everything that can be asked of an image.

    Wordings and choices are drawn by a generator that belongs to the image, the kind and the
    label, so that the questions of an image do not depend on other images.

    Args:
        facts: Of the image.
        thresholds: Length in mm, by label, that sizes are compared with; without one no size is
            asked.
        seed: Of wordings and choices.
        ontology: Names of labels; the packaged one if None.

    Returns:
        Questions in the order of kinds and labels, possibly none.
    """
    ontology = ontology or Ontology.default()
    asked = []
    for kind, ask in KINDS.items():
        for label in facts.labels:
            rng = generator_of(seed, facts.image_id, kind, label)
            asking = ask(Topic(facts, label, rng, ontology, thresholds))
            if asking is None:
                continue
            asked.append(
                AskedQuestion(
                    question_id=f'{facts.image_id}:{kind}:{label}',
                    image_id=facts.image_id,
                    patient_id=facts.patient_id,
                    source=facts.source,
                    split=facts.split,
                    modality=facts.modality,
                    kind=kind,
                    label=label,
                    question=asking.wordings[int(rng.integers(len(asking.wordings)))],
                    answer=asking.answer,
                    answer_type=asking.answer_type,
                    choice=asking.choice,
                )
            )
    return asked
