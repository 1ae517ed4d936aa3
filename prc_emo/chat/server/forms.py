"""What the API takes and gives, as pydantic models: the OpenAPI document and its examples come from here.

Where a field is OpenAI's it has OpenAI's name, and what of theirs is not used here is passed over.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from prc_emo.chat.turn import Reading
from prc_emo.corpora.fields import speaker_name, words

_TALK: list[Any] = [
    {"speaker": "Ross", "text": "I'm fine."},
    {"speaker": "Monica", "text": "You're not fine. Sit down."},
]


def _some_words(value: object) -> str:
    said = words(value, "text")
    if not said:
        raise ValueError("expected some words, got none")
    return said


Name = Annotated[str, BeforeValidator(lambda value: speaker_name(value, "speaker"))]
Words = Annotated[str, BeforeValidator(_some_words)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class TurnForm(_Form):
    speaker: Name = Field(min_length=1)
    text: Words = Field(min_length=1)


class ConversationForm(_Form):
    turns: list[TurnForm] = Field(min_length=1)


class EmotionsRequest(_Form):
    """Conversations to be read. `read: last` reads only the last turn of each, with those before it as context."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"conversations": [{"turns": _TALK}], "demonstrations": True}]}
    )

    conversations: list[ConversationForm] = Field(min_length=1)
    demonstrations: bool = Field(
        default=False, description="Also say what each turn's prompt held as examples."
    )
    read: Literal["all", "last"] = "all"


class DemonstrationForm(_Form):
    """An example that the prompt held."""

    text: str
    label: str
    similarity: float = Field(description="Cosine with the turn.")


class EmotionForm(_Form):
    """What was read in a turn."""

    turn: int = Field(description="Its place in the conversation, from 0.")
    speaker: str
    label: str | None = Field(description="null where the model's answer could not be read.")
    probabilities: dict[str, float] = Field(description="Of every label; empty for a model that has none.")
    valence: float | None = Field(description="How pleasant, from -1 to 1, expected over the probabilities.")
    demonstrations: list[DemonstrationForm] | None = Field(
        default=None, description="Where they were asked for."
    )

    @classmethod
    def of(cls, turn: int, speaker: str, reading: Reading, demonstrations: bool) -> "EmotionForm":
        shown = [
            DemonstrationForm(text=one.text, label=one.label, similarity=one.score) for one in reading.shown
        ]
        return cls(
            turn=turn,
            speaker=speaker,
            label=reading.label,
            probabilities=dict(reading.probabilities),
            valence=reading.valence,
            demonstrations=shown if demonstrations else None,
        )


class ReadConversation(_Form):
    turns: list[EmotionForm]


class EmotionsResponse(_Form):
    model: str
    labels: list[str]
    conversations: list[ReadConversation] = Field(description="In the order of the request.")


class _OpenAI(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Part(_OpenAI):
    type: Literal["text"]
    text: str


class Message(_OpenAI):
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[Part] | None = None
    name: str | None = Field(default=None, description="Who speaks; otherwise the role says it.")

    @property
    def text(self) -> str:
        said = self.content or ""
        return words(said if isinstance(said, str) else "\n".join(part.text for part in said), "content")

    @property
    def speaker(self) -> str:
        return speaker_name((self.name or "").strip() or self.role.capitalize(), "name")


class ChatRequest(_OpenAI):
    """A chat whose last message is the user's. Messages of system and developer are instructions, and no turns: they are
    passed over, as are sampling parameters; who replies was chosen when the server was started.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"model": "quickstart", "messages": [{"role": "user", "content": "Nobody came."}]}]
        }
    )

    model: str
    messages: list[Message] = Field(min_length=1)
    stream: bool | None = False
    n: Literal[1] | None = 1


class ReplyMessage(BaseModel):
    role: Literal["assistant"] = "assistant"
    content: str


class Choice(BaseModel):
    index: Literal[0] = 0
    message: ReplyMessage
    finish_reason: Literal["stop"] = "stop"
    logprobs: None = None


class ChatResponse(BaseModel):
    """OpenAI's chat completion, with the emotion of the user's last turn and who made up the reply."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    emotion: EmotionForm
    reply_by: str = Field(
        description="Such as: retrieved from everyday/social-01/3; empty where there is no reply."
    )


class ModelForm(BaseModel):
    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "prc-emo"


class Models(BaseModel):
    object: Literal["list"] = "list"
    data: list[ModelForm]


class Status(BaseModel):
    status: str


class Problem(BaseModel):
    message: str = Field(description="What was expected, what came and what to do.")
    type: str
    param: str | None = None
    code: str | None = None


class ErrorForm(BaseModel):
    """An error, in OpenAI's form."""

    error: Problem


def refusals(*codes: int) -> dict[int | str, dict[str, Any]]:
    """What a route may answer beside success, for the OpenAPI document."""
    return {code: {"model": ErrorForm, "description": _MEANING[code]} for code in codes}


_MEANING: Mapping[int, str] = {
    400: "The body is not JSON.",
    401: "The key is missing or wrong.",
    403: "A server without a key answers to localhost alone.",
    404: "There is no such model.",
    413: "The body is too large.",
    422: "The request is not as expected, too long, or a turn does not fit the model.",
    429: "Too much waits already; Retry-After says when to ask again.",
    500: "An error of ours.",
    502: "The model that writes replies failed.",
    503: "The server is being stopped.",
    504: "It took too long.",
}
