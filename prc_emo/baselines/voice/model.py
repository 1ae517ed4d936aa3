"""The two models: the mean of the frames, or a Q-Former over them, and a linear head. U utterances, T frames, S wide, C classes."""

import torch
from torch import Tensor, nn

from prc_emo.speech.qformer import SpeechQFormer


class MeanHead(nn.Module):
    """Frames (U, T, S) and their mask (U, T) to logits (U, C): their mean, as far from that of training as is usual there."""

    usual: Tensor
    spread: Tensor

    def __init__(self, frame_width: int, classes: int) -> None:
        super().__init__()
        # not a norm of each frame, which would take its level away: how loud a voice is tells anger from sadness
        self.register_buffer("usual", torch.zeros(frame_width))
        self.register_buffer("spread", torch.ones(frame_width))
        self.head = nn.Linear(frame_width, classes)

    def measure(self, means: Tensor) -> None:
        """Learns what is usual from the mean of the frames of each training utterance, (U, S)."""
        self.usual.copy_(means.mean(0))
        self.spread.copy_(means.std(0, correction=0).clamp(min=1e-5))

    def forward(self, frames: Tensor, mask: Tensor) -> Tensor:
        counted = mask[..., None].to(frames.dtype)
        mean = (frames * counted).sum(1) / counted.sum(1).clamp(min=1)  # (U, S)
        logits: Tensor = self.head((mean - self.usual) / self.spread)
        return logits


class QFormerHead(nn.Module):
    """Frames (U, T, S) and their mask (U, T) to logits (U, C): the mean of what the queries heard."""

    def __init__(self, qformer: SpeechQFormer, classes: int) -> None:
        super().__init__()
        self.qformer = qformer
        self.head = nn.Linear(qformer.width, classes)

    def forward(self, frames: Tensor, mask: Tensor) -> Tensor:
        heard, valid = self.qformer(frames, mask)  # (U, K, W), (U, K)
        counted = valid[..., None].to(heard.dtype)
        logits: Tensor = self.head((heard * counted).sum(1) / counted.sum(1))
        return logits


def probabilities(logits: Tensor) -> Tensor:
    return torch.softmax(logits.float(), -1)
