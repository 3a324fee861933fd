"""Readers of question sets, by name.

A reader takes the path of a set, the folder of its images or None, ``skip_bad`` and options of its
own, and gives a ``QuestionSet``. To add one: write a module beside the others that turns each row
into a ``VqaRecord`` through ``collect_questions``, name it here, and describe its layout in
docs/vqa.md.
"""

from collections.abc import Callable

from ..question_set import QuestionSet
from .lines import read_lines, write_lines
from .path_vqa import read_path_vqa
from .slake import read_slake
from .vqa_rad import read_vqa_rad

__all__ = ['READERS', 'read_lines', 'read_path_vqa', 'read_slake', 'read_vqa_rad', 'write_lines']

READERS: dict[str, Callable[..., QuestionSet]] = {
    'jsonl': read_lines,
    'path-vqa': read_path_vqa,
    'slake': read_slake,
    'vqa-rad': read_vqa_rad,
}
