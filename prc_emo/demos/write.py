"""A model writes: situations of each domain, then dialogues in each situation, every turn with the label that it means."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prc_emo.asking.question import Question, UnusableReplyError, schema
from prc_emo.conversation import Conversation, Utterance
from prc_emo.demos.plan import Plan
from prompts import PromptError, load_template, read_object

_TEXT = {"type": "string"}
_TURN = schema({"speaker": _TEXT, "text": _TEXT, "emotion": _TEXT})


def topic_questions(plan: Plan, model: str) -> Iterator[Question]:
    """One question per domain."""
    template = load_template("demo_topics")
    for domain in plan.domains:
        yield Question.of(
            model,
            ("topics", domain),
            f"{template.name} {template.version}",
            template.render(domain=domain, count=str(plan.topics)),
            schema({"topics": {"type": "array", "items": _TEXT}}),
            words=plan.topics * 8,
        )


def read_topics(plan: Plan) -> Any:
    """A reader of situations: (question, text) -> as many different ones as planned, or more; it raises UnusableReplyError."""

    def read(question: Question, text: str) -> dict[str, Any]:
        topics = _object(text, "topics")
        if not isinstance(topics, list) or not all(
            isinstance(topic, str) and topic.strip() for topic in topics
        ):
            raise UnusableReplyError("Expected a list of texts as 'topics'.")
        different = list(dict.fromkeys(topic.strip() for topic in topics))
        if len(different) < len(topics):
            raise UnusableReplyError(
                f"{len(topics) - len(different)} topics occur twice. Name different ones."
            )
        if len(topics) < plan.topics:
            raise UnusableReplyError(f"Expected {plan.topics} topics, got {len(topics)}.")
        return {"topics": different}

    return read


def dialogue_questions(plan: Plan, model: str, topics: Mapping[str, Sequence[str]]) -> Iterator[Question]:
    """One question per round, situation and dialogue; `topics` by domain."""
    template = load_template("demo_dialogue")
    for number, wanted in enumerate(plan.rounds):
        for domain in plan.domains:
            for topic in topics.get(domain, ())[: plan.topics]:
                for again in range(plan.dialogues):
                    messages = template.render(
                        labels=list(plan.labels),
                        domain=domain,
                        topic=topic,
                        count=str(plan.turns),
                        wanted=list(wanted),
                    )
                    if number + again:  # the same words would be the same question
                        messages[-1]["content"] += (
                            f"\nThis is dialogue {number * plan.dialogues + again + 1} of it: another story."
                        )
                    yield Question.of(
                        model,
                        ("dialogue", domain, topic, str(number), str(again)),
                        f"{template.name} {template.version}",
                        messages,
                        schema({"turns": {"type": "array", "items": _TURN}}),
                        words=plan.turns * 25,
                    )


def read_dialogue(plan: Plan) -> Any:
    """A reader of dialogues: (question, text) -> turns, at least half as many as planned; it raises UnusableReplyError."""
    labels = plan.label_set

    def read(question: Question, text: str) -> dict[str, Any]:
        turns = _object(text, "turns")
        if not isinstance(turns, list) or len(turns) < 2:
            raise UnusableReplyError("Expected a list of two or more turns as 'turns'.")
        if 2 * len(turns) < plan.turns:
            raise UnusableReplyError(f"Expected a dialogue of {plan.turns} turns, got {len(turns)}.")
        for at, turn in enumerate(turns):
            if not isinstance(turn, dict) or set(turn) != {"speaker", "text", "emotion"}:
                raise UnusableReplyError(f"Turn {at}: expected the keys 'speaker', 'text', 'emotion'.")
            if not all(isinstance(value, str) and value.strip() for value in turn.values()):
                raise UnusableReplyError(f"Turn {at}: expected a text for every key.")
            if turn["emotion"] not in labels:
                raise UnusableReplyError(f"Turn {at}: {turn['emotion']!r} is none of {', '.join(labels)}.")
        speakers = {turn["speaker"].strip() for turn in turns}
        if not 2 <= len(speakers) <= 4:
            raise UnusableReplyError(f"Expected two to four speakers, got {len(speakers)}.")
        return {"turns": turns}

    return read


def conversation(key: str, domain: str, answer: Mapping[str, Any]) -> Conversation:
    """The dialogue that answers the question of that key, with the labels that its author means."""
    id = f"demonstrations/{key[:12]}"
    turns = [{name: " ".join(text.split()) for name, text in turn.items()} for turn in answer["turns"]]
    return Conversation(
        id,
        tuple(
            Utterance(f"{id}/{at}", turn["speaker"], turn["text"], turn["emotion"])
            for at, turn in enumerate(turns)
        ),
        domain,
    )


def _object(text: str, key: str) -> Any:
    try:
        return read_object(text, [key])[key]
    except PromptError as error:
        raise UnusableReplyError(str(error)) from None
