"""From frames of utterances to the tensors of a batch, padded and masked; in training augmented.

Augmentation is drawn from the row's place in the order, so that a training which goes on after a kill hears the same.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from prc_emo.speech.heard import Array, Lazily, length

Augment = Callable[[Array, np.random.Generator], Array]


class Listener:
    """Knows the frames of the utterances at hand.

    Args:
        slots: How many soft prompts so many frames become; a number where it is the same for all.
        words: Tokens of an utterance's text, by its id, where the queries see text.
        frames: By the utterance's id; exchanged when other conversations come.
    """

    def __init__(
        self,
        slots: Callable[[int], int] | int,
        words: Callable[[str], Sequence[int]] | None = None,
        frames: Mapping[str, Array] | None = None,
    ) -> None:
        self._slots, self._words = slots, words
        self.frames: Mapping[str, Array] = frames or {}

    def slots(self, id: str) -> int:
        if isinstance(self._slots, int):
            return self._slots
        frames = self.frames
        return self._slots(frames.lengths[id] if isinstance(frames, Lazily) else length(frames[id]))

    def __call__(self, heard: Sequence[Sequence[str]]) -> dict[str, Any]:
        """What `HearingModel.forward` takes for a batch, from the ids that are heard in each row."""
        ids = [id for row in heard for id in row]
        return {"speech": self.tensors(ids, [self.frames[id] for id in ids])}

    def tensors(self, ids: Sequence[str], frames: Sequence[Array]) -> dict[str, torch.Tensor]:
        speech = {
            "frames": _padded(frames),
            "mask": _lengths_mask([length(one) for one in frames]),
        }
        if self._words is not None:
            words = [torch.tensor(self._words(id)) for id in ids]
            speech["words"] = torch.nn.utils.rnn.pad_sequence(words, batch_first=True)  # (U, L)
            speech["words_mask"] = _lengths_mask([len(one) for one in words])
        return speech


class Lessons:
    """A listener for training: augments, and says which emotion the speech of a row's target shows.

    Args:
        emotions: The number of the gold label, by the utterance's id.
        also: The same utterances heard otherwise: faster, slower, with noise. One of all is drawn each time.
        augment: What is done to the frames beside.
    """

    def __init__(
        self,
        listener: Listener,
        emotions: Mapping[str, int],
        *,
        also: Sequence[Mapping[str, Array]] = (),
        augment: Augment | None = None,
        seed: int = 0,
    ) -> None:
        self.listener, self.emotions, self.augment, self.seed = listener, emotions, augment, seed
        self._recorded, self._ways = listener.frames, [listener.frames, *also]

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """What `HearingModel.forward` takes, and beside it `emotions`, (U,): -1 for speech of the context."""
        ids, frames, emotions = [], [], []
        for row in rows:
            chance = np.random.default_rng([self.seed, row["place"]])
            for id in row["heard"]:
                way = self._ways[int(chance.integers(len(self._ways)))]
                one = way[id] if id in way else self._recorded[id]
                ids.append(id)
                frames.append(one if self.augment is None else self.augment(one, chance))
                emotions.append(self.emotions[id] if id == row["id"] else -1)
        speech = self.listener.tensors(ids, frames)
        return {"speech": {**speech, "emotions": torch.tensor(emotions)}}


def mask_some(
    frames: Array, chance: np.random.Generator, *, stack: int = 1, share: float = 0.15, times: int = 2
) -> Array:
    """SpecAugment without warping (Park et al., 2019): spans of steps, and of bands, are set to their mean.

    Args:
        frames: (T, S), or (N, T, S).
        stack: How many steps a frame is, one after the other: a band is hidden in all of them.
        share: The longest span, of all steps or bands.
        times: How many spans along each axis; none where `share` of it is less than one, since one step may be all.
    """
    *layers, steps, width = frames.shape
    masked = frames.reshape(*layers, steps * stack, width // stack).copy()
    mean = frames.mean()
    for axis in (-2, -1):
        long = masked.shape[axis]
        for _ in range(times):
            size = int(chance.integers(0, max(1, int(share * long)) + 1))
            start = int(chance.integers(0, long - size + 1))
            if share * long < 1:  # drawn all the same: what is drawn after it stays what it was
                continue
            where = [slice(None)] * masked.ndim
            where[axis] = slice(start, start + size)
            masked[tuple(where)] = mean
    return masked.reshape(frames.shape)


def _padded(frames: Sequence[Array]) -> torch.Tensor:
    """(U, T, S), (U, N, T, S) or (U, T), zeros where there is no frame."""
    longest, first = max(map(length, frames)), frames[0]
    if first.ndim == 1:
        rows = np.zeros((len(frames), longest), dtype=np.int64)
        for at, one in enumerate(frames):
            rows[at, : len(one)] = one
        return torch.from_numpy(rows)
    tensor = np.zeros((len(frames), *first.shape[:-2], longest, first.shape[-1]), dtype=np.float32)
    for at, one in enumerate(frames):
        tensor[at, ..., : one.shape[-2], :] = one
    return torch.from_numpy(tensor)


def _lengths_mask(lengths: Sequence[int]) -> torch.Tensor:
    return torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]  # (U, T)
