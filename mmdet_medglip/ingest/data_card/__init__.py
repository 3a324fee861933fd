"""Data card of a store: what is in it, how it was made, and pictures to look at."""

from .card import write_data_card

__all__ = ['write_data_card']
