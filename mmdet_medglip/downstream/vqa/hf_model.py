"""Any image-text-to-text model of Hugging Face transformers, by folder or hub name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from .answer_model import ModelInput
from .hf_loading import load_config, load_model, load_processor
from .weights_identity import identify_folder

__all__ = ['HfModel']


class HfModel:
    """Ask a vision-language model.

    The prompt goes through the chat template of the processor; else, where only the tokenizer has
    one, through that, with the image tokens before the text; else the image tokens and the text
    stand alone. Answers are greedy. Weights are read from ``.safetensors`` files only, and no code
    of a repository is run.

    Args:
        name: A folder, or a name of the hub such as ``'Qwen/Qwen2.5-VL-3B-Instruct'``.
        device: ``'cpu'``, ``'cuda'``, ``'cuda:1'``; None takes the first GPU if there is one.
        dtype: Name of a torch type, such as ``'bfloat16'``; ``'auto'`` keeps that of the weights.
        max_new_tokens: Longest answer in tokens, at least 1.
        revision: Branch, tag or commit of the hub; None takes the main branch.

    Raises:
        OSError: The model is not there and the hub is not reachable, or has no safe weights.
        ValueError: It is of a kind that transformers does not know, has no vision, or an option is
            out of range.

    Example:
        >>> model = HfModel('Qwen/Qwen2.5-VL-3B-Instruct')  # doctest: +SKIP
    """

    def __init__(
        self,
        name: str,
        *,
        device: str | None = None,
        dtype: str = 'auto',
        max_new_tokens: int = 64,
        revision: str | None = None,
    ) -> None:
        if max_new_tokens < 1:
            raise ValueError(f'max_new_tokens must be at least 1, got {max_new_tokens}.')
        if dtype != 'auto' and not isinstance(getattr(torch, dtype, None), torch.dtype):
            raise ValueError(f"dtype must be 'auto' or a torch type, got {dtype!r}.")
        self.name = name
        self.max_new_tokens = max_new_tokens
        self.device = torch.device(device or ('cuda' if torch.cuda.is_available() else 'cpu'))
        config = load_config(name, revision)
        self.processor = load_processor(name, config, revision)
        kind = dtype if dtype == 'auto' else getattr(torch, dtype)
        self.model = load_model(name, config, kind, revision).to(self.device).eval()
        tokenizer = self.processor.tokenizer
        tokenizer.padding_side = 'left'
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        self.chat = self._chat_kind()
        self.fingerprint = self._identify(config)

    @torch.inference_mode()
    def answer(self, inputs: Sequence[ModelInput]) -> list[str]:
        """Answer a batch.

        Args:
            inputs: Prompts and pictures; the number of pictures may differ.

        Returns:
            One text for each input, without special tokens, stripped.
        """
        texts = [self.prompt_of(one) for one in inputs]
        pictures = [[Image.fromarray(picture) for picture in one.pictures] for one in inputs]
        batch = self.processor(images=pictures, text=texts, padding=True, return_tensors='pt')
        batch = batch.to(self.device, dtype=self.model.dtype)
        found = self.model.generate(
            **batch,
            max_new_tokens=self.max_new_tokens,
            do_sample=False,
            num_beams=1,
            temperature=None,
            top_p=None,
            top_k=None,
            pad_token_id=self.processor.tokenizer.pad_token_id,
        )
        given = batch['input_ids'].shape[1]
        if found.shape[1] >= given and torch.equal(found[:, :given], batch['input_ids']):
            found = found[:, given:]
        decoded = self.processor.tokenizer.batch_decode(found, skip_special_tokens=True)
        return [text.strip() for text in decoded]

    def prompt_of(self, given: ModelInput) -> str:
        """Return the text that the processor is given for an input."""
        count = len(given.pictures)
        image_token = getattr(self.processor, 'image_token', None)
        before = f'{image_token}\n' * count if isinstance(image_token, str) else ''
        if self.chat == 'processor':
            content = [{'type': 'image'}] * count + [{'type': 'text', 'text': given.prompt}]
            text = self._render(self.processor, content)
        elif self.chat == 'tokenizer':
            text = self._render(self.processor.tokenizer, before + given.prompt)
        else:
            return before + given.prompt
        return text.removeprefix(self._added_start())

    def _render(self, template: Any, content: Any) -> str:
        message = [{'role': 'user', 'content': content}]
        return template.apply_chat_template(message, add_generation_prompt=True, tokenize=False)

    def _added_start(self) -> str:
        """The first token, if the tokenizer adds it itself, so that it is not there twice."""
        tokenizer = self.processor.tokenizer
        start = tokenizer.bos_token
        is_added = start and tokenizer('a')['input_ids'][:1] == [tokenizer.bos_token_id]
        return start if is_added else ''

    def _chat_kind(self) -> str:
        if getattr(self.processor, 'chat_template', None):
            return 'processor'
        return 'tokenizer' if self.processor.tokenizer.chat_template else 'plain'

    def _identify(self, config: Any) -> str:
        folder = Path(self.name)
        weights = (
            identify_folder(folder)
            if folder.is_dir()
            else str(getattr(config, '_commit_hash', None) or 'unknown commit')
        )
        parts = [weights, str(self.model.dtype), self.max_new_tokens, self.chat, 'greedy']
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
