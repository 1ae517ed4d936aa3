"""One experiment from its settings to its scores: load, fit, predict, score, write.

Knows no recognizer: PRC-Emo and the baselines are built by name and treated alike. The test split is loaded, but
only `predict` sees it, hidden.
"""

import importlib
import json
import platform
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from prc_emo.bench.contract import Hears, Recognizer, Retrieves, baseline
from prc_emo.bench.metrics import Scores, score
from prc_emo.bench.predictions import judge, write_predictions
from prc_emo.config import Experiment, data_path
from prc_emo.config_file import experiment, to_yaml
from prc_emo.conversation import Conversation
from prc_emo.corpora import Corpus, load_corpus, refuse_shared_speakers
from prc_emo.errors import PrcEmoError
from prc_emo.files import write_json, write_text
from prc_emo.labels import LABEL_SETS, LabelSet
from prc_emo.processes import processes

CONFIG = "config.yaml"
_WHAT_TO_DO = "Choose another --out folder, undo the change, or delete this one with --fresh."
PACKAGES = (
    "prc-emo",
    "torch",
    "transformers",
    "peft",
    "trl",
    "accelerate",
    "sentence-transformers",
    "faiss-cpu",
    "faiss-gpu",
)


def run(
    settings: Experiment,
    out: Path,
    *,
    fresh: bool = False,
    shared: Path | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> Scores:
    """Runs an experiment into `out`, or goes on with one that was interrupted there.

    Under `accelerate launch` every process calls this; the first one writes and deletes, once everything that the
    settings name has been found.

    Args:
        fresh: Delete `out` first, whatever it holds.
        shared: A folder in which the runs of a study keep what they have in common.
        tell: Receives a line about what is done next.

    Raises:
        PrcEmoError: The data does not fit, or `out` holds a run of something else.
    """
    corpus = corpus_of(settings)
    train, dev = corpus.train, corpus.dev
    split = scored_split(settings, corpus)
    if split != settings.data.score_on and split == "dev":
        tell(
            f"{corpus.name} has no test split here: the development split, which chooses the checkpoint, is scored instead."
        )
    asked = corpus.split(split)
    recognizer = recognizer_of(settings, corpus.labels, corpus.name, shared)
    hears = recognizer if isinstance(recognizer, Hears) and recognizer.ears is not None else None
    if hears:
        refuse_shared_speakers(corpus, force=settings.data.shared_speakers)
    if not fresh:
        refuse_another_run(settings, out)
    tell(f"{settings.name}: learning from {_size(train)}, choosing on {_size(dev)}.")
    state = processes()
    main = state.is_main_process
    if settings.recognizer == "prc_emo":
        _prc_emo().refuse_too_long(recognizer, asked)
    state.wait_for_everyone()  # until all have looked, so that none takes what is written now for another run
    if main:
        if fresh and out.exists():
            shutil.rmtree(out)
        write_text(out / CONFIG, to_yaml(settings))
    state.wait_for_everyone()
    recognizer.fit(train, dev, out=out)
    learned_from = dict(hears.heard) if hears else {}
    if main and hears:
        alone = "" if learned_from.get("heard") else " Without any, words alone are learned."
        tell(f"{settings.name}: voices to learn from: {_counted(learned_from)}.{alone}")
    if main:  # not before: fit refuses a folder whose training had other data
        write_json(out / "environment.json", environment())
    tell(f"{settings.name}: labelling the {split} split, {_size(asked)}.")
    predictions = recognizer.predict([talk.hidden() for talk in asked])
    judged = judge(asked, predictions)
    scores = score(judged)
    if main:
        write_predictions(out / "predictions.jsonl", judged)
        report = {"split": split, **scores.to_json()}
        if isinstance(recognizer, Retrieves):
            report["retrieval"] = {"shown": recognizer.shown, "excluded": recognizer.excluded}
        if hears:
            report["speech"], report["speech in training"] = hears.heard, learned_from
            tell(f"{settings.name}: voices: {_counted(hears.heard)}.")
        write_json(out / "report.json", report)
        if hears and (voices := hears.voices()) is not None:
            voices.write(out)
    return scores


def _counted(heard: Mapping[str, int]) -> str:
    return ", ".join(f"{many} {what}" for what, many in heard.items()) or "none"


def corpus_of(settings: Experiment) -> Corpus:
    """The conversations that the settings name."""
    data = settings.data
    labels: LabelSet | None = None
    if data.labels is not None:
        if data.labels not in LABEL_SETS:
            raise PrcEmoError(
                f"data.labels: {data.labels!r} is no label set. Known: {', '.join(sorted(LABEL_SETS))}."
            )
        labels = LABEL_SETS[data.labels]
    path = data_path(data.path) if data.path else None
    corpus = load_corpus(data.corpus, path, labels=labels, **data.options)
    if data.limit is not None:
        few = {name: talks[: data.limit] for name, talks in corpus.splits.items()}
        corpus = replace(corpus, splits=few)
    return corpus


def scored_split(settings: Experiment, corpus: Corpus) -> str:
    """The split that a run is scored on."""
    asked = settings.data.score_on
    return asked if asked != "auto" else "test" if "test" in corpus.splits else "dev"


def recognizer_of(
    settings: Experiment, labels: LabelSet, corpus: str, shared: Path | None = None
) -> Recognizer:
    """A recognizer that has learned nothing yet."""
    if settings.recognizer == "prc_emo":
        return _prc_emo().build(settings, labels, corpus, shared)
    return baseline(settings.recognizer).build(labels, settings.parameters, settings.seed)


def environment() -> dict[str, Any]:
    """What a result may depend on beside the settings: versions and hardware."""
    import torch

    found = {
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": platform.machine(),
    }
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    devices = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    return {
        **found,
        "devices": devices or ["cpu"],
        "threads": torch.get_num_threads(),
        "processes": processes().num_processes,
    }


def _prc_emo() -> Any:
    """`prc_emo.experiment`, by name, so that the bench depends on no recognizer."""
    return importlib.import_module("prc_emo.experiment")


def refuse_another_run(settings: Experiment, out: Path, what_to_do: str = _WHAT_TO_DO) -> None:
    """Refuses a folder that holds more than the settings of another run: those alone are of one that never began.

    Args:
        what_to_do: Said to the user.

    Raises:
        PrcEmoError: It does; the message names what differs.
    """
    if not (out / CONFIG).exists() or all(path.name == CONFIG for path in out.iterdir()):
        return
    try:
        before = experiment(str(out / CONFIG))
    except PrcEmoError as error:
        raise PrcEmoError(
            f"{out} holds a run whose settings cannot be read any more. {error} {what_to_do}"
        ) from None
    was, is_now = (one.model_dump(mode="json", exclude={"about"}) for one in (before, settings))
    if changed := list(_changes(was, is_now)):
        raise PrcEmoError(f"{out} holds a run with other settings: {'; '.join(changed)}. {what_to_do}")


def _changes(before: Mapping[str, Any], now: Mapping[str, Any], section: str = "") -> Iterator[str]:
    for key in dict.fromkeys([*before, *now]):
        old, new = before.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _changes(old, new, f"{section}{key}.")
        elif old != new:
            was, is_now = (json.dumps(value, ensure_ascii=False) for value in (old, new))
            yield f"{section}{key} was {was} and is now {is_now}"


def _size(conversations: tuple[Conversation, ...]) -> str:
    return f"{len(conversations)} conversations ({sum(map(len, conversations))} utterances)"
