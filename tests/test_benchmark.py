"""The benchmark compares like with like: same prompts, same rows, same loss; and each part runs."""

import doctest
import json
import math
import os

import benchmark
import pytest
from benchmarks import gpu, measure, scoring, trainers, training

from prc_emo.errors import PrcEmoError
from prc_emo.llm.architectures import configuration


@pytest.mark.parametrize("module", [measure, gpu])
def test_what_the_docstrings_show_is_so(module):
    found = doctest.testmod(module)
    assert found.attempted and not found.failed


def test_sides_take_turns():
    calls: list[str] = []
    measure.alternate({name: lambda name=name: calls.append(name) for name in "AB"}, rounds=2)
    assert calls == ["A", "B", "A", "B"]


def test_memory_is_measured_in_a_process_of_its_own():
    assert measure.alone(os.getpid) != os.getpid()


def test_figures_are_written_as_json():
    ratio = measure.Ratio(2.0, 1.0, 3.0)
    figures = training.Figures("minilm", 4, {"ours": 9.0}, {"trl": ratio}, {}, {}, {"ours": None})
    written = json.loads(json.dumps(benchmark._plain({"gpu": [gpu.Figures(figures, 1.0, None)]})))
    assert written["gpu"][0]["training"]["ratios"]["trl"] == {
        "of_medians": 2.0,
        "lowest": 1.0,
        "highest": 3.0,
    }


def test_flops_of_a_token_are_four_for_each_weight_of_the_layers_and_those_of_attention():
    """Qwen3-8B has 6.95 billion weights outside of its embeddings, as its makers publish."""
    qwen = configuration(gpu.NAME, toy=False)
    assert gpu.flops_per_token(qwen, 0, length=0) / 4 == 6_945_767_424
    assert gpu.flops_per_token(qwen, 1, 2) - gpu.flops_per_token(qwen, 0, 0) == 6 + 6 * 36 * 4096 * 2


def test_without_a_gpu_the_full_size_is_refused(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(PrcEmoError, match="needs a CUDA GPU, and none is here"):
        gpu.run(steps=1, rounds=1)


@pytest.mark.slow
@pytest.mark.parametrize("case", scoring.CASES, ids=str)
def test_every_side_answers_every_prompt(case):
    lm, ids = scoring.prepare(case, prompts=3)
    sides = scoring.sides_of(case, lm, ids)
    assert {name: len(side()) for name, side in sides.items()} == dict.fromkeys(sides, 3)
    figures = scoring.speed(case, prompts=3, rounds=1)
    assert figures.prompts == 3
    assert figures.ratios.keys() == sides.keys() - {scoring.OURS}
    assert all(0 < one.lowest <= one.of_medians <= one.highest < math.inf for one in figures.ratios.values())
    assert str(case) in scoring.show(figures)


@pytest.mark.slow
def test_every_side_trains_on_the_same_rows_with_the_same_loss():
    lm, rows, settings = training.prepare()
    ours, plain = (trainers.positions_of(side, rows, settings, 2) for side in (trainers.OURS, trainers.PLAIN))
    batch = settings.batch * settings.accumulate
    assert ours != plain
    assert [sorted(ours[at : at + batch]) for at in (0, batch)] == [
        sorted(plain[at : at + batch]) for at in (0, batch)
    ]
    figures = training.compare("minilm", lm, rows, settings.model_copy(update={"accumulate": 1}), 1, 1)
    assert figures.loss[trainers.OURS] == pytest.approx(figures.loss[trainers.PLAIN], rel=1e-5)
    assert figures.padding[trainers.OURS] <= figures.padding[trainers.PLAIN]
    assert all(0 < one.of_medians < math.inf for one in figures.ratios.values())
    assert "GPU" not in training.show(figures)


@pytest.mark.slow
def test_the_model_is_handed_back_as_it_was():
    """Every SFTTrainer wraps the model's forward; wrapped again and again, the last side would be the slowest."""
    lm, rows, settings = training.prepare()
    inside = lm.model.get_base_model()
    for side in trainers.SIDES:
        training.first_loss(side, lm, rows, settings)
        assert "forward" not in inside.__dict__


@pytest.mark.slow
def test_the_full_size_steps_run_on_a_toy():
    (figures,) = gpu.run(steps=1, rounds=1, length=48, peak_tflops=1.0, quantizations=("none",), toy=True)
    losses = list(figures.training.loss.values())
    assert losses == pytest.approx([losses[0]] * 3, rel=0.02)  # bf16
    assert figures.mfu is not None and all(0 < share < 1 for share in figures.mfu.values())
    assert set(figures.training.padding.values()) == {0.0}
    assert "MFU" in gpu.show([figures])


@pytest.mark.slow
def test_a_side_holds_more_memory_at_work_than_before():
    memory = measure.alone(training.memory, 1, trainers.OURS)
    assert 0 < memory.loaded < memory.peak


@pytest.mark.slow
def test_the_command_writes_what_it_prints(tmp_path, capsys):
    assert benchmark.main(["--quick", "--only", "store", "--json", str(tmp_path / "figures.json")]) == 0
    written = json.loads((tmp_path / "figures.json").read_text())
    assert {"environment", "store", "quick"} == written.keys()
    assert f"{written['store']['search_ratio']:.1f}x" in capsys.readouterr().out
