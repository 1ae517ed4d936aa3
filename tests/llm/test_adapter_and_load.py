from pathlib import Path

import numpy as np
import pytest
import torch

from prc_emo.errors import PrcEmoError
from prc_emo.files import read_json, write_json
from prc_emo.llm import adapter
from prc_emo.llm.load import LanguageModel, load
from prc_emo.llm.score import score
from prc_emo.llm.tokens import prompt_ids

from .conftest import MELD, QWEN


def shaken(lm: LanguageModel) -> LanguageModel:
    """With an adapter that does something: a fresh one adds exactly nothing."""
    worn = adapter.add(lm, rank=4, alpha=8, dropout=0.0, seed=1)
    with torch.no_grad():
        for name, parameter in worn.model.named_parameters():
            if parameter.requires_grad and "lora_B" in name:
                parameter.add_(0.1)
    worn.model.eval()
    return worn


def scores(lm: LanguageModel) -> np.ndarray:
    return score(lm, [prompt_ids(lm, [{"role": "user", "content": "What?"}])], MELD)


def test_a_fresh_adapter_changes_no_answer(fresh_toy: LanguageModel) -> None:
    before = scores(fresh_toy)
    assert np.allclose(scores(adapter.add(fresh_toy, rank=4, alpha=8, dropout=0.0, seed=1)), before)


@pytest.mark.parametrize("name", [QWEN, "minilm"])
def test_a_saved_adapter_gives_the_same_scores(name: str, tmp_path: Path) -> None:
    tiny = name != "minilm"
    worn = shaken(load(name, tiny=tiny, precision="fp32"))
    adapter.save(worn, tmp_path)
    again = adapter.put_on(load(name, tiny=tiny, precision="fp32"), tmp_path)
    assert np.array_equal(scores(worn), scores(again))
    assert not np.allclose(scores(worn), scores(load(name, tiny=tiny, precision="fp32")))  # the premise
    assert not [path for path in tmp_path.rglob("*") if path.suffix in adapter.PICKLES]


def test_the_embedded_models_head_is_trained_and_saved_whole(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    worn = adapter.add(load("minilm"), rank=4, alpha=8, dropout=0.0, seed=1)
    trained = [name for name, parameter in worn.model.named_parameters() if parameter.requires_grad]
    assert any("transform" in name for name in trained)
    assert all("lora" in name or "transform" in name for name in trained)
    adapter.save(worn, tmp_path)
    assert any("transform" in name for name in load_file(tmp_path / adapter.WEIGHTS))


def test_a_pickle_beside_the_adapter_is_refused(fresh_toy: LanguageModel, tmp_path: Path) -> None:
    adapter.save(shaken(fresh_toy), tmp_path)
    (tmp_path / "adapter_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(PrcEmoError, match=r"adapter_model\.bin is a pickle, which can run code"):
        adapter.put_on(load(QWEN, tiny=True), tmp_path)


def test_only_lora_adapters_are_read(fresh_toy: LanguageModel, tmp_path: Path) -> None:
    adapter.save(shaken(fresh_toy), tmp_path)
    write_json(
        tmp_path / adapter.SETTINGS, {**read_json(tmp_path / adapter.SETTINGS), "peft_type": "PROMPT_TUNING"}
    )
    with pytest.raises(PrcEmoError, match="expected a LORA adapter, got 'PROMPT_TUNING'"):
        adapter.put_on(load(QWEN, tiny=True), tmp_path)


def test_an_adapter_of_another_model_does_not_fit(fresh_toy: LanguageModel, tmp_path: Path) -> None:
    adapter.save(shaken(fresh_toy), tmp_path)
    with pytest.raises(PrcEmoError, match="does not fit minilm"):
        adapter.put_on(load("minilm"), tmp_path)


def test_the_random_weights_of_a_toy_are_the_same_every_time() -> None:
    one, two = load(QWEN, tiny=True), load(QWEN, tiny=True)
    assert all(map(torch.equal, one.model.parameters(), two.model.parameters()))
    assert one.model.config.model_type == "qwen3"


def test_a_model_that_is_nowhere_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(PrcEmoError, match=r"could not be loaded.*model\.name=PATH"):
        load(str(tmp_path / "empty"))


def test_a_model_folder_cannot_run_code(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "evil.py").write_text(f"open({str(marker)!r}, 'w')\n")
    write_json(
        folder / "config.json",
        {"model_type": "evil", "auto_map": {"AutoConfig": "evil.E", "AutoModelForCausalLM": "evil.M"}},
    )
    with pytest.raises(PrcEmoError, match="could not be loaded"):
        load(str(folder))
    assert not marker.exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU, which can do it")
@pytest.mark.parametrize("kind", ["nf4", "int8"])
def test_quantised_training_without_a_gpu_is_refused(kind: str) -> None:
    """On a CPU bitsandbytes would train with wrong gradients, and say nothing."""
    with pytest.raises(PrcEmoError, match=f"model.quantization={kind} needs a CUDA GPU"):
        load("Qwen/Qwen3-8B", quantization=kind)
