"""What hearing costs, and what log_mel carries: measured on RAVDESS, in one run, on this machine.

    PRC_EMO_DATA=... python scripts/benchmark_speech.py                  # everything; half an hour on a quiet core
    PRC_EMO_DATA=... python scripts/benchmark_speech.py --only speed     # or steps, or linear, or network

Speed: seconds of sound per second, from the recordings as they lie on disk, and read back from what is kept. Steps: what a training step costs with voices and without. Linear and
network: how well the eight emotions of unseen actors are told, mean UA of five folds, by a linear classifier on the mean and
the deviation of the frames over time, and by a small convolutional network, one seed. The linear one says nothing about frames
that are normalised by utterance: their mean and deviation are constants. Tables go to stdout as Markdown.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from benchmarks.hearing import steps
from benchmarks.measure import table
from benchmarks.voice_network import answers
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from prc_emo.conversation import Conversation, Utterance
from prc_emo.corpora import Corpus, load_corpus
from prc_emo.speech.audio import RATE, Sound, Variant, listen
from prc_emo.speech.frames import Frames
from prc_emo.speech.log_mel import LogMel

FOLDS = range(1, 6)
ROUNDS = 3

Heard = dict[str, np.ndarray]  # frames (T, D) by utterance id


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PRC_EMO_DATA", "../shared/data")))
    parser.add_argument("--only", choices=("speed", "steps", "linear", "network"))
    wanted = parser.parse_args()
    folder = wanted.data / "ravdess"
    turns = [turn for talk in load_corpus("ravdess", folder).all() for turn in talk.utterances]
    if wanted.only in (None, "speed"):
        print(speed(turns), flush=True)
    if wanted.only in (None, "steps"):
        os.environ["PRC_EMO_DATA"] = str(wanted.data)
        print(steps(ROUNDS), flush=True)
    for part in (linear, network):
        if wanted.only in (None, part.__name__):
            print(f"| {part.__name__} | UA | fold by fold | frames a recording |\n|---|---|---|---|")
            for name, frames in heard(turns, part is linear):
                found = [
                    part(load_corpus("ravdess", folder, test_fold=f, dev_fold=None), frames) for f in FOLDS
                ]
                each = " ".join(f"{ua:.3f}" for ua in found)
                long = np.mean([len(one) for one in frames.values()])
                print(f"| {name} | {np.mean(found):.3f} | {each} | {long:.0f} |", flush=True)


def speed(turns: list[Utterance]) -> str:
    sounds = [heard.samples for turn in turns if isinstance(heard := listen(turn.audio or ""), Sound)]
    seconds = sum(map(len, sounds)) / RATE
    faster = Variant(speed=0.9)

    def kept_in(folder: str) -> Callable[[], object]:
        def read() -> float:
            heard = Frames(LogMel(), Path(folder)).of(turns)
            return sum(float(frames[0, 0]) for frames in heard.frames.values())

        return read

    rows: list[tuple[str, float]] = [
        ("decode", quickest(lambda: [listen(turn.audio or "") for turn in turns])),
        ("resample for speed 0.9", quickest(lambda: [faster.of(sound, "") for sound in sounds])),
        ("log_mel without pitch", quickest(lambda: LogMel(pitch=False)(sounds))),
        ("log_mel", quickest(lambda: LogMel()(sounds))),
    ]
    made = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            made.append(timed(kept_in(folder)))
            back = quickest(kept_in(folder))
    rows += [("decode, log_mel, keep", min(made)), ("look up and read back", back)]
    cells = [
        (name, f"{took:.2f}", f"{seconds / took:,.0f}", f"{min(made) / took:.1f}") for name, took in rows
    ]
    title = f"{len(sounds):,} recordings, {seconds:,.0f} s of sound"
    return table((title, "s", "s of sound per s", "times as fast as decode, log_mel, keep"), *cells) + "\n"


def heard(turns: list[Utterance], recorded: bool) -> Iterator[tuple[str, Heard]]:
    """The frames that are compared; for the linear classifier, levels as recorded."""
    default = LogMel(normalise="recorded") if recorded else LogMel()
    encoders = {
        "log_mel" + recorded * ", levels as recorded": default,
        "64 bands": replace(default, bands=64),
        "80 bands": replace(default, bands=80),
        "stack 1": replace(default, stack=1),
        "stack 2": replace(default, stack=2),
        "without pitch": replace(default, pitch=False),
        "silence kept": replace(default, trim=None),
    }
    if not recorded:
        encoders["levels as recorded"] = LogMel(normalise="recorded")
    made = {name: dict(Frames(encoder).of(turns).frames) for name, encoder in encoders.items()}
    yield from made.items()
    first = next(iter(made.values()))
    yield "kept in float16", {id: each.astype(np.float16).astype(np.float32) for id, each in first.items()}
    yield "stack 1 and deltas", {id: with_deltas(each) for id, each in made["stack 1"].items()}


def linear(corpus: Corpus, frames: Heard) -> float:
    def ready(split: Iterable[Conversation]) -> tuple[np.ndarray, list[str]]:
        turns = [turn for talk in split for turn in talk.utterances]
        means = [np.concatenate([frames[t.id].mean(axis=0), frames[t.id].std(axis=0)]) for t in turns]
        return np.array(means), [turn.emotion for turn in turns]

    classifier = make_pipeline(StandardScaler(), LinearSVC(C=0.01, random_state=0, max_iter=3000))
    classifier.fit(*ready(corpus.train))
    features, gold = ready(corpus.test)
    return float(balanced_accuracy_score(gold, classifier.predict(features)))


def network(corpus: Corpus, frames: Heard) -> float:
    numbers = {label: at for at, label in enumerate(corpus.labels)}
    train, test = (
        [(frames[turn.id], numbers[turn.emotion]) for talk in split for turn in talk.utterances]
        for split in (corpus.train, corpus.test)
    )
    answered = answers(train, [each for each, _ in test], len(numbers))
    return float(balanced_accuracy_score([label for _, label in test], answered))


def with_deltas(steps: np.ndarray) -> np.ndarray:
    """Steps (T, D) with their slope over five of them beside them: (T, 2 D)."""
    around = np.pad(steps, ((2, 2), (0, 0)), mode="edge")
    slope = (2 * (around[4:] - around[:-4]) + around[3:-1] - around[1:-3]) / 10
    return np.concatenate([steps, slope], axis=1)


def quickest(work: Callable[[], object]) -> float:
    return min(timed(work) for _ in range(ROUNDS))


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
