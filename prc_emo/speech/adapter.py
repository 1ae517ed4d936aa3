"""Everything that is trained for speech, in one module of one name, so that it is saved whole in the adapter's file.

The Q-Former, the projector into the language model's embeddings, and the two heads that affective learning needs in training.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from prc_emo.speech.qformer import SpeechQFormer


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
    """

    def __init__(
        self,
        qformer: SpeechQFormer,
        *,
        llm_width: int,
        size: float,
        emotions: int,
        contrast_width: int = 128,
    ) -> None:
        super().__init__()
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
        heard, valid = self.listener(frames, mask, text, text_mask)  # (U, K, W), (U, K)
        pooled = (heard * valid[..., None]).sum(1) / valid.sum(1, keepdim=True).clamp(min=1)  # (U, W)
        return Spoken(
            self.to_llm(heard[valid]),
            nn.functional.normalize(self.to_contrast(pooled), dim=-1),
            self.to_emotions(pooled),
        )
