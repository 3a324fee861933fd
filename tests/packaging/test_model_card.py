"""The card that is written."""

from mmdet_medglip.packaging.contents import REQUIRED, Contents, FileEntry
from mmdet_medglip.packaging.model_card import model_card

CONTENTS = Contents('mine', {name: FileEntry(1, '') for name in REQUIRED}, 'none', '', 0.4)


def test_what_is_said_about_the_model_comes_before_its_data():
    card = model_card(CONTENTS, 'CC0', ('ct',), 1200, None, about='For **phantoms** alone.\n')
    assert card.index('not for clinical use') < card.index('## About\n\nFor **phantoms** alone.\n')
    assert card.index('## About') < card.index('## Training data')
    assert '| Weights | 1,200 |' in card


def test_without_it_there_is_no_such_part():
    assert 'About' not in model_card(CONTENTS, 'CC0', (), 1, None)
