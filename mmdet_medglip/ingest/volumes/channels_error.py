"""The error of a volume of several channels."""

__all__ = ['ChannelsError']


class ChannelsError(ValueError):
    """A volume has several channels and none was chosen.

    Args:
        what: The file, and what it has.
    """

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}; choose one with 'channel'.")
        self.what = what
