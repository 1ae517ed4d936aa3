"""Everything that is trained for speech, in one module of one name, so that it is saved whole in the adapter's file.

The Q-Former, the projector into the language model's embeddings, the two heads that affective learning needs in training, and
the speech encoder, where it is trained, too.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from prc_emo.speech.qformer import SpeechQFormer
from prc_emo.speech.tuned import Tuned


@dataclass(frozen=True)
class Spoken:
    """What was heard in U utterances.

    Attributes:
        soft: (M, D) soft prompts of all utterances, one after the other, without those of padded windows.
        contrast: (U, Z) of length one, for the contrastive loss.
        emotions: (U, C) logits of the auxiliary classifier.
    """

    soft: Tensor
    contrast: Tensor
    emotions: Tensor


class SpeechAdapter(nn.Module):
    """Frames in, soft prompts out.

    Args:
        qformer: Its width is W.
        llm_width: D.
        size: The standard deviation of a component of the language model's embeddings, which soft prompts begin with.
        emotions: C, how many labels there are.
        contrast_width: Z.
        encoder: What is trained with the others; frames are then samples.
    """

    def __init__(
        self,
        qformer: SpeechQFormer,
        *,
        llm_width: int,
        size: float,
        emotions: int,
        contrast_width: int = 128,
        encoder: Tuned | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.listener = qformer
        level = nn.LayerNorm(llm_width)
        nn.init.constant_(level.weight, size)
        self.to_llm = nn.Sequential(nn.Linear(qformer.width, llm_width), level)
        self.to_contrast = nn.Sequential(
            nn.Linear(qformer.width, qformer.width), nn.ReLU(), nn.Linear(qformer.width, contrast_width)
        )
        self.to_emotions = nn.Linear(qformer.width, emotions)

    def forward(
        self, frames: Tensor, mask: Tensor, text: Tensor | None = None, text_mask: Tensor | None = None
    ) -> Spoken:
        """See `SpeechQFormer.forward` for the shapes."""
        if self.encoder is not None:
            frames, mask = self.encoder(frames, mask)
        heard, valid = self.listener(frames, mask, text, text_mask)  # (U, K, W), (U, K)
        pooled = (heard * valid[..., None]).sum(1) / valid.sum(1, keepdim=True).clamp(min=1)  # (U, W)
        return Spoken(
            self.to_llm(heard[valid]),
            nn.functional.normalize(self.to_contrast(pooled), dim=-1),
            self.to_emotions(pooled),
        )

    def attention(self, frames: Tensor, text: Tensor | None = None) -> Tensor:
        """As `SpeechQFormer.attention`, of one utterance without padding."""
        if self.encoder is not None:
            with torch.inference_mode():
                frames, _ = self.encoder(frames, frames.new_ones(frames.shape[:2], dtype=torch.bool))
        return self.listener.attention(frames, text)
