"""Speech encoders of transformers: WavLM, HuBERT, wav2vec 2.0 and the encoder of Whisper; hub name or local folder.

Knows waves and hidden states, no files of sound. Weights are read from safetensors only, and not before the first wave
comes: features that are kept on disk need no model in memory.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from prc_emo.errors import PrcEmoError, did_you_mean
from prc_emo.files import sha256_file
from prc_emo.processes import processes
from prc_emo.speech.audio import RATE, Samples

WAVES = ("wavlm", "hubert", "wav2vec2")  # take samples; Whisper takes its own spectrogram
KNOWN = (*WAVES, "whisper")


class Pretrained:
    """A model of the hub or of a folder, and which of its layers is heard.

    Args:
        name: As `microsoft/wavlm-large`, or a folder.
        layer: 0 is what goes into the first layer, -1 what leaves the last; `all` gives every one, (L, T, D).
        revision: Branch, tag or commit on the hub; some models have their safetensors on `refs/pr/NUMBER` only.

    Raises:
        PrcEmoError: The model is not to be found, is of another kind, or has no such layer.
    """

    def __init__(self, name: str, *, layer: int | Literal["all"] = -1, revision: str | None = None) -> None:
        from transformers import AutoConfig

        self.name, self.revision = name, revision
        with _told(name):
            self.config = AutoConfig.from_pretrained(name, revision=revision, trust_remote_code=False)
        self.kind = self.config.model_type
        if self.kind not in KNOWN:
            raise PrcEmoError(
                f"{name}: {self.kind!r} is not a speech encoder that PRC-Emo knows. {did_you_mean(self.kind, KNOWN)}"
            )
        count = self.config.num_hidden_layers + 1
        if layer != "all" and not -count <= layer < count:
            raise PrcEmoError(
                f"{name}: expected a layer from 0 to {count - 1}, or -1 for the last, got {layer}."
            )
        self.layer = layer if layer == "all" else layer % count
        self.layers = count if layer == "all" else None
        self.width: int = self.config.hidden_size
        self.step: int = 320 if self.kind == "whisper" else int(np.prod(self.config.conv_stride))

    @cached_property
    def id(self) -> str:
        """Which weights, by the commit on the hub or the hash of the folder's files, and which layer."""
        folder = Path(self.name)
        if folder.is_dir():
            digest = hashlib.sha256()
            for file in sorted([*folder.glob("*.json"), *folder.glob("*.safetensors")]):
                digest.update(f"{file.name} {sha256_file(file)}".encode())
            which = f"{folder.resolve().name} {digest.hexdigest()[:16]}"
        else:
            which = f"{self.name} {getattr(self.config, '_commit_hash', None) or self.revision or 'main'}"
        return f"{which}, {'all layers' if self.layer == 'all' else f'layer {self.layer}'}"

    @property
    def frames_per_second(self) -> float:
        return RATE / self.step

    @cached_property
    def module(self) -> Any:
        """The torch module, in evaluation mode, on the device of this process; of Whisper the encoder only."""
        from transformers import AutoModel

        with _told(self.name):
            model = AutoModel.from_pretrained(
                self.name,
                revision=self.revision,
                use_safetensors=True,
                trust_remote_code=False,
                dtype=torch.float32,
            )
        return (model.encoder if self.kind == "whisper" else model).eval().to(processes().device)

    @cached_property
    def _prepare(self) -> Any:
        from transformers import AutoFeatureExtractor

        with _told(self.name):
            return AutoFeatureExtractor.from_pretrained(
                self.name, revision=self.revision, trust_remote_code=False
            )

    def __call__(self, waves: Sequence[Samples]) -> list[NDArray[np.float32]]:
        """Each (N,) at 16 kHz becomes (T, D) or (L, T, D)."""
        with torch.inference_mode():
            return [states.float().cpu().numpy() for states in self.states(waves)]

    def states(self, waves: Sequence[Samples]) -> list[torch.Tensor]:
        """The same as tensors on the device, with gradients where the module has any."""
        # a group norm takes its mean over all frames, those of the padding too: such a model hears one wave at a time
        alone = self.kind in WAVES and self.config.feat_extract_norm == "group"
        batches = [[wave] for wave in waves] if alone else [waves] if waves else []
        return [states for batch in batches for states in self._batch(batch)]

    def _batch(self, waves: Sequence[Samples]) -> list[torch.Tensor]:
        inputs, mask = self._whisper(waves) if self.kind == "whisper" else self._padded(waves)
        out = self.module(inputs, attention_mask=mask, output_hidden_states=True)
        # large models end with a norm, and the last of the hidden states is what went into it
        layers = [*out.hidden_states[:-1], out.last_hidden_state]
        heard = layers if self.layer == "all" else [layers[self.layer]]
        states = torch.stack(heard, dim=1)  # (B, L, T, D)
        found = [one[:, : self.frames(len(wave))] for one, wave in zip(states, waves, strict=True)]
        return found if self.layer == "all" else [one[0] for one in found]

    def _padded(self, waves: Sequence[Samples]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """(B, N), each wave normalised by itself where the model was trained so; what is padding is masked."""
        shortest = _receptive_field(self.config)
        ready = [
            self._prepare(np.pad(wave, (0, max(0, shortest - len(wave)))), sampling_rate=RATE)[
                "input_values"
            ][0]
            for wave in waves
        ]
        padded = torch.zeros(len(ready), max(map(len, ready)))
        mask = torch.zeros(padded.shape, dtype=torch.long)
        for at, wave in enumerate(ready):
            padded[at, : len(wave)] = torch.from_numpy(np.asarray(wave, dtype=np.float32))
            mask[at, : len(wave)] = 1
        device = self.module.device
        return padded.to(device), mask.to(device) if len(waves) > 1 else None

    def _whisper(self, waves: Sequence[Samples]) -> tuple[torch.Tensor, None]:
        """(B, bands, 3000): Whisper always hears 30 s, silence after the end; its frames are cut back by `_batch`."""
        features = self._prepare(list(waves), sampling_rate=RATE, return_tensors="pt")["input_features"]
        return features.to(self.module.device), None

    def frames(self, samples: int) -> int:
        """How many frames so many samples become."""
        if self.kind == "whisper":
            return min(-(-samples // self.step), self.config.max_source_positions)
        frames = max(samples, _receptive_field(self.config))
        for kernel, stride in zip(self.config.conv_kernel, self.config.conv_stride, strict=True):
            frames = (frames - kernel) // stride + 1
        return frames


def _receptive_field(config: Any) -> int:
    """How many samples the first frame hears."""
    field, step = 1, 1
    for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
        field += (kernel - 1) * step
        step *= stride
    return field


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Turns what transformers raises about a model that is not there into one sentence, and loads without a bar."""
    from transformers.utils import logging

    bar = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    except (OSError, ValueError) as error:
        raise PrcEmoError(
            f"The speech encoder {name!r} could not be loaded: {str(error).splitlines()[0]} Give a local folder with "
            "config.json, preprocessor_config.json and model.safetensors, or let this machine reach the model hub once; "
            "log_mel needs neither."
        ) from None
    finally:
        if bar:
            logging.enable_progress_bar()
