"""What hearing costs, and what log_mel carries: measured on RAVDESS, in one run, on this machine.

    PRC_EMO_DATA=... python scripts/benchmark_speech.py             # everything; about five minutes on a quiet core
    PRC_EMO_DATA=... python scripts/benchmark_speech.py --only speed

Speed: seconds of sound per second, from the recordings as they lie on disk, and read back from what is kept. The probe: how
well a linear classifier tells the eight emotions of unseen actors from the mean and deviation of the frames over time, mean UA
of five folds. It says what the features hold, not what a model makes of them. Tables go to stdout as Markdown.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from benchmarks.measure import table
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from prc_emo.conversation import Utterance
from prc_emo.corpora import load_corpus
from prc_emo.speech.audio import RATE, Sound, Variant, listen
from prc_emo.speech.frames import Frames
from prc_emo.speech.log_mel import LogMel

FOLDS = range(1, 6)
ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PRC_EMO_DATA", "../shared/data")))
    parser.add_argument("--only", choices=("speed", "probe"))
    wanted = parser.parse_args()
    folder = wanted.data / "ravdess"
    turns = [turn for talk in load_corpus("ravdess", folder).all() for turn in talk.utterances]
    if wanted.only != "probe":
        print(speed(turns), flush=True)
    if wanted.only != "speed":
        print(probe(folder, turns), flush=True)


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


def probe(folder: Path, turns: list[Utterance]) -> str:
    encoders = {
        "default": LogMel(),
        "80 bands": LogMel(bands=80),
        "40 bands": LogMel(bands=40),
        "stack 1": LogMel(stack=1),
        "stack 2": LogMel(stack=2),
        "without pitch": LogMel(pitch=False),
        "silence kept": LogMel(trim=None),
        "silence kept, without pitch": LogMel(trim=None, pitch=False),
        "normalised by utterance": LogMel(normalise="utterance"),
        "normalised by utterance, stack 1": LogMel(normalise="utterance", stack=1),
    }
    rows = [(name, *row(folder, frames(encoder, turns))) for name, encoder in encoders.items()]
    steps = frames(LogMel(stack=1), turns)
    rows.insert(
        4, ("stack 1 and deltas", *row(folder, {id: with_deltas(each) for id, each in steps.items()}))
    )
    half = {id: each.astype(np.float16).astype(np.float32) for id, each in frames(LogMel(), turns).items()}
    rows.insert(1, ("default, kept in float16", *row(folder, half)))
    return table(("log_mel", "UA, mean of five folds", "fold by fold", "frames a recording"), *rows) + "\n"


def frames(encoder: LogMel, turns: list[Utterance]) -> dict[str, np.ndarray]:
    return dict(Frames(encoder).of(turns).frames)


def row(folder: Path, frames: dict[str, np.ndarray]) -> tuple[str, str, str]:
    found = [recall(folder, fold, frames) for fold in FOLDS]
    rate = sum(map(len, frames.values())) / len(frames)
    return f"{np.mean(found):.3f}", " ".join(f"{each:.3f}" for each in found), f"{rate:.0f}"


def recall(folder: Path, fold: int, frames: dict[str, np.ndarray]) -> float:
    corpus = load_corpus("ravdess", folder, test_fold=fold, dev_fold=None)

    def ready(split: Iterable) -> tuple[np.ndarray, list[str]]:
        turns = [turn for talk in split for turn in talk.utterances]
        means = [np.concatenate([frames[t.id].mean(axis=0), frames[t.id].std(axis=0)]) for t in turns]
        return np.array(means), [turn.emotion for turn in turns]

    classifier = make_pipeline(StandardScaler(), LinearSVC(C=0.01, random_state=0, max_iter=3000))
    classifier.fit(*ready(corpus.train))
    features, gold = ready(corpus.test)
    return float(balanced_accuracy_score(gold, classifier.predict(features)))


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
