"""Training on a toy: what is optimised, in which order, and that nothing is lost when it is interrupted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from curriculum import BabySteps, CurriculumError, Order, Shuffled
from prc_emo.config import Training
from prc_emo.files import read_json, read_jsonl
from prc_emo.llm import adapter
from prc_emo.llm.load import LanguageModel, load
from prc_emo.llm.score import label_tokens, score
from prc_emo.llm.tokens import IGNORED, Encoded, encode, prompt_ids
from prc_emo.llm.train import Collate, CurriculumTrainer, last_checkpoint, train

from .conftest import MELD, QWEN

SETTINGS = Training(epochs=3, batch=2, accumulate=2, learning_rate=1e-2, evaluate_every=3, neftune=5.0)
BATCH = 4


def dressed() -> LanguageModel:
    return adapter.add(load(QWEN, tiny=True, precision="fp32"), rank=4, alpha=8, dropout=0.1, seed=1)


def rows_for(lm: LanguageModel, count: int = 16) -> list[Encoded]:
    asked = [
        [{"role": "user", "content": f"Utterance {number}: {'so ' * (number % 5)}"}]
        for number in range(count)
    ]
    return [
        encode(lm, str(number), prompt_ids(lm, ask), MELD[number % 7]) for number, ask in enumerate(asked)
    ]


def order_of(count: int = 16, **options: Any) -> Order:
    return BabySteps(buckets=2, epochs=3).order(np.arange(count) / count, seed=1, batch=BATCH, **options)


class Evaluations:
    """Development scores that rise and then fall, and, on demand, a power cut."""

    def __init__(self, cut_at: int | None = None) -> None:
        self.calls, self.cut_at = 0, cut_at

    def __call__(self, model: Any) -> dict[str, float]:
        self.calls += 1
        if self.calls == self.cut_at:
            raise KeyboardInterrupt
        # of the weights, so that it is the same after a resume
        norm = sum(float(p.detach().abs().sum()) for name, p in model.named_parameters() if "lora_B" in name)
        return {"wf1": -abs(norm - 20.0), "accuracy": 0.5}


def run(
    out: Path, *, evaluate: Callable[[Any], dict[str, float]] | None = None, **options: Any
) -> LanguageModel:
    lm = dressed()
    arguments = {"settings": SETTINGS, "seed": 7, "order": order_of(), **options}
    rows = rows_for(lm)
    train(lm, rows, evaluate=evaluate or Evaluations(), out=out, **arguments)
    return lm


def weights(lm: LanguageModel) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in lm.model.named_parameters() if "lora" in name}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_the_loss_is_that_of_the_full_logits_on_the_answer(tmp_path: Path) -> None:
    """Applying the head only where there is a label leaves out work, not loss."""
    lm = dressed()
    rows = rows_for(lm, 6)
    batch = Collate(lm.tokenizer.pad_token_id)([vars_of(row) for row in rows])
    lm.model.eval()
    with torch.inference_mode():
        ours = CurriculumTrainer.compute_loss(FakeTrainer(lm), lm.model, batch)  # type: ignore[arg-type]
        each = []
        for row in rows:  # unpadded, with all logits, by the library's own loss
            ids, labels = torch.tensor([row.input_ids]), torch.tensor([row.labels])
            each.append(
                (lm.model(input_ids=ids, labels=labels).loss * (labels[:, 1:] != IGNORED).sum()).item()
            )
    tokens = sum(label != IGNORED for row in rows for label in row.labels)
    assert float(ours) == pytest.approx(sum(each) / tokens, abs=1e-4)


def test_what_is_learned_is_what_is_scored(minilm: LanguageModel) -> None:
    """Training and scoring show a prefix language model the same prompt, padded or not."""
    prompts = [[101, *range(2000, 2000 + length)] for length in (3, 9, 6)]
    words = label_tokens(minilm, MELD)
    rows = [
        Encoded(str(at), prompt + words[at], [IGNORED] * len(prompt) + words[at])
        for at, prompt in enumerate(prompts)
    ]
    batch = Collate(minilm.tokenizer.pad_token_id)([vars_of(row) for row in rows])
    with torch.inference_mode():
        loss = CurriculumTrainer.compute_loss(FakeTrainer(minilm), minilm.model, batch)  # type: ignore[arg-type]
    scores = score(minilm, prompts, MELD)
    assert float(loss) == pytest.approx(-scores[range(3), range(3)].mean(), abs=1e-4)


def test_a_rows_weight_scales_its_loss() -> None:
    lm = dressed()
    rows = rows_for(lm, 2)
    lm.model.eval()

    def loss(weights: list[float]) -> float:
        batch = Collate(lm.tokenizer.pad_token_id)(
            [vars_of(row, w) for row, w in zip(rows, weights, strict=True)]
        )
        with torch.inference_mode():
            return float(CurriculumTrainer.compute_loss(FakeTrainer(lm), lm.model, batch))  # type: ignore[arg-type]

    assert loss([2.0, 0.0]) + loss([0.0, 2.0]) == pytest.approx(2 * loss([1.0, 1.0]), rel=1e-5)


def test_among_the_labels_the_loss_is_a_softmax_over_their_first_tokens() -> None:
    """The rest of an answer, which the first token has decided, still competes with the whole vocabulary."""
    lm = dressed()
    rows = rows_for(lm, 3)
    lm.model.eval()
    batch = Collate(lm.tokenizer.pad_token_id)([vars_of(row) for row in rows])
    trainer = FakeTrainer(lm)
    trainer.choices = [lm.tokenizer(label)["input_ids"][0] for label in ("neutral", "joy", "surprise")]
    expected, tokens = 0.0, 0
    with torch.inference_mode():
        ours = CurriculumTrainer.compute_loss(trainer, lm.model, batch)  # type: ignore[arg-type]
        for row in rows:
            logits = lm.model(input_ids=torch.tensor([row.input_ids])).logits[0, :-1]
            places = [at for at, label in enumerate(row.labels[1:]) if label != IGNORED]
            first, *rest = places
            among = logits[first, trainer.choices].log_softmax(-1)
            expected -= float(among[trainer.choices.index(row.labels[first + 1])])
            expected -= sum(float(logits[at].log_softmax(-1)[row.labels[at + 1]]) for at in rest)
            tokens += len(places)
    assert float(ours) == pytest.approx(expected / tokens, abs=1e-4)


def test_training_moves_the_adapter_and_nothing_else(tmp_path: Path) -> None:
    before = dict(dressed().model.named_parameters())
    lm = run(tmp_path)
    moved = {name for name, p in lm.model.named_parameters() if not torch.equal(p, before[name])}
    assert moved
    assert all("lora" in name for name in moved)


def test_accumulated_small_batches_follow_one_large_batch(tmp_path: Path) -> None:
    still = Training(epochs=3, batch=4, accumulate=1, learning_rate=1e-3, evaluate_every=100, neftune=None)
    split = still.model_copy(update={"batch": 1, "accumulate": 4})

    def final(settings: Training, out: Path) -> dict[str, torch.Tensor]:
        lm = adapter.add(load(QWEN, tiny=True, precision="fp32"), rank=4, alpha=8, dropout=0.0, seed=1)
        train(lm, rows_for(lm), order_of(), lambda model: {"wf1": 0.0}, settings, out, seed=7)
        last = last_checkpoint(out / "checkpoints" / "0")
        assert last is not None
        return load_file(last / adapter.WEIGHTS)

    one, four = final(still, tmp_path / "one"), final(split, tmp_path / "four")
    assert all(torch.allclose(one[name], four[name], atol=1e-5) for name in one)


def test_development_is_scored_at_every_phase_end_and_between(tmp_path: Path) -> None:
    run(tmp_path)
    scored = [line["step"] for _, line in read_jsonl(tmp_path / "log.jsonl") if "dev_wf1" in line]
    ends = list(order_of().steps(BATCH))
    assert ends == [2, 6, 10]  # the premise
    assert scored == sorted({*ends, 3, 6, 9})


def test_the_best_checkpoint_is_kept_not_the_last(tmp_path: Path) -> None:
    lm = run(tmp_path)
    lines = [line for _, line in read_jsonl(tmp_path / "log.jsonl") if "dev_wf1" in line]
    best = max(lines, key=lambda line: line["dev_wf1"])
    assert best["step"] != lines[-1]["step"]  # the premise
    found = Evaluations()(lm.model)["wf1"]
    assert found == pytest.approx(best["dev_wf1"], abs=1e-4)


@pytest.mark.parametrize(("cut_at", "restart"), [(1, False), (3, False), (5, False), (3, True)])
def test_an_interrupted_training_ends_bit_for_bit_like_an_undisturbed_one(
    tmp_path: Path, cut_at: int, restart: bool
) -> None:
    whole = run(tmp_path / "whole", restart_per_phase=restart)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", evaluate=Evaluations(cut_at), restart_per_phase=restart)
    resumed = run(tmp_path / "cut", restart_per_phase=restart)
    assert same(weights(whole), weights(resumed))
    whole_log, cut_log = (list(read_jsonl(tmp_path / name / "log.jsonl")) for name in ("whole", "cut"))
    assert cut_log == whole_log


def test_a_finished_training_is_not_repeated(tmp_path: Path) -> None:
    first, watched = run(tmp_path), Evaluations()
    again = run(tmp_path, evaluate=watched)
    assert watched.calls == 0
    assert same(weights(first), weights(again))


def test_a_half_written_checkpoint_is_never_read(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", evaluate=Evaluations(cut_at=3))
    half = tmp_path / "cut" / "checkpoints" / "0" / "checkpoint-9"
    half.mkdir()
    (half / "adapter_model.safetensors").write_bytes(b"half of it")
    assert same(weights(whole), weights(run(tmp_path / "cut")))


def test_a_half_deleted_checkpoint_is_never_read(tmp_path: Path) -> None:
    """Old checkpoints are deleted file by file, and whoever is killed meanwhile leaves the mark of a whole one."""
    whole = run(tmp_path / "whole")
    run(tmp_path / "cut")
    last = tmp_path / "cut" / "checkpoints" / "0" / "checkpoint-10"
    assert last_checkpoint(last.parent) == last  # the premise
    (last / "optimizer.pt").unlink()
    assert same(weights(whole), weights(run(tmp_path / "cut")))


def test_an_order_made_for_another_batch_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CurriculumError, match="within a batch of 6"):
        run(tmp_path, settings=SETTINGS.model_copy(update={"accumulate": 3}))


def test_no_pickle_but_the_optimisers_own_state_is_left(tmp_path: Path) -> None:
    """Torch's optimiser state is read back with weights_only; nothing else may be a pickle."""
    run(tmp_path)
    left = {path.name for path in tmp_path.rglob("*") if path.suffix in adapter.PICKLES}
    assert left <= {"optimizer.pt", "scheduler.pt", "rng_state.pth"}


def test_an_adapters_checkpoint_holds_only_the_adapter(tmp_path: Path) -> None:
    run(tmp_path)
    last = last_checkpoint(tmp_path / "checkpoints" / "0")
    assert last is not None
    assert all("lora" in name for name in load_file(last / adapter.WEIGHTS))
    assert read_json(last / "trainer_state.json")["global_step"] == 10


def test_restarting_per_phase_starts_the_learning_rate_anew(tmp_path: Path) -> None:
    run(tmp_path, restart_per_phase=True, settings=SETTINGS.model_copy(update={"evaluate_every": 1}))
    rates = [
        line["learning_rate"] for _, line in read_jsonl(tmp_path / "log.jsonl") if "learning_rate" in line
    ]
    assert len(rates) == 10
    assert rates[2:6] == rates[6:10]  # the second and third phase are equally long


def test_rows_of_one_step_may_be_sorted_but_never_leave_their_step(tmp_path: Path) -> None:
    from prc_emo.llm.train import paired_by_length

    lm = dressed()
    rows, order = rows_for(lm), Shuffled(epochs=2).order(np.zeros(16), seed=3, batch=BATCH)
    walked = paired_by_length(rows, order, order.phases[0], BATCH)
    for start in range(0, len(walked), BATCH):
        step = walked[start : start + BATCH]
        assert sorted(step) == sorted(order.positions[start : start + BATCH].tolist())
        lengths = [len(rows[row].input_ids) for row in step]
        assert lengths == sorted(lengths)


class FakeTrainer:
    """What compute_loss needs of a trainer when it is told no number of items."""

    choices: list[int] | None = None
    beside = None

    def __init__(self, lm: LanguageModel) -> None:
        self.lm = lm

    class args:  # noqa: N801
        average_tokens_across_devices = True


def vars_of(row: Encoded, weight: float = 1.0) -> dict[str, Any]:
    return {"input_ids": row.input_ids, "labels": row.labels, "weight": weight}
