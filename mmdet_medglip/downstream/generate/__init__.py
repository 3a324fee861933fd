"""Questions and reports made from the truth of a store, to train and test on."""

from .asked_question import AskedQuestion
from .asking import ask_all, usual_lengths
from .balance import Balanced, balance, majority_answers
from .finding_set import Finding, findings_of_report, findings_of_truth
from .found_object import FoundObject
from .image_facts import ImageFacts, annotated_labels, facts_of
from .kinds import KINDS
from .report_text import write_findings, write_impression
from .text_files import TextFiles, make_text_files

__all__ = [
    'KINDS',
    'AskedQuestion',
    'Balanced',
    'Finding',
    'FoundObject',
    'ImageFacts',
    'TextFiles',
    'annotated_labels',
    'ask_all',
    'balance',
    'facts_of',
    'findings_of_report',
    'findings_of_truth',
    'majority_answers',
    'make_text_files',
    'usual_lengths',
    'write_findings',
    'write_impression',
]
