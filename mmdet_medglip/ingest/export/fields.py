"""Fields of a record that both export formats carry beside their own."""

from dataclasses import fields
from typing import Any

from mmdet_medglip.structures import Instance, Record

__all__ = ['instance_fields', 'record_fields']

_OF_THE_FORMAT = {'image_path', 'height', 'width', 'instances', 'caption', 'licence'}
_OF_AN_INSTANCE = ('phrase', 'volume_instance_id', 'annotator')


def record_fields(record: Record) -> dict[str, Any]:
    """Return what a record says of its image, without empty fields.

    Args:
        record: The record.

    Returns:
        JSON values by the name of the field: ``image_id, modality, source, patient_id, split`` and
        what else is known.
    """
    names = [field.name for field in fields(Record) if field.name not in _OF_THE_FORMAT]
    values = {name: getattr(record, name) for name in names}
    return {name: value for name, value in values.items() if value is not None and value != ()}


def instance_fields(instance: Instance) -> dict[str, Any]:
    """Return ``phrase``, ``volume_instance_id`` and ``annotator`` where they are known."""
    values = {name: getattr(instance, name) for name in _OF_AN_INSTANCE}
    return {name: value for name, value in values.items() if value is not None}
