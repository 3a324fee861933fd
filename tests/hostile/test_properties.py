"""Properties for hypothesis: what is written comes back, and text of any kind keeps its spans."""

import tempfile
from pathlib import Path

import numpy as np
import pycocotools.mask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmdet_medglip.evaluation import ImageResult, Results, load_results, save_results
from mmdet_medglip.ingest.masks import decode_rle, encode_rle
from mmdet_medglip.ingest.paths import inside
from mmdet_medglip.ingest.rejects import one_line
from mmdet_medglip.ontology.plain_yaml import load_yaml
from mmdet_medglip.packaging.plain_values import plain_of, value_of
from mmdet_medglip.store.layout import decode_record, encode_record
from mmdet_medglip.structures import Instance, Record
from mmdet_medglip.structures.run_lengths import checked_runs, runs_of
from mmdet_medglip.text import parse_phrases, parse_prompt, parse_report, prompt_from_phrases

PROPERTY = settings(
    max_examples=40, derandomize=True, deadline=None, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip

TEXT = st.text(max_size=60)
WORDS = st.text(
    st.characters(exclude_categories=['Cs'], exclude_characters='.,;\n'), min_size=1, max_size=12
)
CLINICAL = st.lists(
    st.sampled_from(
        ['No', 'effusion', 'left', 'nodule', '5 mm', '.', ',', 'lung', 'IMPRESSION:', 'possible',
         'é', '\u00a0', '3 x 4 cm', 'unchanged', 'kidneys', '\n', '1.', '\u202e', '(', '"']
    ),
    max_size=30,
).map(' '.join)  # fmt: skip
SIDE = st.integers(1, 40)


@PROPERTY
@given(st.lists(WORDS, min_size=1, max_size=6))
def test_a_list_of_phrases_comes_back(phrases: list[str]) -> None:
    cleaned = list(dict.fromkeys(phrase.strip(' .') for phrase in phrases))
    if not all(phrase.strip() for phrase in cleaned):
        return
    prompt = prompt_from_phrases(cleaned)
    for phrase, ((start, end),) in zip(prompt.phrases, prompt.spans, strict=True):
        assert prompt.caption[start:end] == phrase
    assert prompt.phrases == tuple(cleaned)
    assert prompt.is_list


@PROPERTY
@given(TEXT)
def test_any_text_is_a_prompt_or_one_error(text: str) -> None:
    try:
        prompt = parse_prompt(text)
    except ValueError as error:
        assert str(error)
        return
    assert len(parse_phrases(text).mentions) == len(prompt)
    assert all(phrase and phrase == phrase.strip() for phrase in prompt.phrases)


@PROPERTY
@given(CLINICAL | TEXT)
def test_mentions_are_where_they_say(text: str) -> None:
    parsed = parse_report(text)
    for mention in parsed.mentions:
        assert text[mention.span[0] : mention.span[1]] == mention.text
    ends = [0, *(end for _, end in parsed.sentences)]
    starts = [start for start, _ in parsed.sentences]
    assert all(end <= start for end, start in zip(ends, starts, strict=False))


@st.composite
def records(draw: st.DrawFn) -> Record:
    """Draw a record of any sound values."""
    height, width = draw(SIDE), draw(SIDE)
    word = st.text(min_size=1, max_size=10).filter(lambda text: text.strip() != '').filter(_is_text)
    caption = draw(st.none() | word)
    instances = []
    for _ in range(draw(st.integers(0, 4))):
        x1, y1 = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        box = (x1, y1, draw(st.integers(x1 + 1, width)), draw(st.integers(y1 + 1, height)))
        mask = draw(st.none() | hnp.arrays(bool, (height, width)))
        spans = ((0, len(caption)),) if caption and draw(st.booleans()) else ()
        rle = None if mask is None else encode_rle(mask)
        instances.append(Instance(box, 'liver', draw(st.none() | word), spans, rle))
    number = st.floats(-1e6, 1e6).filter(lambda value: value != 0)
    return Record(
        draw(word), height, width, 'ct', draw(word), draw(word), 'images/a.png',
        draw(st.sampled_from(['train', 'val', 'test'])), tuple(instances), caption,
        rescale_slope=draw(number), flags=tuple(draw(st.lists(word, max_size=2))),
        slice_index=draw(st.none() | st.integers(0, 2**31)),
    )  # fmt: skip


def _is_text(text: str) -> bool:
    return not any('\ud800' <= letter <= '\udfff' for letter in text)


@PROPERTY
@given(records())
def test_records_come_back(record: Record) -> None:
    assert decode_record(encode_record(record)) == record


@PROPERTY
@given(records(), st.data())
def test_a_turned_byte_of_a_record_is_found_or_harmless(
    record: Record, data: st.DataObject
) -> None:
    content = bytearray(encode_record(record))
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        found = decode_record(bytes(content))
    except ValueError as error:
        assert 'not a stored record' in str(error)
        return
    for x1, y1, x2, y2 in (instance.bbox for instance in found.instances):
        assert 0 <= x1 < x2 <= found.width and 0 <= y1 < y2 <= found.height


@PROPERTY
@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=30)))
def test_masks_come_back(mask: np.ndarray) -> None:
    rle = encode_rle(mask)
    assert (decode_rle(rle) == mask).all()
    assert int(checked_runs(rle)[1::2].sum()) == mask.sum()


@PROPERTY
@given(st.text(st.characters(min_codepoint=40, max_codepoint=115), max_size=40))
def test_any_run_length_is_read_as_pycocotools_does_or_refused(counts: str) -> None:
    try:
        runs = runs_of(counts)
    except ValueError:
        return
    if not runs.size or runs.min() < 0 or not 0 < runs.sum() <= 10_000:
        return
    rle = {'size': [int(runs.sum()), 1], 'counts': counts}
    expected = np.repeat(np.arange(runs.size) % 2 == 1, runs)[:, None]
    assert (pycocotools.mask.decode(rle).astype(bool) == expected).all()


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(
            st.text(max_size=5).filter(lambda key: key != 'tuple()'), inner, max_size=3
        )
    ),
    max_leaves=12,
)


@PROPERTY
@given(PLAIN)
def test_plain_values_come_back(value: object) -> None:
    found = value_of(plain_of(value))
    assert found == value and repr(found) == repr(value)


@PROPERTY
@given(st.text(max_size=80))
def test_any_text_is_yaml_or_one_error(text: str) -> None:
    try:
        load_yaml(text)
    except ValueError as error:
        assert str(error) and '\n' not in str(error)


@PROPERTY
@given(
    st.lists(
        st.sampled_from(['..', '.', 'a', '', '~', 'C:', '\\', 'é', '\0', 'x' * 300, '%2e%2e']),
        max_size=6,
    )
)
def test_no_path_leaves_its_folder(parts: list[str]) -> None:
    root = Path(tempfile.gettempdir()).resolve() / 'root'
    try:
        path = inside(root, '/'.join(parts))
    except ValueError as error:
        assert str(root) in str(error)
        return
    assert path.resolve().is_relative_to(root)
    assert '..' not in path.parts


@PROPERTY
@given(st.text(max_size=900))
def test_a_line_of_a_table_is_one_line(text: str) -> None:
    line = one_line(text)
    assert len(line) <= 500 and len(line.splitlines()) <= 1
    line.encode('utf-8')


@settings(PROPERTY, max_examples=15)
@given(st.lists(st.tuples(TEXT.filter(_is_text), st.integers(0, 3), st.booleans()), max_size=4))
def test_results_come_back(images: list[tuple[str, int, bool]]) -> None:
    made = []
    for number, (text, count, is_caption) in enumerate(images):
        made.append(
            ImageResult(
                image_id=f'{number}', modality='ct', height=9, width=9, phrases=(text or 'x',),
                asked=None if is_caption else np.array([0]),
                boxes=np.tile(np.array([1, 2, 3, 4], np.float32), (count, 1)),
                scores=np.linspace(0, 1, count, dtype=np.float32),
                box_phrases=np.zeros(count, np.int64), gt_boxes=np.empty((0, 4), np.float32),
                gt_labels=np.empty(0, np.int64), gt_ignore=np.empty(0, bool), source=text,
            )
        )  # fmt: skip
    results = Results(('liver',), ('liver',), tuple(made), 'c', 'w')
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'r.npz'
        save_results(path, results)
        found = load_results(path)
    assert [image.image_id for image in found.images] == [image.image_id for image in made]
    for one, other in zip(found.images, made, strict=True):
        assert (one.phrases, one.source) == (other.phrases, other.source)
        assert (one.boxes == other.boxes).all() and (one.scores == other.scores).all()
