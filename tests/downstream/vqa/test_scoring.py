import pytest

from mmdet_medglip.downstream.vqa import OpenScore, closed_hit, exact_match, open_score
from mmdet_medglip.downstream.vqa.normalisation import normalise


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        pytest.param('The Left lung', 'left lung', id='articles_and_case'),
        pytest.param('none', '0', id='none_is_0'),
        pytest.param('two or ten', '2 or 10', id='numbers'),
        pytest.param('x-ray', 'x ray', id='a_mark_becomes_a_space'),
        pytest.param('x-ray - plain', 'xray plain', id='a_mark_beside_a_space_goes_everywhere'),
        pytest.param('t2/flair, axial', 't2 flair axial', id='each_mark_by_itself'),
        pytest.param('x-ray of 1,000', 'xray of 1000', id='a_number_with_comma_takes_all_marks'),
        pytest.param('3.5 cm. Yes.', '3.5 cm yes', id='full_stops_but_of_numbers'),
        pytest.param('. ' * 33 + 'a.b', '. a.b', id='the_first_32_full_stops'),
        pytest.param("dont couldntve couldn'tve", "don't couldntve couldn't've", id='contractions'),
        pytest.param("somebody'd", 'somebodyd', id='the_one_that_loses_its_apostrophe'),
        pytest.param("left kidney's", "left kidney's", id='apostrophes_stay'),
        pytest.param(' \n ', '', id='nothing'),
    ],
)
def test_normalise(text, expected):
    assert normalise(text) == expected


@pytest.mark.parametrize(
    ('prediction', 'truth', 'expected'),
    [
        pytest.param('yes', 'Yes', True, id='same'),
        pytest.param('Yes, there is a mass.', 'yes', True, id='within_a_sentence'),
        pytest.param('no', 'yes', False, id='wrong_one_counts_as_wrong'),
        pytest.param('It is normal.', 'no', True, id='letters_of_normal'),
        pytest.param('I do not know', 'no', True, id='letters_of_not'),
        pytest.param('yes and no', 'no', True, id='both_are_said'),
        pytest.param('there is a mass', 'yes', False, id='neither_is_said'),
        pytest.param('left', 'left', False, id='right_answer_without_yes_or_no'),
        pytest.param('no, the left', 'left', True, id='letters_of_both'),
        pytest.param('', 'no', False, id='empty'),
        pytest.param('none', 'no', False, id='none_is_0_and_not_no'),
    ],
)
def test_closed(prediction, truth, expected):
    assert closed_hit(prediction, truth) is expected


@pytest.mark.parametrize(
    ('prediction', 'truth', 'expected'),
    [
        pytest.param('left lung', 'left lung', (1, 1, 1), id='same'),
        # said: right lower lobe (3), true: lower lobe (2).
        pytest.param('right lower lobe', 'lower lobe', (1, 2 / 3, 4 / 5), id='more_than_true'),
        # said: left lung (2), true: left upper lung (3).
        pytest.param('the left lung', 'left upper lung', (2 / 3, 1, 4 / 5), id='less_than_true'),
        # lung is said twice: 2 by 2 + 1 missed, and 2 of 3 words said.
        pytest.param('lung lung heart', 'lung kidney', (2 / 3, 2 / 3, 2 / 3), id='said_twice'),
        # The truth says it twice, the prediction once: nothing is missed.
        pytest.param('lung', 'lung lung', (1, 1, 1), id='true_twice'),
        pytest.param('liver', 'spleen', (0, 0, 0), id='nothing_in_common'),
        pytest.param('', 'spleen', (0, 0, 0), id='nothing_said'),
        pytest.param('the', 'spleen', (0, 0, 0), id='articles_are_no_words'),
        pytest.param('spleen', 'the', (0, 0, 0), id='truth_without_words'),
        pytest.param('2 lesions', 'two lesions', (1, 1, 1), id='numbers'),
    ],
)
def test_open(prediction, truth, expected):
    found = open_score(prediction, truth)
    assert found == OpenScore(*map(pytest.approx, expected))


@pytest.mark.parametrize(
    ('prediction', 'truth', 'expected'),
    [
        pytest.param('The left lung.', 'Left lung', True, id='normalised'),
        pytest.param('left', 'left', True, id='closed_without_yes_or_no'),
        pytest.param('yes, it is', 'yes', False, id='more_than_true'),
        pytest.param('normal', 'no', False, id='words_not_letters'),
        pytest.param('lung left', 'left lung', False, id='order'),
    ],
)
def test_exact(prediction, truth, expected):
    assert exact_match(prediction, truth) is expected
