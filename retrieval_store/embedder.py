"""Text to vectors. The only file that knows sentence-transformers, and it imports it when an encoder is made."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from retrieval_store.errors import StoreError
from retrieval_store.weights import find_weights, weights_hash

Vectors = npt.NDArray[np.float32]

_STEP = 2048  # texts between two moves of the progress bar


class Encoder(Protocol):
    """What a store needs of an encoder."""

    @property
    def id(self) -> str:
        """``name@weights``: where it is found, and what it is. Those with the same weights give the same vectors."""

    @property
    def dimension(self) -> int: ...

    def encode(self, texts: Sequence[str], progress: bool = False) -> Vectors:
        """(N, D) float32, each row of length 1."""


class Embedder:
    """A sentence-transformers model. Reads safetensors only and runs no code that comes with a model.

    Args:
        name: ``"minilm"`` (all-MiniLM-L6-v2, the paper's encoder), another name on the hub, or a folder.
        device: "cpu", "cuda", ...; None takes the best there is.
        batch_size: Texts per forward pass.
    """

    def __init__(self, name: str = "minilm", device: str | None = None, batch_size: int = 64) -> None:
        folder = find_weights(name)
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging

        had_bar = transformers_logging.is_progress_bar_enabled()
        transformers_logging.disable_progress_bar()  # loading takes a blink; a bar for it only hides the next line
        try:
            self._model = SentenceTransformer(
                str(folder),
                device=device,
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
        finally:
            if had_bar:
                transformers_logging.enable_progress_bar()
        self._batch_size = batch_size
        self.id = f"{name}@{weights_hash(folder)[:12]}"
        dimension = self._model.get_embedding_dimension()
        if dimension is None:
            raise StoreError(
                f"{folder}: this model does not say the size of its vectors; take a sentence encoder."
            )
        self.dimension: int = dimension

    def encode(self, texts: Sequence[str], progress: bool = False) -> Vectors:
        """Vectors of length 1, so that their inner product is the cosine.

        Args:
            texts: (N) strings; what exceeds the model's positions is cut off.
            progress: Shows a bar with the time left on stderr.

        Returns:
            (N, D) float32, in the order of the texts.
        """
        from rich.console import Console
        from rich.progress import Progress

        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        # longest first: texts of one length share a batch, and memory runs out at once or never
        order = sorted(range(len(texts)), key=lambda at: -len(texts[at]))
        with Progress(console=Console(stderr=True), disable=not progress, transient=True) as bar:
            task = bar.add_task("Encoding", total=len(texts))
            for start in range(0, len(order), _STEP):
                part = order[start : start + _STEP]
                vectors[part] = self._model.encode(
                    [texts[at] for at in part],
                    batch_size=self._batch_size,
                    show_progress_bar=False,
                    normalize_embeddings=True,
                )
                bar.advance(task, len(part))
        return vectors
