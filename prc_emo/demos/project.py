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

from prc_emo.asking.log import AnswerLog, Entry, read_entries
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
        return [_dialogue(entry) for entry in self.written()]

    def written(self) -> list[Entry]:
        """What the log says of each dialogue: who wrote it, in which round.

        Raises:
            PrcEmoError: There is none yet.
        """
        found = [entry for entry in _usable(self.folder / WRITTEN) if entry.about[0] == "dialogue"]
        if not found:
            raise PrcEmoError(
                f"{self.folder} has no dialogues yet. Write some: prc-emo demos write {self.folder}"
            )
        return found

    def judgements(self) -> list[tuple[Entry, Entry]]:
        """Each dialogue as it was written, with a judgement of it; with several where several judged.

        Raises:
            PrcEmoError: Nobody has judged yet.
        """
        written, found = self.written(), list[tuple[Entry, Entry]]()
        for path in sorted(self.folder.glob("judged-*.jsonl")):
            entries = _usable(path)
            for reader in sorted({entry.model for entry in entries}):
                found += self._judged(reader, entries, written)
        if not found:
            raise PrcEmoError(
                f"{self.folder} has no second judgement yet. Get one: prc-emo demos label {self.folder}"
            )
        return found

    def second(self) -> dict[str, list[str]]:
        """Labels of the second judgement by dialogue; where several judged and differ, an empty text.

        Raises:
            PrcEmoError: Nobody has judged yet.
        """
        labels: dict[str, list[Sequence[str]]] = {}
        for written, judged in self.judgements():
            labels.setdefault(_dialogue(written).id, []).append((judged.answer or {})["labels"])
        return {id: _unanimous(chosen) for id, chosen in labels.items()}

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
        written = self.written()
        done = {entry.key for entry, _ in self._judged(reader, _usable(self.judged(reader)), written)}
        return [_dialogue(entry) for entry in written if entry.key not in done]

    def _judged(
        self, reader: str, entries: Sequence[Entry], written: Sequence[Entry]
    ) -> list[tuple[Entry, Entry]]:
        """Dialogues with their judgement; two dialogues with the same words are one question, and judged at once."""
        judged = {entry.key: entry for entry in entries}
        asked = label_questions(reader, self.plan.label_set, [_dialogue(entry) for entry in written])
        return [
            (entry, judged[question.key])
            for entry, question in zip(written, asked, strict=True)
            if question.key in judged
        ]


def _dialogue(entry: Entry) -> Conversation:
    return conversation(entry.key, entry.about[1], entry.answer or {})


def _usable(path: Path) -> list[Entry]:
    """What is usable in a log; without its lock, since another process may be writing it."""
    found: dict[str, Entry] = {}

    def take(entry: Entry) -> None:
        if entry.status == "usable":
            found[entry.key] = entry

    if path.exists():
        read_entries(path, take)
    return list(found.values())


def _unanimous(judgements: Sequence[Sequence[str]]) -> list[str]:
    return [turn[0] if len(set(turn)) == 1 else "" for turn in zip(*judgements, strict=True)]
