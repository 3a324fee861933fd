"""The Basic Application Level Confidentiality Profile of DICOM PS3.15, Annex E."""

import hashlib
import hmac
import json
from copy import deepcopy
from functools import cache
from pathlib import Path

from pydicom import DataElement, Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.uid import UID

__all__ = ['basic_profile_actions', 'basic_profile_clean']

_TABLE = Path(__file__).with_name('basic_profile.json')
_CURVES = range(0x5000, 0x5100)
_OVERLAYS = range(0x6000, 0x6100)
_OVERLAY_TEXT = (0x3000, 0x4000)
_KEPT_UIDS = '1.2.840.10008.'
_MAX_OID = 2**128
_DATES = {'DA': '19000101', 'DT': '19000101000000', 'TM': '000000'}
_NUMBERS = {'DS', 'IS', 'FL', 'FD', 'SL', 'SS', 'SV', 'UL', 'US', 'UV'}
_DUMMY = 'REMOVED'


@cache
def basic_profile_actions() -> dict[int, str]:
    """Return the action code of the standard by tag: X, Z, D, U, or one of several."""
    table = json.loads(_TABLE.read_text(encoding='utf-8'))['actions']
    return {
        int(tag): action
        for action, keywords in table.items()
        for keyword in keywords
        if (tag := tag_for_keyword(keyword)) is not None
    }


def basic_profile_clean(dataset: Dataset, key: bytes) -> Dataset:
    """Take out of a data set what the basic profile says.

    Attributes are removed (X), emptied (Z), given a dummy value (D) or a new UID (U). Of several
    actions that depend on the kind of object the one is taken that keeps every kind valid.
    Private attributes, curves and overlays are removed. Sequences are cleaned item by item;
    one that is to be emptied or replaced becomes empty. Pixels are not looked at: text in them
    stays.

    Args:
        dataset: Data set, with or without file meta information; it is not changed.
        key: Secret; the same UID gets the same new UID under the same key, so that references
            between the files of a study stay whole.

    Returns:
        A cleaned copy that says so (``PatientIdentityRemoved``, ``DeidentificationMethod``).
    """
    cleaned = deepcopy(dataset)
    _clean(cleaned, key)
    cleaned.PatientIdentityRemoved = 'YES'
    cleaned.DeidentificationMethod = 'DICOM PS3.15 Basic Application Level Profile'
    meta = getattr(cleaned, 'file_meta', None)
    if meta is not None:
        _clean(meta, key)
    if hasattr(cleaned, 'preamble'):
        cleaned.preamble = bytes(128)
    return cleaned


def _clean(dataset: Dataset, key: bytes) -> None:
    actions = basic_profile_actions()
    for element in list(dataset):
        tag = element.tag
        graphic = tag.group in _OVERLAYS and tag.element in _OVERLAY_TEXT
        if tag.is_private or tag.group in _CURVES or graphic:
            del dataset[tag]
            continue
        action = actions.get(tag, '')
        choices = action.split('/')
        if action == 'X':
            del dataset[tag]
        elif element.VR == 'SQ':
            if action and 'U' not in action:
                element.value = []
            for item in element.value:
                _clean(item, key)
        elif 'U' in choices:
            element.value = _new_uids(element, key)
        elif 'D' in choices:
            element.value = _dummy(element)
        elif 'Z' in choices:
            element.value = b'' if element.VR in ('OB', 'OW', 'UN') else None


def _new_uids(element: DataElement, key: bytes) -> str | list[str]:
    if element.VM > 1:
        return [_new_uid(str(uid), key) for uid in element.value]
    return _new_uid(str(element.value or ''), key)


def _new_uid(uid: str, key: bytes) -> str:
    """Return a UID of the standard as it is, and for any other one drawn from the key."""
    if not uid or uid.startswith(_KEPT_UIDS):
        return uid
    digest = hmac.new(key, f'uid:{uid}'.encode(), hashlib.sha256).digest()
    return UID(f'2.25.{int.from_bytes(digest[:16], "big") % _MAX_OID}')


def _dummy(element: DataElement) -> object:
    if element.VR in _DATES:
        return _DATES[element.VR]
    if element.VR in _NUMBERS:
        return 0
    if element.VR == 'AS':
        return '000Y'
    if element.VR in ('OB', 'OW', 'OF', 'OD', 'OL', 'UN'):
        return b''
    return _DUMMY
