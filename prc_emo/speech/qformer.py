"""Frames of speech in, a few vectors that a language model can read out.

Learned queries look at each other and at the frames of an utterance (a Q-Former, Li et al., 2023: BLIP-2, section 3.1);
what they found is projected to the width of the language model's embeddings. A reconstruction of EmoQ's (Yang and Mak, 2025,
arXiv 2509.15775) EmoQ-Former: its dimensions and the place where text enters are not public, so all of them are parameters here.

Letters: U utterances, T frames, S width of a frame, Q queries, W width of the Q-Former, L words of text, D width of the
language model.
"""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import Blip2QFormerConfig, Blip2QFormerModel


class SpeechQFormer(nn.Module):
    """Learned queries over frames.

    Args:
        frame_width: S; or, with `units`, ignored.
        text_width: D of the word vectors that the queries see beside the frames (InstructBLIP's way: joint
            self-attention); None leaves the queries deaf to text.
        queries: How many vectors an utterance, or a window of it, becomes.
        window: Frames that one set of queries looks at (SALMONN's way); None looks at the whole utterance.
        layers_mixed: How many layers of a speech encoder are mixed with learned weights (SUPERB's way); frames are then
            (U, N, T, S).
        units: How many discrete units there are; frames are then integers, (U, T).
        convolutions: Layers that let each frame see its neighbours before queries look, for frames that no encoder has
            put into context; of five frames each, with a way around them.
        width, layers, heads, feedforward, dropout: Of the Q-Former itself; every layer looks at the frames.

    >>> listen = SpeechQFormer(frame_width=80, queries=4, width=32, heads=2, layers=1, feedforward=64)
    >>> heard, valid = listen(torch.zeros(2, 50, 80), torch.ones(2, 50, dtype=torch.bool))
    >>> heard.shape, valid.shape
    (torch.Size([2, 4, 32]), torch.Size([2, 4]))
    """

    def __init__(
        self,
        *,
        frame_width: int,
        queries: int = 8,
        width: int = 256,
        layers: int = 2,
        heads: int = 4,
        feedforward: int = 1024,
        dropout: float = 0.1,
        text_width: int | None = None,
        window: int | None = None,
        layers_mixed: int | None = None,
        units: int | None = None,
        convolutions: int = 0,
    ) -> None:
        super().__init__()
        self.queries = nn.Parameter(torch.randn(queries, width) * 0.02)  # (Q, W)
        self.frames: nn.Module = (
            nn.Embedding(units, width)
            if units is not None
            else nn.Sequential(nn.Linear(frame_width, width), nn.LayerNorm(width))
        )
        self.local = nn.ModuleList(nn.Conv1d(width, width, 5, padding=2) for _ in range(convolutions))
        self.dropout = nn.Dropout(dropout)
        self.mixture = nn.Parameter(torch.zeros(layers_mixed)) if layers_mixed else None  # (N,)
        self.text = nn.Sequential(nn.Linear(text_width, width), nn.LayerNorm(width)) if text_width else None
        self.window, self.width = window, width
        self.qformer: Any = Blip2QFormerModel(
            Blip2QFormerConfig(
                hidden_size=width,
                num_hidden_layers=layers,
                num_attention_heads=heads,
                intermediate_size=feedforward,
                hidden_dropout_prob=dropout,
                attention_probs_dropout_prob=dropout,
                encoder_hidden_size=width,
                cross_attention_frequency=1,
                use_qformer_text_input=text_width is not None,
                # the usual 0.02 is for the width of BERT; here what the frames say would drown beside the queries
                initializer_range=width**-0.5,
            )
        )
        self.qformer.set_attn_implementation("sdpa")  # takes masks of booleans

    def slots(self, frames: int) -> int:
        """How many vectors an utterance of so many frames becomes."""
        many = 1 if self.window is None else -(-frames // self.window)
        return many * len(self.queries)

    def forward(
        self,
        frames: Tensor,
        mask: Tensor,
        text: Tensor | None = None,
        text_mask: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """What the queries heard.

        Args:
            frames: (U, T, S); (U, N, T, S) where layers are mixed; (U, T) integers where frames are units.
            mask: (U, T), true where there is a frame; the others are not heard.
            text: (U, L, D) word vectors, and `text_mask` (U, L), for a Q-Former that sees text.

        Returns:
            (U, K, W), and which of the K are real, (U, K): shorter utterances have fewer windows.
        """
        asked, valid = self._asked(frames, mask, text, text_mask)
        heard = self.qformer(**asked).last_hidden_state[:, : len(self.queries)]  # (U V, Q, W)
        return heard.reshape(len(frames), -1, self.width), valid

    @torch.inference_mode()
    def attention(self, frames: Tensor, text: Tensor | None = None) -> Tensor:
        """How much each query looks at each frame of one utterance, (K, T), heads of the last layer meant.

        Args:
            frames: As `forward` takes them, of one utterance, all of its frames real.
            text: (1, L, D).
        """
        length = frames.shape[-2] if frames.ndim > 2 else frames.shape[1]
        mask = torch.ones(1, length, dtype=torch.bool, device=frames.device)
        text_mask = None if text is None else text.new_ones(text.shape[:2], dtype=torch.bool)
        asked, valid = self._asked(frames, mask, text, text_mask)
        seen = asked["encoder_attention_mask"]
        asked["encoder_attention_mask"] = torch.zeros(seen.shape, device=seen.device).masked_fill(~seen, -1e9)
        self.qformer.set_attn_implementation("eager")  # the others do not tell where they look
        try:
            looks = self.qformer(**asked, output_attentions=True).cross_attentions[-1].mean(1)  # (V, Q, T')
        finally:
            self.qformer.set_attn_implementation("sdpa")
        whole = torch.zeros(valid.shape[1], len(looks) * looks.shape[-1])
        for window, rows in enumerate(looks):  # each looks at its own frames
            first = window * looks.shape[-1]
            whole[window * len(rows) : (window + 1) * len(rows), first : first + looks.shape[-1]] = rows
        return whole[:, :length]

    def _asked(
        self, frames: Tensor, mask: Tensor, text: Tensor | None, text_mask: Tensor | None
    ) -> tuple[dict[str, Any], Tensor]:
        """What the Q-Former is given, and which of the vectors that come out are real."""
        if self.mixture is not None:
            frames = torch.einsum("n,unts->uts", self.mixture.softmax(0).to(frames.dtype), frames)
        seen = self.frames(frames)  # (U, T, W)
        there = mask[..., None].to(seen.dtype)
        for convolution in self.local:
            around = convolution((seen * there).transpose(1, 2)).transpose(1, 2)
            seen = seen + self.dropout(around.relu())
        seen = seen + sinusoids(seen.shape[1], self.width).to(seen)
        many = len(seen)
        valid = mask.new_ones(many, len(self.queries))  # (U, Q)
        if self.window is not None:
            seen, mask = _windows(seen, self.window), _windows(mask, self.window)  # (U, V, window, ...)
            valid = mask.any(-1).repeat_interleave(len(self.queries), 1)  # (U, V Q)
            seen, mask = seen.flatten(0, 1), mask.flatten(0, 1)
        asks = self.queries.expand(len(seen), -1, -1)  # (U V, Q, W)
        awake = mask.new_ones(len(seen), len(self.queries))  # (U V, Q)
        if self.text is not None:
            assert text is not None and text_mask is not None
            words = self.text(text.to(next(self.text.parameters()).dtype))
            words = words + sinusoids(words.shape[1], self.width).to(words)  # (U, L, W)
            windows = len(seen) // many
            asks = torch.cat([asks, words.repeat_interleave(windows, 0)], 1)
            awake = torch.cat([awake, text_mask.repeat_interleave(windows, 0)], 1)
        asked = {
            "query_embeds": asks,
            "query_length": len(self.queries),
            "attention_mask": awake.long(),
            "encoder_hidden_states": seen,
            # in full: the library would make it for the rows of the words, too, which look at no frame
            "encoder_attention_mask": mask[:, None, None].expand(-1, 1, len(self.queries), -1),
        }
        return asked, valid


def sinusoids(length: int, width: int) -> Tensor:
    """Positions as sines and cosines, (length, width): attention alone cannot tell the first frame from the last."""
    place = torch.arange(length)[:, None]  # (length, 1)
    rate = torch.exp(torch.arange(0, width, 2) * (-9.210340371976184 / width))  # 10,000 ** (-2i / width)
    angles = place * rate
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)[:, :width]


def _windows(rows: Tensor, size: int) -> Tensor:
    """(U, T, ...) to (U, V, size, ...), the last one padded with nothing heard."""
    missing = -rows.shape[1] % size
    if missing:
        rows = torch.cat([rows, rows.new_zeros(len(rows), missing, *rows.shape[2:])], 1)
    return rows.unflatten(1, (-1, size))
