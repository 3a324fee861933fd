import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from mmdet_medglip.downstream.vqa import READERS, VqaRecord, write_lines

RAD = {
    'qid': 12,
    'image_name': 'synpic1.png',
    'question': ' Is there a mass? ',
    'answer': 'Yes',
    'answer_type': 'CLOSED ',
    'phrase_type': 'test_freeform',
    'image_case_url': 'https://medpix/case-7',
}
SLAKE = {
    'qid': 3,
    'img_name': 'xmlab1/source.png',
    'question': 'What organ?',
    'answer': 'Lung',
    'answer_type': 'OPEN',
    'q_lang': 'en',
}
LINE = {
    'question_id': 'q1',
    'image_id': 'a',
    'image_path': 'images/a.png',
    'question': 'How many?',
    'answer': 2,
    'answer_type': 'open',
    'patient_id': 'p1',
}


def png(value=0):
    buffer = io.BytesIO()
    Image.fromarray(np.full((4, 6), value, np.uint8)).save(buffer, 'PNG')
    return buffer.getvalue()


@pytest.fixture
def write(tmp_path):
    """Write rows as JSON, or as lines, and the images that they name."""

    def write_rows(rows, name='set.json'):
        path = tmp_path / name
        is_lines = path.suffix == '.jsonl'
        text = '\n'.join(map(json.dumps, rows)) if is_lines else json.dumps(rows)
        path.write_text(text, encoding='utf-8')
        for relative in ('synpic1.png', 'xmlab1/source.png', 'images/a.png', 'test_1.jpg'):
            image = tmp_path / relative
            image.parent.mkdir(exist_ok=True)
            image.write_bytes(png())
        return path

    return write_rows


def test_vqa_rad(write, tmp_path):
    found = READERS['vqa-rad'](write([RAD]), tmp_path)
    assert found.records == (
        VqaRecord(
            '12',
            'synpic1',
            tmp_path / 'synpic1.png',
            'Is there a mass?',
            'Yes',
            'closed',
            'https://medpix/case-7',
        ),
    )


def test_vqa_rad_splits_and_missing_cases(write):
    train = {**RAD, 'qid': 13, 'phrase_type': 'para', 'image_case_url': '', 'answer': 3}
    path = write([RAD, train])
    found = READERS['vqa-rad'](path, split='train')
    assert [(r.question_id, r.patient_id, r.answer) for r in found.records] == [
        ('13', 'synpic1', '3')
    ]
    assert found.left_out == {"not of split 'train'": 1}
    assert found.records[0].image_path is None
    assert [r.question_id for r in READERS['vqa-rad'](path, split='test').records] == ['12']
    with pytest.raises(ValueError, match="got 'val'"):
        READERS['vqa-rad'](path, split='val')


def test_slake(write, tmp_path):
    path = write([SLAKE, {**SLAKE, 'qid': 4, 'q_lang': 'zh', 'question': '器官?'}])
    found = READERS['slake'](path, tmp_path)
    assert found.records == (
        VqaRecord(
            '3',
            'xmlab1',
            tmp_path / 'xmlab1/source.png',
            'What organ?',
            'Lung',
            'open',
            'xmlab1',
        ),
    )
    assert found.left_out == {"not in language 'en'": 1}
    assert len(READERS['slake'](path, language=None)) == 2


def test_lines_come_back(write, tmp_path):
    found = READERS['jsonl'](write([LINE], 'set.jsonl'), tmp_path).records
    assert found == (
        VqaRecord('q1', 'a', tmp_path / 'images/a.png', 'How many?', '2', 'open', 'p1'),
    )
    write_lines(tmp_path / 'again.jsonl', found)
    assert READERS['jsonl'](tmp_path / 'again.jsonl', tmp_path).records == found
    alone = READERS['jsonl'](tmp_path / 'again.jsonl').records
    assert alone[0].image_path is None
    with pytest.raises(ValueError, match='lies outside'):
        write_lines(tmp_path / 'images' / 'again.jsonl', found, tmp_path / 'xmlab1')


def test_lines_without_image_and_patient(write):
    row = {key: value for key, value in LINE.items() if key != 'patient_id'}
    (record,) = READERS['jsonl'](
        write(
            [
                {**row, 'image_path': None},
            ],
            'set.jsonl',
        )
    ).records
    assert (record.image_path, record.patient_id) == (None, 'a')


@pytest.fixture
def parquet(tmp_path):
    def write_table(rows, name='test-0.parquet', **columns):
        kind = pa.struct([('bytes', pa.binary()), ('path', pa.string())])
        images = [{'bytes': content, 'path': None} for content, _, _ in rows]
        table = {
            'image': pa.array(images, kind),
            'question': [question for _, question, _ in rows],
            'answer': [answer for _, _, answer in rows],
        }
        path = tmp_path / 'data' / name
        path.parent.mkdir(exist_ok=True)
        pq.write_table(pa.table(table | columns), path)
        return path

    return write_table


def test_path_vqa_of_hugging_face(parquet, tmp_path):
    rows = [(png(1), 'is it?', 'Yes'), (png(1), 'where?', 'in the wall'), (png(2), 'no?', 'no')]
    path = parquet(rows)
    parquet(rows[:1], 'train-0.parquet')
    found = READERS['path-vqa'](path.parent, tmp_path / 'images', split='test').records
    assert [r.question_id for r in found] == ['test-0:0', 'test-0:1', 'test-0:2']
    assert [r.answer_type for r in found] == ['closed', 'open', 'closed']
    assert found[0].image_id == found[1].image_id != found[2].image_id
    assert found[0].image_path.read_bytes() == png(1)
    assert len(list((tmp_path / 'images').iterdir())) == 2
    alone = READERS['path-vqa'](path).records
    assert [r.image_id for r in alone] == [r.image_id for r in found]
    assert alone[0].image_path is None
    assert len(READERS['path-vqa'](path.parent)) == 4


def test_path_vqa_of_json(write, tmp_path):
    row = {'image': 'test_1', 'question': 'what?', 'answer': 'bone'}
    for name in ('qa.json', 'qa.jsonl'):
        (record,) = READERS['path-vqa'](write([row], name), tmp_path).records
        assert (record.question_id, record.image_id) == ('qa:0', 'test_1')
        assert record.image_path == tmp_path / 'test_1.jpg'


def test_path_vqa_refuses(parquet, tmp_path):
    (tmp_path / 'qa.pkl').write_bytes(b'\x80')
    with pytest.raises(ValueError, match='is a pickle, which would run code'):
        READERS['path-vqa'](tmp_path / 'qa.pkl')
    with pytest.raises(ValueError, match='must end in'):
        READERS['path-vqa'](tmp_path / 'qa.csv')
    with pytest.raises(FileNotFoundError, match='has no files val'):
        READERS['path-vqa'](parquet([]).parent, split='val')
    path = tmp_path / 'bad.parquet'
    path.write_bytes(b'PAR1 not a table')
    with pytest.raises(ValueError, match='cannot be read as PathVQA'):
        READERS['path-vqa'](path)
    pq.write_table(pa.table({'question': ['a'], 'answer': ['b']}), path)
    with pytest.raises(ValueError, match="no column 'image'"):
        READERS['path-vqa'](path)
    path = parquet([(b'no image', 'is it?', 'yes')])
    with pytest.raises(ValueError, match=r'row 1: .* cannot be read as an image'):
        READERS['path-vqa'](path, tmp_path / 'images')
    with pytest.raises(ValueError, match=r"row 1: 'image' must be a name or the bytes"):
        READERS['path-vqa'](parquet([(None, 'is it?', 'yes')]), tmp_path / 'images')


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        pytest.param({'question': '  '}, "'question' is empty", id='empty_question'),
        pytest.param({'question': None}, "'question' must be text or a number", id='null'),
        pytest.param({'answer': ['yes']}, 'got list', id='answer_of_another_type'),
        pytest.param({'answer': True}, 'got bool True', id='bool'),
        pytest.param({'answer_type': 'YES/NO'}, "must be 'CLOSED' or 'OPEN'", id='answer_type'),
        pytest.param({'image_name': 'none.png'}, r'none\.png does not exist', id='no_image'),
        pytest.param({'image_name': '../set.json'}, r"'\.\./set\.json'", id='outside'),
        pytest.param({'image_name': 'set.json'}, 'cannot be read as an image', id='no_picture'),
    ],
)
def test_a_bad_question_is_an_error_or_skipped_with_its_reason(write, tmp_path, change, message):
    path = write([{**RAD, **change}, {**RAD, 'qid': 13}])
    with pytest.raises(ValueError, match=message) as caught:
        READERS['vqa-rad'](path, tmp_path)
    assert str(caught.value).startswith(f'{path}, question 1: ')
    found = READERS['vqa-rad'](path, tmp_path, skip_bad=True)
    assert [record.question_id for record in found.records] == ['13']
    (skipped,) = found.skipped
    assert skipped.where == f'{path}, question 1'
    assert 'skipped: 1 questions that cannot be asked' in found.summary()
    assert skipped.reason in found.summary()


def test_one_id_twice(write):
    with pytest.raises(ValueError, match=r"question 2: question_id '12' is that of .*question 1"):
        READERS['vqa-rad'](write([RAD, RAD]))


@pytest.mark.parametrize(
    ('kind', 'name', 'text', 'message'),
    [
        pytest.param('vqa-rad', 'a.json', '{"a": 1}', 'must be a JSON list', id='object'),
        pytest.param('vqa-rad', 'a.json', '[1]', 'must be an object, got int', id='number'),
        pytest.param('vqa-rad', 'a.json', '[{}]', "'image_name' is missing", id='no_field'),
        pytest.param('vqa-rad', 'a.json', '[]', 'No question is left', id='empty'),
        pytest.param('slake', 'a.json', '[', 'is not valid JSON', id='broken'),
        pytest.param('jsonl', 'a.jsonl', '{}\n[', 'line 1: The field', id='no_field_in_line'),
        pytest.param('jsonl', 'a.jsonl', '\n\n', 'No question is left', id='empty_lines'),
        pytest.param('jsonl', 'a.jsonl', '"' + 'a' * 1_000_001, 'has over', id='long_line'),
    ],
)
def test_a_bad_file_is_named(tmp_path, kind, name, text, message):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        READERS[kind](path)


@pytest.mark.parametrize('kind', READERS)
def test_a_missing_file_is_named(tmp_path, kind):
    name = 'a.jsonl' if kind == 'jsonl' else 'a.json'
    with pytest.raises(FileNotFoundError, match=f'{name} does not exist'):
        READERS[kind](tmp_path / name)


def test_unknown_fields_of_lines(write):
    with pytest.raises(ValueError, match="field 'colour' is not known"):
        READERS['jsonl'](write([{**LINE, 'colour': 1}], 'set.jsonl'))


def test_real_questions_in_the_vqa_rad_layout(real_data_root):
    folder = real_data_root / 'vqa' / 'vqa_med_2019_json'
    if not folder.is_dir():
        pytest.skip(f'no questions at {folder}')
    found = READERS['vqa-rad'](folder / 'testset.json')
    assert found.summary() == '2000 questions (202 closed, 1798 open) about 500 images'
    assert not found.skipped
    assert len(READERS['vqa-rad'](folder / 'trainset.json')) == 12_792
