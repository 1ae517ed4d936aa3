"""Judged answers in one line each, for the tests of this folder."""

import numpy as np

from prc_emo.bench.predictions import Judged


def line(gold, label, conversation="d0", position=0, speaker="A", probabilities=None, words=5, speakers=2):
    return Judged(
        id=f"{conversation}/{position}",
        conversation=conversation,
        position=position,
        speaker=speaker,
        speakers=speakers,
        words=words,
        gold=gold,
        label=label,
        probabilities=probabilities or {},
    )


def judged_run(rng, skill, dialogues=40, turns=6, labels=("joy", "anger", "neutral"), gold_seed=0):
    """A made-up run: gold labels by `gold_seed`, right with probability `skill`, otherwise a guess."""
    gold_of = np.random.default_rng(gold_seed).choice(labels, size=(dialogues, turns), p=[0.2, 0.2, 0.6])
    run = []
    for d in range(dialogues):
        for t in range(turns):
            gold = str(gold_of[d, t])
            label = gold if rng.random() < skill else str(rng.choice(labels))
            sure = {other: 0.8 if other == label else 0.2 / (len(labels) - 1) for other in labels}
            run.append(line(gold, label, f"d{d}", t, "AB"[t % 2], sure))
    return run
