"""The prompt that a data sample brings."""

from __future__ import annotations

from mmdet.structures import DetDataSample

from mmdet_medglip.text import Prompt, parse_prompt, prompt_from_caption, prompt_from_phrases

__all__ = ['prompt_of']


def prompt_of(sample: DetDataSample) -> Prompt:
    """Read the prompt of a sample.

    Args:
        sample: Its metainfo has ``text``: a list of phrases, or a string. A string with
            ``tokens_positive`` (spans of each phrase, a list or a dict by label) is a caption to
            ground; without, a list of phrases in writing (``'Detect: a, b'``, ``'a. b'``).

    Returns:
        The prompt; label ``i`` means phrase ``i``.

    Raises:
        ValueError: No text, no phrase, or spans outside the caption; the image is named.
    """
    meta = sample.metainfo
    text, spans = meta.get('text'), meta.get('tokens_positive')
    try:
        if text is None or not len(text):
            raise ValueError(
                'Empty prompt: expected the field text to hold phrases, such as '
                "['liver', 'spleen']."
            )
        if not isinstance(text, str):
            return prompt_from_phrases(text)
        if spans is None:
            return parse_prompt(text)
        if isinstance(spans, dict):
            spans = [spans[label] for label in sorted(spans)]
        return prompt_from_caption(text, spans)
    except ValueError as error:
        raise ValueError(f'Image {meta.get("img_path", meta.get("img_id"))}: {error}') from error
