import dataclasses
import io
import json
import zipfile

import numpy as np
import pytest

from mmdet_medglip.evaluation import ImageResult, Results, load_results, save_results


def boxes(*rows):
    return np.array(rows, np.float32).reshape(-1, 4)


def label_image(image_id='b', **changes):
    values = {
        'image_id': image_id,
        'modality': 'ct',
        'height': 100,
        'width': 80,
        'phrases': ('left kidney', 'liver'),
        'asked': np.array([2, 0]),
        'boxes': boxes([0, 0, 10, 10], [1 / 3, 2, 30, 40]),
        'scores': np.array([0.1, 0.9], np.float32),
        'box_phrases': np.array([1, 0]),
        'gt_boxes': boxes([0, 0, 10, 11]),
        'gt_labels': np.array([1]),
        'gt_ignore': np.array([True]),
        'image_path': 'images/ü.png',
        'body_region': 'abdomen',
        'source': 'set',
        'patient_id': 'p1',
        'presence': np.array([0.25, 1 / 3]),
        'above_boxes': boxes([5, 5, 6, 6]),
        'above_scores': np.array([0.5], np.float32),
        'above_nodes': ('kidney',),
        'series_id': 'séries',
        'slice_index': 0,
        'gt_objects': ('kidney:1',),
    }
    return ImageResult(**values | changes)


def caption_image(image_id='a', **changes):
    values = {
        'image_id': image_id,
        'modality': 'xray',
        'height': 5,
        'width': 5,
        'phrases': ('a nodule',),
        'asked': None,
        'boxes': boxes(),
        'scores': np.empty(0, np.float32),
        'box_phrases': np.empty(0, np.int64),
        'gt_boxes': boxes([0, 0, 1, 1]),
        'gt_labels': np.array([0]),
        'gt_ignore': np.array([False]),
    }
    return ImageResult(**values | changes)


def results(*images, **changes):
    names = ('liver', 'spleen', 'kidney_left')
    values = {'classes': names, 'class_names': names, 'config': 'ct.py', 'checkpoint': 'epoch.pth'}
    return Results(images=images, **values | changes)


def same(one, other):
    for field in dataclasses.fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, np.ndarray):
            assert a.dtype == b.dtype, field.name
            np.testing.assert_array_equal(a, b, err_msg=field.name)
        elif field.name == 'images':
            for x, y in zip(a, b, strict=True):
                same(x, y)
        else:
            assert a == b, field.name
    return True


@pytest.mark.parametrize(
    'written',
    [
        pytest.param(results(label_image(), caption_image(), info={'seed': '1'}), id='both-kinds'),
        pytest.param(results(), id='no-images'),
        pytest.param(results(caption_image(), classes=(), class_names=()), id='captions-alone'),
        pytest.param(
            results(
                label_image(phrases=(), asked=np.empty(0, np.int64), presence=None, boxes=boxes(),
                            scores=np.empty(0, np.float32), box_phrases=np.empty(0, np.int64))
            ),
            id='nothing-asked',
        ),
    ],
)  # fmt: skip
def test_everything_comes_back_exactly(tmp_path, written):
    save_results(tmp_path / 'new' / 'r.npz', written)
    assert same(load_results(tmp_path / 'new' / 'r.npz'), written)


def test_order_leaves_no_trace(tmp_path):
    images = [label_image(name) for name in 'cab']
    save_results(tmp_path / '1.npz', results(*images))
    save_results(tmp_path / '2.npz', results(*reversed(images)))
    assert (tmp_path / '1.npz').read_bytes() == (tmp_path / '2.npz').read_bytes()
    assert [image.image_id for image in load_results(tmp_path / '1.npz').images] == list('abc')


def test_labels_and_detections_of_the_prompt():
    found = results(label_image(), caption_image())
    assert found.images[1].labels.tolist() == [0, 2]
    (detections,) = found.detections()
    assert detections.labels.tolist() == [0, 2]
    assert detections.asked.tolist() == [2, 0]
    assert found.images[0].cluster == ('image', '', 'a')
    assert found.images[1].cluster == ('patient', 'set', 'p1')
    assert len(found.select(lambda image: image.modality == 'ct')) == 1


def test_phrases_carry_their_boxes_best_first_and_their_truth():
    image = label_image(
        boxes=boxes([0, 0, 1, 1], [0, 0, 2, 2], [0, 0, 3, 3]),
        scores=np.array([0.2, 0.9, 0.9], np.float32),
        box_phrases=np.array([0, 0, 0]),
        gt_boxes=boxes([0, 0, 4, 4], [0, 0, 5, 5]),
        gt_labels=np.array([2, 0]),
        gt_ignore=np.array([False, True]),
        gt_objects=(),
    )
    kidney, liver = results(image).phrases()
    assert (kidney.presence, liver.presence) == (0.25, 1 / 3)
    assert (kidney.label, liver.label) == (2, 0)
    assert kidney.boxes[:, 2].tolist() == [2, 3, 1]
    assert kidney.gt_boxes.tolist() == [[0, 0, 4, 4]]
    assert (len(liver.boxes), len(liver.gt_boxes), liver.has_crowd) == (0, 0, True)
    (nodule,) = results(caption_image()).phrases()
    assert (nodule.label, len(nodule.gt_boxes), nodule.presence) == (None, 1, 0.0)


@pytest.mark.parametrize(
    ('make', 'message'),
    [
        pytest.param(lambda: label_image(''), 'image_id must not be empty', id='id'),
        pytest.param(lambda: label_image(gt_objects=('a', 'b')), 'but gt_objects 2', id='objects'),
        pytest.param(lambda: label_image(slice_index=-1), 'slice_index must be', id='slice'),
        pytest.param(lambda: label_image(height=0), "'b': height and width", id='size'),
        pytest.param(lambda: label_image(boxes=np.zeros((2, 3))), r'shape \[N, 4\]', id='shape'),
        pytest.param(
            lambda: label_image(scores=np.ones(3)), 'boxes has 2 entries but scores 3', id='length'
        ),
        pytest.param(
            lambda: label_image(scores=np.array([np.nan, 1])), 'scores must be finite', id='nan'
        ),
        pytest.param(
            lambda: label_image(box_phrases=np.array([0, 2])),
            r'box_phrases .*\[0, 2\)',
            id='phrase',
        ),
        pytest.param(
            lambda: label_image(asked=np.array([1])), '2 phrases .* asked has 1', id='asked'
        ),
        pytest.param(
            lambda: label_image(presence=np.array([0, 1.5])), r'presence must lie', id='presence'
        ),
        pytest.param(
            lambda: caption_image(gt_labels=np.array([1])), r'gt_labels .* \[0, 1\)', id='truth'
        ),
        pytest.param(
            lambda: results(label_image(gt_labels=np.array([3]))), r'\[0, 3\), got 3', id='class'
        ),
        pytest.param(lambda: results(label_image(), label_image()), "named 'b'", id='twice'),
        pytest.param(lambda: results(class_names=('x',)), 'class_names', id='names'),
    ],
)
def test_bad_values_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def changed(path, name, content):
    """Write a result file with another array."""
    save_results(path, results(label_image(), caption_image()))
    with np.load(path) as archive:
        arrays = {key: archive[key] for key in archive.files}
    if content is None:
        del arrays[name]
    else:
        arrays[name] = content(arrays[name])
    np.savez(path, **arrays)


def header(change):
    def apply(old):
        content = json.loads(bytes(old)) | change
        return np.frombuffer(json.dumps(content).encode(), np.uint8)

    return apply


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        pytest.param('boxes', None, "no array 'boxes'", id='missing'),
        pytest.param('slice_index', None, "no array 'slice_index'", id='half-a-volume'),
        pytest.param('slice_index', lambda s: s - 5, 'slice_index must be at least 0', id='slice'),
        pytest.param('gt_objects_lengths', lambda n: n[:0], 'gt_objects', id='objects'),
        pytest.param('boxes', lambda b: b.astype(float), "'boxes' must be float32", id='type'),
        pytest.param('boxes', lambda b: b[:, :3], r"\['N', 4\], got float32", id='shape'),
        pytest.param('boxes', lambda b: b[:1], 'boxes has 1 entries', id='too-few'),
        pytest.param('boxes', lambda b: b * np.nan, 'boxes must be finite', id='nan'),
        pytest.param('num_boxes', lambda n: n - 1, 'counts do not add up', id='negative'),
        pytest.param('num_gt', lambda n: n[:1], 'num_gt has 1 entries for 2', id='images'),
        pytest.param('size', lambda s: s * 0, 'height and width', id='size'),
        pytest.param('image_id_bytes', lambda b: b * 0 + 255, "can't decode", id='text'),
        pytest.param('header', lambda b: b[:-1], 'delimiter', id='json'),
        pytest.param('header', header({'format': 'other'}), "format is 'other'", id='format'),
        pytest.param('header', header({'classes': [1]}), 'list of names', id='classes'),
        pytest.param('header', header({'info': {'a': 1}}), 'info of the header', id='info'),
        pytest.param('header', header({'more': 1}), 'the header has the fields', id='fields'),
        pytest.param(
            'scores', lambda s: np.array([{}, {}], dtype=object), "'scores' must be", id='pickle'
        ),
    ],
)
def test_a_changed_file_is_one_clear_error(tmp_path, name, content, message):
    changed(tmp_path / 'r.npz', name, content)
    with pytest.raises(ValueError, match=rf'r\.npz is no result file, or damaged: .*{message}'):
        load_results(tmp_path / 'r.npz')


@pytest.mark.parametrize('at', [0.1, 0.5, 0.9])
def test_a_flipped_or_cut_byte_is_seen(tmp_path, at):
    path = tmp_path / 'r.npz'
    save_results(path, results(label_image(), caption_image()))
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo('boxes.npy')
    start = member.header_offset + 30 + len('boxes.npy') + 20
    content[start + int(at * member.compress_size)] ^= 0xFF
    for damaged in (content, content[: int(at * len(content))], b'', b'not a zip'):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match='is no result file, or damaged'):
            load_results(path)


def test_a_false_size_is_not_believed(tmp_path):
    """A header that promises more than its member holds allocates nothing."""
    path = tmp_path / 'r.npz'
    save_results(path, results(label_image()))
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {'descr': '<f4', 'fortran_order': False, 'shape': (1 << 40, 4)}
    )
    members['boxes.npy'] = stream.getvalue()
    with zipfile.ZipFile(path, 'w') as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(ValueError, match="array 'boxes' has 0 bytes"):
        load_results(path)


def test_a_file_from_before_volumes_still_reads(tmp_path):
    path = tmp_path / 'r.npz'
    save_results(path, results(label_image(), caption_image()))
    with np.load(path) as archive:
        later = ('series_id', 'gt_objects', 'slice_index')
        arrays = {key: archive[key] for key in archive.files if not key.startswith(later)}
        assert len(arrays) == len(archive.files) - 5
    np.savez(path, **arrays)
    plain = label_image(series_id='', slice_index=None, gt_objects=())
    assert same(load_results(path), results(plain, caption_image()))
    assert plain.gt_objects == ('',)
    assert plain.volume is None
    assert label_image().volume == ('set', 'p1', 'séries')
    del arrays['boxes']
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match="no array 'boxes'"):
        load_results(path)


def test_names_and_absence(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'no result file at .*write it with tools/test'):
        load_results(tmp_path / 'none.npz')
    with pytest.raises(ValueError, match=r'end in \.npz'):
        save_results(tmp_path / 'r.pkl', results())


def _repacked(path, kind=zipfile.ZIP_DEFLATED, **contents):
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, 'w', kind) as archive:
        for name, content in {**members, **contents}.items():
            archive.writestr(name, content)


def _small(tmp_path):
    path = tmp_path / 'r.npz'
    save_results(path, Results(('a', 'b', 'c'), ('A', 'B', 'C'), (label_image(),)))
    return path


def test_a_bomb_is_not_unpacked(tmp_path):
    """300 MB of zeros in 300 kB, of the right type and in a shape that fits."""
    path = _small(tmp_path)
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(300_000_000, np.uint8))
    _repacked(path, **{'image_path_bytes.npy': buffer.getvalue()})
    with pytest.raises(ValueError, match=r'r\.npz is no result file.* take more than 256 MiB'):
        load_results(path)


@pytest.mark.parametrize('kind', [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2], ids=['lzma', 'bzip2'])
def test_damage_in_other_packings_is_named(tmp_path, kind):
    path = _small(tmp_path)
    _repacked(path, kind)
    content = bytearray(path.read_bytes())
    start = content.index(b'header.npy') + 30
    content[start : start + 40] = b'\x07' * 40
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r'r\.npz is no result file, or damaged'):
        load_results(path)


@pytest.mark.parametrize(
    'header',
    [b'(' * 90, b"{'descr': '<f4', 'shape': (1,", b'\xff' * 90, b'lambda: 0'],
    ids=range(4),
)
def test_a_header_that_is_no_header_is_named(tmp_path, header):
    path = _small(tmp_path)
    data = b'\x93NUMPY\x01\x00' + len(header).to_bytes(2, 'little') + header
    _repacked(path, **{'size.npy': data})
    with pytest.raises(ValueError, match=r'r\.npz is no result file, or damaged'):
        load_results(path)
