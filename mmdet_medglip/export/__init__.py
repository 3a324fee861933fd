"""Detectors outside PyTorch: what reads an exported file needs NumPy and ONNX Runtime alone.

What writes one, :func:`mmdet_medglip.export.onnx_export.export_onnx`, needs the models, so it is
not imported here.
"""

from .detections import Detections
from .file_info import FileInfo
from .onnx_detector import OnnxDetector

__all__ = ['Detections', 'FileInfo', 'OnnxDetector']
