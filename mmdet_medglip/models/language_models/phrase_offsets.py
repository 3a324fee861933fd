"""Learned offsets of the token features of some phrases: GLIP's prompt tuning."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmdet_medglip.text import Prompt

from .recent_cache import RecentCache
from .text_features import TextFeatures

__all__ = ['PhraseOffsets']

_KEY = re.compile(r'\d+(_\d+)*')
_PROMPTS_KEPT = 512


class PhraseOffsets(nn.Module):
    """Add a learned vector to each token feature of the phrases that have one.

    An offset belongs to a phrase's token ids, so it is found wherever these tokens are asked as one
    phrase: alone, in a list of any order, in a caption. A prompt without such a phrase is handed
    back as it came. In a prompt that mixes both, the tokens of the other phrases stay as they are
    here; a neck that fuses the phrases of a prompt then lets them see each other, as always.

    A state dict has one entry per phrase, ``'2460_5120'`` for the tokens 2460 and 5120. Entries of
    phrases that have no offset yet are taken over when weights are loaded, and do not train.

    Args:
        channels: Width ``D`` of a token feature.

    Source:
        GLIP (arXiv 2112.03857), section 4.3 (prompt tuning): only the embeddings of the prompt are
        trained.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        # Says where the module is, also while it has no offset.
        self.register_buffer('_place', torch.zeros(0), persistent=False)
        self._places: RecentCache[Prompt, list[tuple[str, list[int]]]] = RecentCache(_PROMPTS_KEPT)

    def __len__(self) -> int:
        return len(self._parameters)

    def add(self, token_ids: Sequence[int]) -> None:
        """Give a phrase an offset of zero, which trains; one that has an offset keeps it.

        Args:
            token_ids: The phrase's tokens, at least one.

        Raises:
            ValueError: There is no token.
        """
        if not len(token_ids):
            raise ValueError('A phrase of no token cannot be tuned; give it a word.')
        key = _key(token_ids)
        if key not in self._parameters:
            self.register_parameter(key, nn.Parameter(self._zeros(len(token_ids))))

    def forward(
        self,
        text: TextFeatures,
        tokens: Mapping[Prompt, tuple[list[int], Tensor]],
        asked: Sequence[Prompt],
    ) -> TextFeatures:
        """Add the offsets.

        Args:
            text: Features of ``B`` prompts.
            tokens: For each distinct prompt its token ids (T_i) and bool (P_i, T_i), which tokens
                each phrase owns.
            asked: The ``B`` prompts.

        Returns:
            Features with the offsets added; ``text`` itself if no phrase has one.
        """
        if not self._parameters:
            return text
        places = self._places.fetch(asked, lambda lost: (_places(*tokens[p]) for p in lost))
        rows, columns, offsets = [], [], []
        for row, prompt in enumerate(asked):
            for key, owned in places[prompt]:
                if key in self._parameters:
                    rows += [row] * len(owned)
                    columns += owned
                    offsets.append(self._parameters[key])
        if not rows:
            return text
        hidden = text.hidden
        index = torch.tensor([rows, columns], device=hidden.device)
        added = torch.cat(offsets).to(hidden.dtype)
        return text.with_hidden(hidden.index_put(tuple(index), added, accumulate=True))

    def _zeros(self, length: int) -> Tensor:
        return torch.zeros(length, self.channels, device=self._place.device)

    def accepts(self, name: str) -> bool:
        """Whether a state dict's entry of this name, not there yet, is taken over."""
        return _KEY.fullmatch(name) is not None

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        for full in state_dict:
            name = full.removeprefix(prefix)
            if full.startswith(prefix) and self.accepts(name) and name not in self._parameters:
                empty = self._zeros(name.count('_') + 1)
                self.register_parameter(name, nn.Parameter(empty, requires_grad=False))
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


def _key(token_ids: Iterable[int]) -> str:
    return '_'.join(map(str, token_ids))


def _places(ids: Sequence[int], owned: Tensor) -> list[tuple[str, list[int]]]:
    """Key and token positions of each phrase of a prompt."""
    positions = [row.nonzero().flatten().tolist() for row in owned]
    return [(_key(ids[place] for place in row), row) for row in positions]
