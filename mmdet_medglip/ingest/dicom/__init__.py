"""DICOM as pure functions: headers, geometry, pixels, segmentations, contours, clean-up."""
