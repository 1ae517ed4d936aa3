"""A language model that hears: places in its prompt are filled with soft prompts made of speech.

A prompt's tokens hold `SLOT`, which is no token, wherever a soft prompt goes. What fills them comes beside the tokens, in
the order of the batch: row by row, from left to right. Positions, masks, caches and labels are those of any other prompt.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationMixin, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast

from prc_emo.errors import PrcEmoError
from prc_emo.speech.adapter import SpeechAdapter, Spoken

SLOT = -1  # as in prc_emo.llm.tokens, which this does not know
NAME = "speech_adapter"  # of the module: what an adapter's file calls it
_QUANTIZED = ("is_loaded_in_4bit", "is_loaded_in_8bit", "is_quantized", "hf_quantizer", "quantization_method")


@dataclass
class HeardOutput(CausalLMOutputWithPast):
    """What losses beside the answer need is among the outputs, so that DDP knows that it is used; see `Spoken`."""

    contrast: Tensor | None = None
    emotions: Tensor | None = None


class HearingModel(PreTrainedModel, GenerationMixin):
    """A causal language model and its speech adapter.

    Without `speech` it is the language model itself, to the last bit.
    """

    supports_gradient_checkpointing = True
    # whatever the language model was loaded with is not to be doubted again here
    _supports_sdpa = _supports_flash_attn = _supports_flex_attn = _supports_attention_backend = True

    def __init__(self, llm: Any, speech_adapter: SpeechAdapter) -> None:
        super().__init__(llm.config)
        self.llm, self.speech_adapter = llm, speech_adapter
        for name in _QUANTIZED:  # others ask the outermost model
            if hasattr(llm, name):
                setattr(self, name, getattr(llm, name))
        self.spoken: Spoken | None = None  # of the last forward pass, for the losses beside the answer's

    def forward(
        self,
        input_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        speech: Mapping[str, Tensor] | None = None,
        **options: Any,
    ) -> Any:
        """As the language model's.

        Args:
            input_ids: (B, T), with `SLOT` where a soft prompt goes.
            speech: What fills them: `frames` and `mask`, as in `SpeechQFormer.forward`; with `words`, (U, L) tokens, and
                `words_mask`, where the queries see text.

        Raises:
            PrcEmoError: There are not as many slots as soft prompts.
        """
        if input_ids is not None and speech is not None:
            out = self.llm(inputs_embeds=self.embed(input_ids, speech), **options)
            assert self.spoken is not None
            return HeardOutput(
                logits=out.logits,
                past_key_values=out.get("past_key_values"),
                contrast=self.spoken.contrast,
                emotions=self.spoken.emotions,
            )
        return self.llm(input_ids=input_ids, inputs_embeds=inputs_embeds, **options)

    def embed(self, input_ids: Tensor, speech: Mapping[str, Tensor]) -> Tensor:
        """Word vectors and soft prompts, (B, T, D)."""
        table = self.llm.get_input_embeddings()
        slots = input_ids == SLOT  # (B, T)
        words = table(input_ids.masked_fill(slots, 0))  # (B, T, D)
        self.spoken = self.hear(speech)
        soft = self.spoken.soft  # (M, D)
        if (wanted := int(slots.sum())) != len(soft):
            raise PrcEmoError(
                f"The prompts of this batch have {wanted} places for speech, and {len(soft)} soft prompts came for them."
            )
        return words.masked_scatter(slots[..., None], soft.to(words.dtype))

    def hear(self, speech: Mapping[str, Tensor]) -> Spoken:
        """What the adapter makes of voices; `speech` as in `forward`."""
        spoken: Spoken = self.speech_adapter(
            speech["frames"], speech["mask"], self.words(speech), speech.get("words_mask")
        )
        return spoken

    def words(self, speech: Mapping[str, Tensor]) -> Tensor | None:
        """The word vectors that the queries see, (U, L, D); None where they are deaf to text."""
        text = speech.get("words")
        return None if text is None else self.llm.get_input_embeddings()(text).detach()

    def generate(  # type: ignore[override]
        self, input_ids: Tensor, speech: Mapping[str, Tensor] | None = None, **options: Any
    ) -> Tensor:
        """As the language model's; returns prompt and answer, `SLOT` and all."""
        if speech is None:
            return self.llm.generate(input_ids=input_ids, **options)
        new = self.llm.generate(inputs_embeds=self.embed(input_ids, speech), **options)
        return torch.cat([input_ids, new], 1)

    def prepare_inputs_for_generation(self, *arguments: Any, **options: Any) -> Any:
        return self.llm.prepare_inputs_for_generation(*arguments, **options)

    def get_input_embeddings(self) -> Any:
        return self.llm.get_input_embeddings()

    def get_output_embeddings(self) -> Any:
        return self.llm.get_output_embeddings()
