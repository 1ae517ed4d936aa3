"""Speech encoders of transformers: random models of each architecture, one layer or two, from a folder as users have them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from speech_kit import noise, tone

from prc_emo.errors import PrcEmoError
from prc_emo.speech.encoder import encoder
from prc_emo.speech.pretrained import Pretrained

SMALL = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "conv_dim": (8,) * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
}
LARGE = {"feat_extract_norm": "layer", "conv_bias": True, "do_stable_layer_norm": True}  # as the large models
KINDS = ["wavlm", "wavlm-large", "hubert", "hubert-large", "wav2vec2", "wav2vec2-large", "whisper"]
# base models have a group norm, whose mean padding would change
MADE: dict[str, Callable[[], tuple[object, object]]] = {
    "wavlm": lambda: (transformers.WavLMConfig(**SMALL), transformers.WavLMModel),
    "wavlm-large": lambda: (transformers.WavLMConfig(**SMALL, **LARGE), transformers.WavLMModel),
    "hubert": lambda: (transformers.HubertConfig(**SMALL), transformers.HubertModel),
    "hubert-large": lambda: (transformers.HubertConfig(**SMALL, **LARGE), transformers.HubertModel),
    "wav2vec2": lambda: (transformers.Wav2Vec2Config(**SMALL), transformers.Wav2Vec2Model),
    "wav2vec2-large": lambda: (transformers.Wav2Vec2Config(**SMALL, **LARGE), transformers.Wav2Vec2Model),
    "whisper": lambda: (
        transformers.WhisperConfig(
            d_model=16,
            encoder_layers=2,
            decoder_layers=1,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=24,
            decoder_ffn_dim=24,
            vocab_size=50,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
            decoder_start_token_id=1,
            suppress_tokens=None,
            begin_suppress_tokens=None,
        ),
        transformers.WhisperModel,
    ),
}


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    root = tmp_path_factory.mktemp("encoders")

    def folder(kind: str) -> Path:
        if not (root / kind).exists():
            torch.manual_seed(0)
            config, made = MADE[kind]()
            made(config).eval().save_pretrained(root / kind)
            if kind == "whisper":
                transformers.WhisperFeatureExtractor().save_pretrained(root / kind)
            else:
                large = kind.endswith("-large")
                transformers.Wav2Vec2FeatureExtractor(
                    do_normalize=large, return_attention_mask=large
                ).save_pretrained(root / kind)
        return root / kind

    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_an_utterances_frames_do_not_depend_on_its_neighbours(
    models: Callable[[str], Path], kind: str
) -> None:
    waves = [noise(0.4), tone(0.9), noise(0.15, seed=1)]
    made = Pretrained(str(models(kind)))
    together = made(waves)
    for wave, frames in zip(waves, together, strict=True):
        (alone,) = made([wave])
        assert frames.dtype == np.float32 and frames.shape == alone.shape
        assert frames.std() > 0.01  # the premise: they say something
        np.testing.assert_allclose(frames, alone, atol=1e-5)


def test_the_premise_is_that_padding_changes_a_group_norm(models: Callable[[str], Path]) -> None:
    """Were base models given batches, this is what a neighbour would do, mask or no mask."""
    made = Pretrained(str(models("wav2vec2")))
    wave = noise(0.4)
    (alone,) = made([wave])
    with torch.inference_mode():
        padded = made._batch([wave, noise(2.0)])[0].cpu().numpy()
    assert np.abs(padded - alone).max() > 1e-3


@pytest.mark.parametrize("kind", ["wavlm-large", "hubert", "wav2vec2-large"])
@pytest.mark.parametrize("samples", [1_600, 6_400, 16_000, 16_001, 100])
def test_there_are_as_many_frames_as_the_model_makes(
    models: Callable[[str], Path], kind: str, samples: int
) -> None:
    made = Pretrained(str(models(kind)))
    (frames,) = made([noise(samples / 16_000)])
    expected = max(1, int(made.module._get_feat_extract_output_lengths(max(samples, 400))))
    assert frames.shape == (expected, made.width)
    assert abs(len(frames) - samples / 16_000 * made.frames_per_second) < 2


def test_whispers_thirty_seconds_are_cut_back_to_what_was_said(models: Callable[[str], Path]) -> None:
    made = Pretrained(str(models("whisper")))
    short, long = made([noise(0.4), noise(30.0)])
    assert (len(short), len(long)) == (20, 1500)


@pytest.mark.parametrize("kind", ["wavlm-large", "wav2vec2", "whisper"])
def test_a_layer_is_one_of_all_layers(models: Callable[[str], Path], kind: str) -> None:
    wave, name = noise(0.5), str(models(kind))
    every = Pretrained(name, layer="all")
    (layers,) = every([wave])
    assert every.layers == 3 and layers.shape[0] == 3 and layers.shape[2] == every.width
    for layer in (0, 1, 2):
        one = Pretrained(name, layer=layer)
        assert one.layers is None
        np.testing.assert_allclose(one([wave])[0], layers[layer], atol=1e-6)
    np.testing.assert_array_equal(Pretrained(name)([wave])[0], Pretrained(name, layer=2)([wave])[0])
    assert np.abs(layers[1] - layers[2]).max() > 1e-3


@pytest.mark.parametrize("kind", ["wavlm-large", "whisper"])
def test_the_last_layer_is_what_the_model_gives(models: Callable[[str], Path], kind: str) -> None:
    made = Pretrained(str(models(kind)))
    wave = noise(0.5)
    with torch.inference_mode():
        inputs = made._prepare(wave, sampling_rate=16_000, return_tensors="pt")
        out = made.module(next(iter(inputs.values()))).last_hidden_state[0]
    np.testing.assert_allclose(made([wave])[0], out[: len(made([wave])[0])].numpy(), atol=1e-5)


def test_states_carry_gradients_for_who_wants_to_tune(models: Callable[[str], Path]) -> None:
    made = Pretrained(str(models("wavlm-large")))
    made.states([noise(0.3), noise(0.5)])[0].sum().backward()
    assert any(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in made.module.parameters())
    assert not made.module.training


def test_the_id_names_weights_and_layer_and_loads_nothing(
    models: Callable[[str], Path], tmp_path: Path
) -> None:
    name = str(models("hubert"))
    made = Pretrained(name)
    assert made.id == Pretrained(name, layer=2).id
    assert "module" not in vars(made)
    assert len({Pretrained(name, layer=layer).id for layer in (0, 1, 2, "all")}) == 4
    config, model = MADE["hubert"]()
    torch.manual_seed(1)
    model(config).save_pretrained(tmp_path / "hubert")  # the same name, other weights
    assert Pretrained(str(tmp_path / "hubert")).id != made.id
    assert str(Path(name).parent) not in made.id


def test_a_layer_that_is_not_there_is_an_error(models: Callable[[str], Path]) -> None:
    with pytest.raises(PrcEmoError, match=r"expected a layer from 0 to 2, or -1 for the last, got 12"):
        Pretrained(str(models("wavlm")), layer=12)


def test_a_model_that_hears_nothing_is_an_error(tmp_path: Path) -> None:
    transformers.BertConfig().save_pretrained(tmp_path)
    with pytest.raises(
        PrcEmoError, match=r"'bert' is not a speech encoder that PRC-Emo knows\. .*Known: hubert"
    ):
        Pretrained(str(tmp_path))


def test_a_model_that_is_nowhere_is_an_error_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PrcEmoError, match=r"could not be loaded: .* log_mel needs neither"):
        encoder(str(tmp_path / "nowhere"))


def test_weights_that_are_a_pickle_are_not_read(models: Callable[[str], Path], tmp_path: Path) -> None:
    name = models("wavlm")
    for file in name.glob("*.json"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    torch.save({}, tmp_path / "pytorch_model.bin")
    made = Pretrained(str(tmp_path))
    with pytest.raises(PrcEmoError, match=r"could not be loaded: .*safetensors"):
        made([noise(0.3)])
