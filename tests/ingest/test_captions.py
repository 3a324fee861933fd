import random
from dataclasses import replace

import pytest

from mmdet_medglip.ingest.captions import caption_of, with_caption
from mmdet_medglip.ingest.noun_phrases import is_mass
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.structures import Instance, Record

BOX = (1, 2, 4, 5)


def _record(*labels: str, image_id: str = 'a', **fields) -> Record:
    instances = tuple(Instance(BOX, label) for label in labels)
    common = {'modality': 'ct', 'source': 'demo', 'patient_id': 'p', 'instances': instances}
    return Record(image_id, 8, 8, **common | fields)


def _named(record: Record) -> list[str]:
    caption = caption_of(record)
    return [caption.text[start:end] for ((start, end),) in caption.spans]


def _findings(record: Record) -> str:
    """The sentence without what stands before its findings."""
    text = caption_of(record).text
    for mark in (' showing ', ' with ', ' shows ', ': '):
        if mark in text:
            return text.split(mark, 1)[1]
    raise AssertionError(text)


@pytest.mark.parametrize(
    ('labels', 'expected'),
    [
        pytest.param(['liver'], 'the liver.', id='organ'),
        pytest.param(['kidney_left'], 'the left kidney.', id='laterality'),
        pytest.param(['polyp'], 'a polyp.', id='finding'),
        pytest.param(['lesion', 'lesion'], 'two lesions.', id='two'),
        pytest.param(['brain_metastasis'] * 3, 'three brain metastases.', id='latin plural'),
        pytest.param(['kidney_stone'] * 13, '13 kidney stones.', id='digits above twelve'),
        pytest.param(['pneumonia'], 'pneumonia.', id='mass noun'),
        pytest.param(['pneumonia'] * 2, 'two areas of pneumonia.', id='areas of a mass noun'),
        pytest.param(['colon'] * 2, 'two parts of the colon.', id='parts of one organ'),
        pytest.param(['pacemaker'], 'a pacemaker.', id='device'),
        pytest.param(['vertebrae'] * 4, 'four vertebrae.', id='plural already'),
        pytest.param(
            ['kidney_right', 'liver_lesion', 'kidney_left', 'liver_lesion'],
            'the right kidney, two liver lesions and the left kidney.',
            id='groups in order of appearance',
        ),
    ],
)
def test_findings(labels: list[str], expected: str) -> None:
    assert _findings(_record(*labels)) == expected


def test_image_words() -> None:
    record = _record(view='axial', body_region='abdomen', instances=())
    assert 'axial CT slice of the abdomen with no annotated finding.' in caption_of(record).text
    assert caption_of(record).spans == ()
    xray = replace(record, modality='xray', view='PA', body_region='head_and_neck')
    assert 'PA X-ray image of the head and neck' in caption_of(xray).text
    assert ' MR image with' in caption_of(_record(modality='mri', instances=())).text


def test_wording_depends_on_the_image_only() -> None:
    texts = {caption_of(_record('liver', image_id=str(number))).text for number in range(50)}
    assert len(texts) == 4
    assert caption_of(_record('liver')) == caption_of(_record('liver'))


def test_crowds_are_several() -> None:
    crowd = (Instance(BOX, 'polyp', is_crowd=True),)
    assert _findings(_record(instances=crowd)) == 'several polyps.'


def test_phrases_of_the_source_are_named_as_they_are() -> None:
    instances = (
        Instance(BOX, phrase='Knötchen  im\nlinken Lappen 🫁'),
        Instance(BOX, 'liver'),
        Instance(BOX, phrase='Knötchen im linken Lappen 🫁'),
        Instance(BOX, phrase='  '),
    )
    phrase = 'Knötchen im linken Lappen 🫁'
    assert _named(_record(instances=instances)) == [phrase, 'liver', phrase, 'region']


def test_every_span_is_the_noun_phrase_of_its_label() -> None:
    ontology = Ontology.default()
    draw = random.Random(0)
    views = (None, 'axial', 'PA', 'übersicht', 'vue antérieure', '側面')
    for number in range(3000):
        labels = draw.choices(ontology.labels, k=draw.randrange(6))
        labels += draw.choices(labels, k=draw.randrange(5)) if labels else []
        record = _record(
            *labels,
            image_id=f'img-{number}',
            modality=draw.choice(ontology.modalities),
            view=draw.choice(views),
            body_region=draw.choice((None, 'chest', '腹部')),
        )
        caption = caption_of(record, ontology)
        assert len(caption.spans) == len(record.instances)
        for label, ((start, end),) in zip(labels, caption.spans, strict=True):
            name, info = ontology.display_name(label), ontology.info(label)
            parts = info.box_policy == 'single' and not (info.is_lesion or info.is_device)
            one = labels.count(label) == 1 or parts or is_mass(name)
            expected = name if one else info.plural
            assert caption.text[start:end] == expected, caption.text


def test_a_record_gets_caption_and_spans() -> None:
    record = with_caption(_record('liver', 'liver_lesion', 'liver_lesion'))
    words = [
        [record.caption[start:end] for start, end in instance.tokens_positive]
        for instance in record.instances
    ]
    assert words == [['liver'], ['liver lesions'], ['liver lesions']]
    assert with_caption(_record(instances=())).caption.endswith('with no annotated finding.')


@pytest.mark.parametrize('caption', ['A report.', ''], ids=['words', 'empty'])
def test_own_captions_are_kept(caption: str) -> None:
    record = _record('liver', caption=caption)
    assert with_caption(record) is record


def test_unknown_labels_are_an_error() -> None:
    with pytest.raises(ValueError, match='no_such_label'):
        caption_of(_record('no_such_label'))
