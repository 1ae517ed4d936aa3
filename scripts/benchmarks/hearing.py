"""What a training step costs where voices are heard: forward, backward and update, beside the same words without them."""

import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from benchmarks.measure import alternate, ratio, table
from prc_emo.bench.run import corpus_of, recognizer_of
from prc_emo.config_file import experiment
from prc_emo.llm import adapter
from prc_emo.llm.tokens import IGNORED, encode, positions, visible

EXPERIMENTS = ("ravdess_minilm", "dailytalk_units_minilm")
BATCHES = 8


def steps(rounds: int) -> str:
    """Seconds a step, with speech and without, in turns."""
    rows: list[tuple[str, ...]] = [("experiment", "with speech, s", "without, s", "with / without")]
    for name in EXPERIMENTS:
        sides = {"with": prepared(name, {}), "without": prepared(name, {"speech": None})}
        for side in sides.values():
            side()
        found = alternate(sides, rounds)
        seconds = {side: min(some) / BATCHES for side, some in found.items()}
        rows.append(
            (
                name,
                f"{seconds['with']:.2f}",
                f"{seconds['without']:.2f}",
                str(ratio(found["with"], found["without"])),
            )
        )
    return table(*rows)


def prepared(name: str, layer: dict[str, Any]) -> Callable[[], float]:
    """What takes the first batches of an experiment, and says in how many seconds."""
    settings = experiment(name, layers=[layer])
    corpus = corpus_of(settings)
    train = corpus.train[: settings.training.batch * BATCHES]
    model = recognizer_of(settings, corpus.labels, corpus.name)
    size = settings.lora
    lm = adapter.add(
        model.language_model, rank=size.rank, alpha=size.alpha, dropout=size.dropout, seed=settings.seed
    )
    model.hear(train)
    beside = model.ears.lessons(train) if model.ears else None
    prompts = model.training_prompts(train, [])[: settings.training.batch * BATCHES]
    rows = [encode(lm, one.id, one.tokens, str(one.answer), None, one.heard) for one in prompts]
    return partial(take, lm, rows, settings.training.batch, beside)


def take(lm: Any, rows: list[Any], batch: int, beside: Any) -> float:
    import torch
    from torch.nn.functional import cross_entropy

    from prc_emo.llm.train import Collate

    lm.model.train()
    learned = [one for one in lm.model.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=1e-5)
    collate = Collate(lm.tokenizer.pad_token_id, beside and beside.listen)
    begin = time.perf_counter()
    for start in range(0, len(rows), batch):
        inputs = collate(
            [
                {**asdict(row), "place": start + at, "weight": 1.0}
                for at, row in enumerate(rows[start : start + batch])
            ]
        )
        labels = inputs["labels"]
        logits = lm.model(
            input_ids=inputs["input_ids"],
            attention_mask=visible(lm, inputs["attention_mask"], (labels != IGNORED).sum(1) + 1),
            position_ids=positions(inputs["attention_mask"]),
            logits_to_keep=labels.shape[1],
            use_cache=False,
            **inputs.get("beside", {}),
        ).logits[:, :-1]
        loss = cross_entropy(logits.float().flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORED)
        if beside is not None:
            loss = loss + beside.loss(inputs["beside"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return time.perf_counter() - begin
