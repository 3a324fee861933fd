import io

import numpy as np
import pytest
from PIL import Image

from mmdet_medglip.downstream import ImageRegions
from mmdet_medglip.downstream.report.grounded_page import grounded_page
from mmdet_medglip.downstream.report.grounding import ground_report
from mmdet_medglip.pages import html_page, markdown_page

TEXT = 'Left <b>effusion</b>. Pneumonia. No pneumothorax.'


def regions(label='effusion', height=40, width=60):
    boxes = np.array([[5, 5, 20, 20]], np.float32)
    return ImageRegions('a<i>', height, width, 'xray', (label,), boxes, np.array([0.5]))


def page(tmp_path, image=None, **size):
    image = image or regions(**size)
    Image.fromarray(np.full((40, 60), 90, np.uint8)).save(tmp_path / 'a.png')
    report = ground_report('1', TEXT, [image, regions('rib').scaled_to('b', 30, 30)])
    return grounded_page([report], {'a<i>': tmp_path / 'a.png'}, 'Grounded <reports>')


def test_html_holds_pictures_marks_and_escaped_text(tmp_path):
    html = html_page(page(tmp_path))
    assert html.count('src="data:image/png;base64,') == 2
    assert '<b>' not in html and '<i>' not in html and '<reports>' not in html
    assert '<span class="badge warn">unsupported</span>' in html
    assert '<span class="badge plain">not checked</span>' in html
    assert 'effusion: box 1 of a&lt;i&gt; (0.50)' in html
    assert 'Boxes that no sentence mentions' in html
    assert 'drawn on grey because the image is not here' in html


def test_markdown_refers_to_pictures(tmp_path):
    laid = page(tmp_path)
    text = markdown_page(laid)
    assert '**unsupported**' in text
    assert '(pictures/1.png)' in text and '(pictures/2.png)' in text
    pictures = [p for section in laid.sections for p in section.pictures]
    assert [Image.open(io.BytesIO(p.embedded)).size for p in pictures] == [(60, 40), (30, 30)]


def test_large_pictures_are_scaled_with_their_boxes(tmp_path):
    Image.fromarray(np.zeros((1600, 400), np.uint8)).save(tmp_path / 'large.png')
    image = regions(height=1600, width=400)
    report = ground_report('1', '', [image])
    (picture,) = grounded_page([report], {'a<i>': tmp_path / 'large.png'}, 't').sections[1].pictures
    assert Image.open(io.BytesIO(picture.embedded)).size == (200, 800)


def test_a_picture_of_another_size_is_an_error(tmp_path):
    with pytest.raises(ValueError, match='has 60 x 40 px, but the regions'):
        page(tmp_path, height=41)


def test_no_reports(tmp_path):
    assert 'Reports: 0.' in html_page(grounded_page([], {}, 't'))
