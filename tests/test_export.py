"""A merged model answers as its adapter did, alone, and behind a server; what differs is found."""

import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import openai
import pytest
from test_kill import free_port

from prc_emo import PRCEmo, PrcEmoError
from prc_emo.config import Training
from prc_emo.conversation import Conversation, Utterance
from prc_emo.export import export
from prc_emo.labels import MELD
from prc_emo.llm.generate import generate
from prc_emo.verify import verify, write
from prompts import load_template


def talks(count: int) -> list[Conversation]:
    said = [
        ("Ross", "I'm fine.", "sadness"),
        ("Monica", "You're not fine.", "anger"),
        ("Ross", "So.", "neutral"),
    ]
    return [
        Conversation(f"t{n}", tuple(Utterance(f"t{n}/{at}", who, f"{words} {n}", gold) for at, (who, words, gold) in enumerate(said)))
        for n in range(count)
    ]  # fmt: skip


def fitted(out: Path, base: str, template: str, **loading: object) -> Path:
    model = PRCEmo(
        base,
        labels=MELD,
        template=load_template(template),
        training=Training(batch=2, accumulate=1, learning_rate=1e-2, epochs=1),
        loading={"precision": "fp32", **loading},
    )
    model.fit(talks(3), talks(1), out=out)
    return out


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fitted(tmp_path_factory.mktemp("toy"), "Qwen/Qwen3-8B", "recognize", tiny=True)


@pytest.fixture(scope="module")
def merged(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("merged") / "model"
    export(toy, out)
    return out


def test_the_merged_model_says_the_same_and_needs_no_adapter(toy: Path, merged: Path) -> None:
    (found,) = verify(toy, [str(merged)], talks(2))
    assert (found.count, found.labels) == (6, 0)
    assert found.largest < 1e-5
    assert not list(merged.glob("adapter*"))
    learned, base = PRCEmo.load(merged), PRCEmo.load(toy)
    with base.language_model.model.disable_adapter():
        untrained = base.predict(talks(1))
    now = learned.predict(talks(1))
    assert (
        max(
            abs(a.probabilities[x] - b.probabilities[x])
            for a, b in zip(now, untrained, strict=True)
            for x in MELD
        )
        > 1e-3
    )


def test_other_programs_load_it_as_a_plain_model(merged: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, info = AutoModelForCausalLM.from_pretrained(merged, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    assert not hasattr(model, "peft_config")
    assert AutoTokenizer.from_pretrained(merged).chat_template


def test_the_embedded_model_keeps_reading_in_both_directions(tmp_path: Path) -> None:
    run, out, told = fitted(tmp_path / "run", "minilm", "recognize_compact"), tmp_path / "merged", []
    export(run, out, told.append)
    assert "reads a prompt in both directions, and vLLM" in told[0]
    assert PRCEmo.load(out).language_model.prefix
    (found,) = verify(run, [str(out)], talks(1))
    assert found.largest < 1e-5


def test_what_differs_is_found_and_ends_with_1(
    toy: Path, merged: Path, tmp_path: Path, prc_emo: Callable[..., object]
) -> None:
    other = tmp_path / "other"
    shutil.copytree(toy / "model", other)
    model = PRCEmo.load(other)
    model.temperature = model.temperature / 3
    model.describe(other)
    said = tmp_path / "talk.txt"
    said.write_text("Ross: I'm fine.\nMonica: You're not fine.\n", encoding="utf-8")
    done = prc_emo("verify", toy, said, "--against", merged, "--against", other)
    assert done.code == 1  # type: ignore[attr-defined]
    assert "They differ by more than 0.001" in done.err  # type: ignore[attr-defined]
    assert prc_emo("verify", toy, said, "--against", merged).code == 0  # type: ignore[attr-defined]


def test_a_changed_or_half_exported_model_is_refused(merged: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(merged, broken)
    (broken / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(PrcEmoError, match=r"model\.safetensors is missing or was changed"):
        PRCEmo.load(broken)
    with pytest.raises(PrcEmoError, match="merged already"):
        export(merged, tmp_path / "again")
    with pytest.raises(PrcEmoError, match="expected a new folder"):
        export(merged, merged)
    with pytest.raises(PrcEmoError, match="there is none to save"):
        PRCEmo.load(merged).save(tmp_path / "saved")


def test_what_cannot_be_asked_is_named_before_anything_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(PrcEmoError, match="expected a folder of a model, or an address"):
        verify(tmp_path, [str(tmp_path / "nowhere")], talks(1))


@pytest.mark.slow
def test_transformers_serve_writes_what_the_run_writes(toy: Path, merged: Path) -> None:
    model = PRCEmo.load(merged)
    program = Path(sys.executable).with_name("transformers")
    port = free_port()
    server = subprocess.Popen([program, "serve", merged, "--port", str(port)])
    try:
        url, until = f"http://127.0.0.1:{port}", time.monotonic() + 120
        while True:
            with suppress(OSError), urllib.request.urlopen(f"{url}/health"):
                break
            assert server.poll() is None and time.monotonic() < until
            time.sleep(0.5)
        (found,) = verify(toy, [url], talks(2), written=str(merged))
        asked = model.compose(talks(2))
        theirs = [write(url, str(merged), one) for one in asked]
        client = openai.OpenAI(base_url=f"{url}/v1", api_key="none")
        answers = [
            client.chat.completions.create(
                model=str(merged),
                messages=list(one.messages),  # type: ignore[arg-type]
                max_tokens=1,
                extra_body={"chat_template_kwargs": {"enable_thinking": False}},
            )
            for one in asked
        ]
    finally:
        server.terminate()
        server.wait(30)
    assert (found.count, found.labels) == (6, 0)
    assert found.unread == 6 and not found.within(1)  # what nobody can read is no agreement
    # a toy writes no labels; that it writes the same nonsense after as many tokens says more
    tokens = [model.tokens(one.messages) for one in asked]
    assert theirs == generate(model.language_model, tokens) and all(theirs)
    assert [one.usage and one.usage.prompt_tokens for one in answers] == list(map(len, tokens))
