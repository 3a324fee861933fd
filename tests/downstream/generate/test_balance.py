"""No answer stands out after balancing."""

from collections import Counter

from mmdet_medglip.downstream.generate import AskedQuestion, balance, majority_answers


def question(number: int, answer: str, **changes: str) -> AskedQuestion:
    fields = {
        'question_id': f'{number}{"".join(changes.values())}',
        'image_id': str(number),
        'patient_id': 'p',
        'source': 's',
        'split': 'train',
        'modality': 'ct',
        'kind': 'presence',
        'label': 'liver',
        'question': 'Liver?',
        'answer': answer,
        'answer_type': 'closed',
    }
    return AskedQuestion(**{**fields, **changes})


def test_yes_and_no_are_kept_alike():
    asked = [question(n, 'yes' if n < 7 else 'no') for n in range(10)]
    found = balance(asked, seed=0)
    assert Counter(q.answer for q in found.questions) == {'yes': 3, 'no': 3}
    assert found.left_out == {'answer more frequent than others': 4}
    order = [asked.index(q) for q in found.questions]
    assert order == sorted(order)


def test_no_answer_is_kept_more_often_than_the_second():
    asked = [question(n, a) for n, a in enumerate(['one'] * 6 + ['two'] * 3 + ['three'])]
    found = balance(asked, seed=0)
    assert Counter(q.answer for q in found.questions) == {'one': 3, 'two': 3, 'three': 1}


def test_a_group_with_one_answer_goes():
    found = balance([question(1, 'yes'), question(2, 'yes', split='test')], seed=0)
    assert not found.questions
    assert found.left_out == {'only one answer occurs': 2}


def test_each_choice_of_words_is_balanced_for_itself():
    asked = [question(n, 'yes' if n < 3 else 'no', choice='left') for n in range(4)]
    asked += [question(n, 'no' if n < 3 else 'yes', choice='right') for n in range(4)]
    found = balance(asked, seed=0)
    numbers = Counter((q.choice, q.answer) for q in found.questions)
    assert set(numbers.values()) == {1} and len(numbers) == 4


def test_the_seed_chooses():
    asked = [question(n, 'yes' if n < 50 else 'no') for n in range(60)]
    first = balance(asked, seed=0)
    assert balance(asked, seed=0) == first
    assert balance(asked, seed=1) != first


def test_a_guess_is_the_most_frequent_answer_to_the_same_words():
    asked = [question(1, 'yes'), question(2, 'yes'), question(3, 'no')]
    asked += [question(4, 'no', question='Spleen?')]
    assert majority_answers(asked) == {'Liver?': 'yes', 'Spleen?': 'no'}
