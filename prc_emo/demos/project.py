"""A folder in which demonstrations come to be. Whatever is known is read from its files, so every step can be repeated.

plan.json            what is wanted
written.jsonl        the log of the model that writes: situations and dialogues
judged-NAME.jsonl    the log of each second judgement, by a model or a person
kept/train.jsonl     what is agreed on, in our conversation JSONL
card.md              what to know about it
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from prc_emo.asking.log import AnswerLog, Entry
from prc_emo.asking.question import Question
from prc_emo.conversation import Conversation
from prc_emo.demos.label import label_questions, read_labels
from prc_emo.demos.plan import Plan
from prc_emo.demos.write import conversation, dialogue_questions, topic_questions
from prc_emo.errors import PrcEmoError

WRITTEN, KEPT, CARD = "written.jsonl", "kept/train.jsonl", "card.md"


@dataclass(frozen=True)
class Project:
    """The folder with its plan."""

    folder: Path
    plan: Plan

    @classmethod
    def open(cls, folder: Path) -> "Project":
        return cls(folder, Plan.read(folder))

    def judged(self, reader: str) -> Path:
        """The log of a second judgement.

        Raises:
            PrcEmoError: The name cannot be one of a file.
        """
        name = re.sub(r"[^\w.-]+", "-", reader).strip("-.")
        if not name:
            raise PrcEmoError(f"Expected a name for the second judgement, got {reader!r}.")
        return self.folder / f"judged-{name}.jsonl"

    def dialogue_questions(self, model: str, log: AnswerLog) -> Iterator[Question]:
        """Dialogues about the situations that the same model has named."""
        topics = {
            question.about[1]: (log.usable[question.key].answer or {})["topics"]
            for question in topic_questions(self.plan, model)
            if question.key in log.usable
        }
        return dialogue_questions(self.plan, model, topics)

    def dialogues(self) -> list[Conversation]:
        """All that are written, by whomever.

        Raises:
            PrcEmoError: There is none yet.
        """
        found = [
            conversation(entry.key, entry.about[1], entry.answer or {})
            for entry in _usable(self.folder / WRITTEN)
            if entry.about[0] == "dialogue"
        ]
        if not found:
            raise PrcEmoError(
                f"{self.folder} has no dialogues yet. Write some: prc-emo demos write {self.folder}"
            )
        return found

    def second(self) -> dict[str, list[str]]:
        """Labels of the second judgement by dialogue; where several judged and differ, an empty text.

        Raises:
            PrcEmoError: Nobody has judged yet.
        """
        talks = self.dialogues()
        judgements: dict[str, list[Sequence[str]]] = {}
        for path in sorted(self.folder.glob("judged-*.jsonl")):
            entries = _usable(path)
            for reader in {entry.model for entry in entries}:
                for id, labels in self._judged(reader, entries, talks).items():
                    judgements.setdefault(id, []).append(labels)
        if not judgements:
            raise PrcEmoError(
                f"{self.folder} has no second judgement yet. Get one: prc-emo demos label {self.folder}"
            )
        return {id: _unanimous(labels) for id, labels in judgements.items()}

    def record(self, reader: str, talk: Conversation, labels: Sequence[str]) -> None:
        """Writes a person's judgement of a dialogue down, as `label` does with a model's. Raises UnusableReplyError."""
        import json

        (question,) = label_questions(reader, self.plan.label_set, [talk])
        answer = read_labels(self.plan.label_set)(question, json.dumps({"labels": list(labels)}))
        log = AnswerLog(self.judged(reader))
        try:
            log.add(Entry(question.key, question.about, reader, question.template, "usable", answer=answer))
        finally:
            log.close()

    def open_for(self, reader: str) -> list[Conversation]:
        """The dialogues that `reader` has not judged yet."""
        talks = self.dialogues()
        done = self._judged(reader, _usable(self.judged(reader)), talks)
        return [talk for talk in talks if talk.id not in done]

    def _judged(
        self, reader: str, entries: Sequence[Entry], talks: Sequence[Conversation]
    ) -> dict[str, list[str]]:
        """Labels by dialogue; two dialogues with the same words are one question, and judged at once."""
        answers = {entry.key: entry.answer or {} for entry in entries}
        asked = label_questions(reader, self.plan.label_set, talks)
        return {
            talk.id: answers[question.key]["labels"]
            for talk, question in zip(talks, asked, strict=True)
            if question.key in answers
        }


def _usable(path: Path) -> list[Entry]:
    if not path.exists():
        return []
    log = AnswerLog(path)
    log.close()
    return list(log.usable.values())


def _unanimous(judgements: Sequence[Sequence[str]]) -> list[str]:
    return [turn[0] if len(set(turn)) == 1 else "" for turn in zip(*judgements, strict=True)]
