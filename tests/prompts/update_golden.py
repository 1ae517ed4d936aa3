"""Writes every shipped template as it is rendered to golden/, where a review sees the exact words.

python tests/prompts/update_golden.py
"""

import sys
from pathlib import Path

GOLDEN = Path(__file__).with_name("golden")

LABELS = ["neutral", "joy", "surprise", "anger", "sadness", "disgust", "fear"]
BARE = {
    "labels": LABELS,
    "speaker": "Nadia",
    "text": "Oh, wonderful. Another Saturday at the office.",
    "context": [],
    "following": [],
    "characteristic": None,
    "explicit": None,
    "implicit": None,
    "speech": "",
    "demonstrations": [],
    "domain": "a ferry",
    "topic": "the last boat leaves early",
    "count": "9",
    "wanted": [],
    "emotion": None,
}
EVERYTHING = BARE | {
    "context": [
        {"speaker": "Tom", "text": "Did you see the mail\nfrom upstairs?"},
        {"speaker": "Nadia", "text": "Not yet. Should I be worried?"},
        {"speaker": "Tom", "text": 'They wrote "voluntary", which means all of us.'},
    ],
    "characteristic": "Nadia plans ahead, guards her free time and turns to irony when she is let down.",
    "explicit": "She uses a word of praise in a flat voice, and the second half takes it back.",
    "implicit": "She may feel cheated of the days she had kept for her family, and tired of not being asked.",
    "demonstrations": [
        {"text": "Great, the printer again.", "label": "anger"},
        {"text": "So much for the holiday.", "label": "sadness"},
        {"text": "Sure, I have nothing else to do.", "label": "anger"},
    ],
    "wanted": ["fear", "disgust"],
    "emotion": "anger (62 %), then sadness (20 %)",
}
SURROUNDING = EVERYTHING | {
    "following": [
        {"speaker": "Tom", "text": "I can bring cake."},
        {"speaker": "Nadia", "text": "Bring a lawyer."},
    ],
}
HEARD = SURROUNDING | {
    "context": [{**turn, "speech": f"[voice {at}]"} for at, turn in enumerate(EVERYTHING["context"][:2])],
    "speech": "[voice 2]",
}
CASES = {"everything": EVERYTHING, "bare": BARE, "surrounding": SURROUNDING, "heard": HEARD}
HEARS = {"recognize", "recognize_compact", "listen_compact"}
TEMPLATES = [
    "recognize",
    "recognize_as_released",
    "recognize_compact",
    "listen_compact",
    "explicit_implicit",
    "speaker",
    "demo_topics",
    "demo_dialogue",
    "demo_labels",
    "reply",
]


def rendered() -> dict[str, str]:
    """File name to the messages as text, for each template and case."""
    from prompts import load_template

    return {
        f"{name}.{case}.txt": "".join(
            f"[{message['role']}]\n{message['content']}\n" for message in load_template(name).render(**holes)
        )
        for name in TEMPLATES
        for case, holes in CASES.items()
        if case != "heard" or name in HEARS
    }


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    for name, text in rendered().items():
        (GOLDEN / name).write_text(text, encoding="utf-8")
