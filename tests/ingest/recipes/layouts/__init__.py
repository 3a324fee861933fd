"""A tiny data set for every packaged recipe, in the layout that its source documents."""

from . import ct, mixed, mri, photographs, ultrasound, xray
from .case import Layout

__all__ = ['LAYOUTS']

LAYOUTS: dict[str, Layout] = {
    **ct.LAYOUTS,
    **mri.LAYOUTS,
    **xray.LAYOUTS,
    **ultrasound.LAYOUTS,
    **photographs.LAYOUTS,
    **mixed.LAYOUTS,
}
