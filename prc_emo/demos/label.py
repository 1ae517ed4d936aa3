"""Somebody else judges: the labels are masked, and every turn is labelled again by a model or a person."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from prc_emo.asking.question import Question, UnusableReplyError, schema
from prc_emo.conversation import Conversation
from prc_emo.files import sha256
from prc_emo.labels import LabelSet
from prompts import PromptError, load_template, read_object


def label_questions(reader: str, labels: LabelSet, talks: Sequence[Conversation]) -> Iterator[Question]:
    """One question per dialogue; the gold labels are not in it.

    Its key is of the reader, the words of the dialogue and the labels, not of the words around them: what a person has judged
    stays judged when the template has a new version.
    """
    template = load_template("demo_labels")
    for talk in talks:
        rows = [{"speaker": turn.speaker, "text": turn.text} for turn in talk.utterances]
        question = Question.of(
            reader,
            ("labels", talk.id, str(len(talk))),
            f"{template.name} {template.version}",
            template.render(labels=list(labels), context=rows, count=str(len(talk))),
            schema({"labels": {"type": "array", "items": {"type": "string", "enum": list(labels)}}}),
            words=len(talk) * 3,
        )
        judged = json.dumps([reader, rows, sorted(labels)], sort_keys=True)
        yield replace(question, key=sha256(judged.encode()))


def read_labels(labels: LabelSet) -> Any:
    """A reader of labels: (question, text) -> one per turn; it raises UnusableReplyError."""

    def read(question: Question, text: str) -> dict[str, Any]:
        try:
            found = read_object(text, ["labels"])["labels"]
        except PromptError as error:
            raise UnusableReplyError(str(error)) from None
        expected = int(question.about[2])
        if not isinstance(found, list) or len(found) != expected:
            count = len(found) if isinstance(found, list) else 0
            raise UnusableReplyError(f"Expected {expected} labels, one per turn, got {count}.")
        for at, label in enumerate(found):
            if label not in labels:
                raise UnusableReplyError(f"Turn {at}: {label!r} is none of {', '.join(labels)}.")
        return {"labels": found}

    return read
