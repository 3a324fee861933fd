"""Reports: records and readers, generation, scoring, and the boxes that support each sentence."""

from .reading import ReportReading, SkippedReport
from .record import SECTIONS, ReportRecord, Sections

__all__ = ['SECTIONS', 'ReportReading', 'ReportRecord', 'Sections', 'SkippedReport']
