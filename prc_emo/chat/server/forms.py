"""What the API takes and gives, as pydantic models: the OpenAPI document and its examples come from here.

Where a field is OpenAI's it has OpenAI's name, and what of theirs is not used here is passed over.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from prc_emo.chat.turn import Reading
from prc_emo.corpora.fields import speaker_name, words

_TALK: list[Any] = [
    {"speaker": "Ross", "text": "I'm fine."},
    {"speaker": "Monica", "text": "You're not fine. Sit down."},
]


def _decoded(value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError("expected the bytes of a recording in base64")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):  # a path, an address, a data URL
        raise ValueError("expected the bytes of a recording in base64; no file or address is read") from None


def _no_path(value: object) -> object:
    if isinstance(value, str):
        raise ValueError(
            'expected {"data": BASE64, "format": "wav"}; no file or address is read, send the bytes of the recording'
        )
    return value


Name = Annotated[str, BeforeValidator(lambda value: speaker_name(value, "speaker"))]
Words = Annotated[str, BeforeValidator(lambda value: words(value, "text"))]
Base64 = Annotated[
    bytes, BeforeValidator(_decoded, json_schema_input_type=str), Field(description="The bytes, in base64.")
]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class RecordingForm(_Form):
    """A recording, as OpenAI's `input_audio` has it."""

    data: Base64
    format: Literal["wav", "mp3", "flac", "ogg"]


Recording = Annotated[RecordingForm, BeforeValidator(_no_path)]


class TurnForm(_Form):
    speaker: Name = Field(min_length=1)
    text: Words = Field(default="", description="May be empty where there is a recording.")
    audio: Recording | None = Field(default=None, description="Of this turn alone; for a model that hears.")

    @model_validator(mode="after")
    def _says_something(self) -> "TurnForm":
        if not self.text and self.audio is None:
            raise ValueError("expected some words, got none")
        return self


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


class VoiceForm(_Form):
    """What became of a turn's recording."""

    heard: bool
    detail: str = Field(description="Why it was not heard, or how much of it; empty where all of it was.")


class EmotionForm(_Form):
    """What was read in a turn."""

    turn: int = Field(description="Its place in the conversation, from 0.")
    speaker: str
    label: str | None = Field(description="null where the model's answer could not be read.")
    probabilities: dict[str, float] = Field(description="Of every label; empty for a model that has none.")
    valence: float | None = Field(description="How pleasant, from -1 to 1, expected over the probabilities.")
    voice: VoiceForm | None = Field(default=None, description="Where the turn had a recording.")
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
            voice=VoiceForm(heard=reading.voice.heard, detail=reading.voice.detail)
            if reading.voice
            else None,
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


class AudioPart(_OpenAI):
    type: Literal["input_audio"]
    input_audio: Recording


class Message(_OpenAI):
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[Annotated[Part | AudioPart, Field(discriminator="type")]] | None = None
    name: str | None = Field(default=None, description="Who speaks; otherwise the role says it.")

    @property
    def text(self) -> str:
        said = self.content or ""
        if not isinstance(said, str):
            said = "\n".join(part.text for part in said if isinstance(part, Part))
        return words(said, "content")

    @property
    def recording(self) -> RecordingForm | None:
        parts = self.content if isinstance(self.content, list) else []
        return next((part.input_audio for part in parts if isinstance(part, AudioPart)), None)

    @model_validator(mode="after")
    def _has_one_recording(self) -> "Message":
        parts = self.content if isinstance(self.content, list) else []
        if (count := sum(isinstance(part, AudioPart) for part in parts)) > 1:
            raise ValueError(
                f"expected one recording in a message at most, got {count}; send one for each turn"
            )
        return self

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
    403: "A server without a key answers to localhost alone, and any to its own pages and those of --cors.",
    404: "There is no such model.",
    413: "The body is too large.",
    422: "The request is not as expected, too long, or a turn does not fit the model.",
    429: "Too much waits already; Retry-After says when to ask again.",
    500: "An error of ours.",
    502: "The model that writes replies failed.",
    503: "The recognizer is not running.",
    504: "It took too long.",
}
