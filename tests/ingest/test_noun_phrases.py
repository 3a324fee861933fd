import pytest

from mmdet_medglip.ingest.noun_phrases import (
    Mention,
    indefinite_article,
    is_mass,
    is_plural,
    mention,
    plural,
)
from mmdet_medglip.ontology import Ontology


@pytest.mark.parametrize(
    ('singular', 'expected'),
    [
        ('liver lesion', 'liver lesions'),
        ('lung mass', 'lung masses'),
        ('lung opacity', 'lung opacities'),
        ('X-ray', 'X-rays'),
        ('brain metastasis', 'brain metastases'),
        ('pneumothorax', 'pneumothoraces'),
        ('C1 vertebra', 'C1 vertebrae'),
        ('nevus', 'nevi'),
        ('maxillary sinus', 'maxillary sinuses'),
        ('thyroid carcinoma', 'thyroid carcinomas'),
        ('tooth', 'teeth'),
        ('nodule of the lung', 'nodules of the lung'),
        ('cyst (simple)', 'cysts (simple)'),
        ('pancreas', 'pancreases'),
        ('hard exudates', 'hard exudates'),
        ('drusen', 'drusen'),
        ('pulmonary edema', 'pulmonary edema'),
        ('pulmonary fibrosis', 'pulmonary fibrosis'),
    ],
)
def test_plural(singular: str, expected: str) -> None:
    assert plural(singular) == expected


@pytest.mark.parametrize('name', ['lens', 'pelvis', 'esophagus', 'biceps', 'abscess', 'pancreas'])
def test_singulars_that_end_in_s(name: str) -> None:
    assert not is_plural(name)


@pytest.mark.parametrize(
    ('words', 'article'),
    [
        ('ulcer', 'an'),
        ('uterine fibroid', 'a'),
        ('unilateral effusion', 'a'),
        ('MR image', 'an'),
        ('X-ray image', 'an'),
        ('CT slice', 'a'),
        ('PA X-ray image', 'a'),
        ('axial view', 'an'),
        ('', 'a'),
    ],
)
def test_indefinite_article(words: str, article: str) -> None:
    assert indefinite_article(words) == article


def test_several_uncounted_areas() -> None:
    assert is_mass('colitis')
    found = mention('colitis', 1, anatomy=False, whole=False, crowd=True)
    assert found == Mention('several areas of ', 'colitis')


def test_a_given_plural_is_used() -> None:
    given = mention('radius', 2, anatomy=False, whole=False, plural_name='radii')
    assert given == Mention('two ', 'radii')


def test_only_uncounted_findings_stay_as_they_are() -> None:
    ontology = Ontology.default()
    names = [ontology.display_name(label) for label in ontology.labels if ontology.is_lesion(label)]
    same = {name for name in names if plural(name) == name}
    assert all(is_plural(name) or is_mass(name) for name in same)
