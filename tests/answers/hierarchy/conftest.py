import pytest

from mmdet_medglip.answers.hierarchy import Family, family_of
from mmdet_medglip.ontology import Ontology


@pytest.fixture
def family():
    """Relations of phrases in the packaged ontology."""

    def make(*phrases: str, modality: str | None = None, ask_above: bool = False) -> Family:
        return family_of(phrases, Ontology.default(), modality, ask_above)

    return make
