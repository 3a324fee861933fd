"""The contract of readers, and what all of them share."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from ..label_map import LabelMap
from ..rejects import Reject
from ..source import SourceImage, SourceItem

__all__ = ['Reader', 'RecipeError']

_MAX_ALIKE = 1000


class RecipeError(ValueError):
    """An option is wrong, not an item: the reading cannot go on."""


class Reader(ABC):
    """List the items of a data set, and read any one of them.

    The contract of a subclass:

    * ``items`` is cheap: it looks at names and annotation files, never at pixels. Its order and
      content depend on the files and the options only, so that every process lists the same.
      What is wrong with the whole (no folder, no file at all, a broken annotation file, names
      that the label map does not know) is raised there as one :class:`RecipeError` or
      ``FileNotFoundError`` that says what to do.
    * ``read`` yields the images of one item: one for an image file, many for a volume, which it
      reads once. It knows nothing of labels, box policies, splits or patients' pseudonyms: it
      gives what the source says, under the names of the source. It may be called in another
      process than ``items`` and in any order.
    * What one item lacks is raised as ``ValueError``, ``OSError`` or ``FileNotFoundError`` with
      the file and the fault in its message: the item is rejected and the next is read. What is
      only a part of an item (a region, a slice) is noted by :meth:`reject`, and the rest is
      yielded.
    * Files named by annotation files are opened through ``ingest.paths.inside`` only; sizes are
      known and bounded before anything is allocated.

    Args:
        root: Folder of the data set.
        source: Name of the data set, for messages.
        modality: Modality id of the recipe.
        label_map: How the recipe maps names; a reader uses it only to check names that are known
            before an image is read (:meth:`check_names`) and to ask for box policies of volumes.

    Raises:
        FileNotFoundError: If ``root`` does not exist.
    """

    items_per_task: ClassVar[int] = 8
    """How many items one task of an ingest holds; 1 for volumes."""

    def __init__(
        self, root: str | Path, *, source: str, modality: str, label_map: LabelMap
    ) -> None:
        self.root = Path(root).absolute()
        if not self.root.is_dir():
            raise FileNotFoundError(
                f'Data set {source!r}: folder {self.root} does not exist; check the data root.'
            )
        self.source = source
        self.modality = modality
        self.label_map = label_map
        self._rejects: list[Reject] = []
        self._alike: Counter[tuple[str, str, str]] = Counter()
        self._more: Counter[tuple[str, str, str]] = Counter()

    @abstractmethod
    def items(self) -> Sequence[SourceItem]:
        """List what there is to read, sorted; see the contract of the class."""

    @abstractmethod
    def read(self, item: SourceItem) -> Iterator[SourceImage]:
        """Read one item; see the contract of the class."""

    def reject(
        self,
        file: str | Path,
        reason: str,
        detail: str = '',
        *,
        stage: str = 'read',
        count: int = 1,
    ) -> None:
        """Note something that is left out; see :class:`mmdet_medglip.ingest.rejects.Reject`.

        From the thousandth row of one file and reason on, only their number is kept.
        """
        name = file.relative_to(self.root).as_posix() if isinstance(file, Path) else file
        key = (name, stage, reason)
        self._alike[key] += 1
        if self._alike[key] >= _MAX_ALIKE:
            self._more[key] += count
        else:
            self._rejects.append(Reject(self.source, name, stage, reason, detail, count))

    def take_rejects(self) -> list[Reject]:
        """Return what :meth:`reject` has noted since the last call."""
        taken, self._rejects = self._rejects, []
        for (name, stage, reason), count in self._more.items():
            taken.append(Reject(self.source, name, stage, reason, 'and more of them', count))
        self._alike.clear()
        self._more.clear()
        return taken

    def check_names(self, names: Sequence[str]) -> None:
        """Check names that the source declares against the label map, all at once.

        Args:
            names: Class names of the source.

        Raises:
            RecipeError: If a name is unknown or ambiguous; lists every such name with the
                nearest known ones.
        """
        faults = self.label_map.faults(names)
        if faults:
            raise RecipeError(
                f'Data set {self.source!r}: {len(faults)} names have no label. '
                + ' '.join(f'{name!r}: {why}' for name, why in faults.items())
                + " Map them under 'labels' of the recipe, to null if they are to be dropped."
            )

    def relative(self, path: Path) -> str:
        """Name a file relative to the data set."""
        return path.relative_to(self.root).as_posix()
