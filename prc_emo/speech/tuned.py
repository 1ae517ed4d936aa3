"""A speech encoder that learns with everything else: it stands between samples and Q-Former, within the model.

Knows waves and `Pretrained`. Frames are then samples, (N, 1), and become the encoder's states at every step anew: nothing of
them can be kept. Letters: U utterances, N samples, T frames, L layers, D width.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from prc_emo.speech.audio import RATE, Samples
from prc_emo.speech.pretrained import Pretrained


@dataclass(frozen=True)
class Waves:
    """An `Encoder` that leaves waves as they are."""

    id: str = "waves"
    width: int = 1
    layers: int | None = None
    frames_per_second: float = RATE

    def __call__(self, waves: Sequence[Samples]) -> list[NDArray[np.float32]]:
        return [wave[:, None].astype(np.float32) for wave in waves]


class Tuned(nn.Module):
    """The encoder as a part of the model: trained, saved and loaded with it."""

    def __init__(self, encoder: Pretrained) -> None:
        super().__init__()
        self.encoder, self.module = encoder, encoder.module
        self.module.config.layerdrop = 0.0  # a layer that is left out in training is missing among the states
        self.augments = bool(getattr(self.module.config, "apply_spec_augment", False))

    def forward(self, waves: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Samples (U, N, 1) with their mask (U, N) to frames (U, T, D), or (U, L, T, D), with theirs (U, T)."""
        heard = [wave[there, 0].float().cpu().numpy() for wave, there in zip(waves, mask, strict=True)]
        # a voice shorter than a span of its own augmentation would be an error
        shortest = min(self.encoder.frames(len(one)) for one in heard)
        self.module.config.apply_spec_augment = (
            self.augments and shortest >= self.module.config.mask_time_length
        )
        states = [one if one.ndim == 3 else one[None] for one in self.encoder.states(heard)]  # (L, T, D)
        frames = nn.utils.rnn.pad_sequence([one.transpose(0, 1) for one in states], batch_first=True)
        frames = frames.transpose(1, 2)  # (U, L, T, D)
        lengths = torch.tensor([one.shape[1] for one in states], device=frames.device)
        there = torch.arange(frames.shape[2], device=frames.device) < lengths[:, None]
        return (frames[:, 0] if self.encoder.layers is None else frames), there
