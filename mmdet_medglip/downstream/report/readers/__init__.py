"""Readers of report data sets: each gives a ``ReportReading``."""

from .mimic_cxr import read_mimic_cxr
from .openi_csv import read_openi_csv
from .openi_xml import read_openi_xml
from .report_jsonl import read_report_jsonl, write_report_jsonl

__all__ = [
    'read_mimic_cxr',
    'read_openi_csv',
    'read_openi_xml',
    'read_report_jsonl',
    'write_report_jsonl',
]
