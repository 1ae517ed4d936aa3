"""What an experiment is, in words: typed and checked as a whole.

Paths: corpora and their knowledge (`data.path`, `prompt.knowledge`) are meant from the data folder, which is
$PRC_EMO_DATA, or ./data. What you make yourself (`prompt.template`, `retrieval.store`, `model.name`) is meant from the
folder that you are in. Absolute paths are what they say. A configuration is data: it names no code to run, and never
touches the environment.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from prc_emo.errors import did_you_mean

if TYPE_CHECKING:
    from curriculum import Schedule

OF_PRC_EMO = {"prompt", "retrieval", "curriculum", "model", "speech", "lora", "training", "answer"}


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=())


class Data(Section):
    """Which conversations."""

    corpus: str
    path: str | None = None  # from the data folder
    labels: str | None = None  # a label set by name, where the form of the corpus does not say it
    options: dict[str, Any] = {}  # what the corpus' reader takes beside, such as dev_session of iemocap
    score_on: Literal["auto", "dev", "test"] = "auto"  # auto: the test split, or dev where there is none
    shared_speakers: bool = (
        False  # allows that voices of one split are heard in another, where speakers are people
    )
    limit: int | None = Field(None, gt=0)  # only the first conversations of every split, for a quick look


class Prompt(Section):
    """Which words the language model sees (P)."""

    template: str = "recognize"  # one that ships, or the path of your own, from the folder that you are in
    see: Literal["past", "surrounding"] = "past"
    window: int = Field(5, ge=0)  # utterances of context before the target (and after it, if surrounding)
    max_tokens: int = Field(2048, ge=32)
    knowledge: str | None = None  # a JSONL of interpretations and characteristics, from the data folder
    use: tuple[Literal["interpretations", "speakers"], ...] = ("interpretations", "speakers")

    @field_validator("template")
    @classmethod
    def _is_there(cls, template: str) -> str:
        from prompts import PromptError, load_template

        try:
            load_template(template)
        except PromptError as error:
            raise ValueError(str(error)) from None
        return template


class Retrieval(Section):
    """Which demonstrations (R)."""

    store: str = "train"  # the training split itself; or a saved store, from the folder that you are in
    k: int = Field(3, ge=1)
    encoder: str = "minilm"
    index: Literal["auto", "flat", "hnsw", "ivfpq"] = "auto"
    mmr: float | None = Field(None, ge=0, le=1)
    per_label: int | None = Field(None, ge=1)
    # what training is never shown of its own store; "utterance", the released code's way, lets labels leak
    guard: Literal["full", "utterance"] = "full"


class Curriculum(Section):
    """In which order (C)."""

    difficulty: str = "prc-emo"  # none, es, wes, prc-emo, or one of your own: see prc_emo/extensions.py
    similarity_weight: float = 1.0  # k of the paper
    similarity_offset: float = 0.4  # b of the paper
    every_speaker_change: bool = False  # Algorithm 1 of the paper to the letter
    schedule: Literal["baby-steps", "one-pass", "reversed", "shuffled", "competence"] = "baby-steps"
    buckets: int | None = Field(None, ge=1)  # of baby-steps and reversed; theirs by default
    restart_per_phase: bool = False  # a new optimiser and learning rate in each phase, as published

    @field_validator("difficulty")
    @classmethod
    def _is_a_measure(cls, difficulty: str) -> str:
        from curriculum import DIFFICULTIES

        if difficulty not in DIFFICULTIES:
            raise ValueError(
                f"{difficulty!r} is no measure of difficulty. {did_you_mean(difficulty, DIFFICULTIES)} One of your own comes "
                "with prc-emo --import FILE.py."
            )
        return difficulty


class Model(Section):
    """Which language model."""

    name: str = "minilm"
    revision: str | None = None
    tiny: bool = False  # the same architecture with random weights and a few layers
    quantization: Literal["none", "nf4", "int8"] = "none"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    attention: str | None = None


class Lora(Section):
    """How large the adapter is."""

    rank: int = Field(32, ge=1)
    alpha: int = Field(128, ge=1)
    dropout: float = Field(0.05, ge=0, lt=1)


class Speech(Section):
    """How voices reach the language model, after EmoQ (Yang and Mak, 2025), whose dimensions are not public."""

    encoder: str = "log_mel"  # needs no weights; or a speech encoder of the hub, or its local folder
    layer: int | Literal["all"] = -1  # of such an encoder; "all": a learned weighted sum
    options: dict[str, Any] = {}  # what the encoder takes beside: prc_emo/speech/README.md
    # learning rate of the encoder itself, all of which is then trained and saved, too; null: it is frozen, and its frames kept
    tune: float | None = Field(None, gt=0)
    units: str | None = None  # instead of an encoder: discrete units by utterance id, from the data folder
    unit_count: int | None = Field(None, ge=1)  # how many there are; by default one more than the highest
    features: str | None = None  # instead of an encoder: features by utterance id, from the data folder
    # what counts as the recording of one utterance, in seconds
    shortest: float = Field(0.1, gt=0)  # below it there is nothing to hear
    heard: float = Field(30.0, gt=0)  # what goes on after so many is cut; of Whisper 30 at most
    longest: float = Field(300.0, gt=0)  # above it, it is a whole conversation, given by mistake
    precision: Literal["float32", "float16"] = "float32"  # of kept frames; float16 takes half the room
    strict: bool = False  # training and its scoring stop at the first utterance of which nothing is heard
    context: bool = True  # also the voices of the turns before and after, not the target's alone
    # the Q-Former
    queries: int = Field(8, ge=1)  # soft prompts of an utterance, or of each window of it
    window: int | None = Field(None, ge=1)  # frames; null: the whole utterance at once
    convolutions: int = Field(2, ge=0)  # layers that put frames into context before queries look
    text: bool = False  # queries also see the utterance's words
    width: int = Field(256, ge=2)
    layers: int = Field(2, ge=1)
    heads: int = Field(4, ge=1)
    feedforward: int = Field(1024, ge=1)
    dropout: float = Field(0.1, ge=0, lt=1)
    # augmentation in training
    mask: bool = True  # SpecAugment: spans of frames and bands are hidden
    speeds: tuple[float, ...] = ()  # also heard faster and slower, such as 0.9 and 1.1
    noises: tuple[float, ...] = ()  # also heard with noise, so many dB below the voice
    # multi-objective affective learning, beside the answer
    contrastive: float = Field(0.1, ge=0)  # weight of the supervised contrastive loss
    temperature: float = Field(0.07, gt=0)
    focal: float = Field(1.0, ge=0)  # weight of the focal loss of an auxiliary classifier
    gamma: float = Field(2.0, ge=0)
    alpha: Literal["balanced"] | None = None  # rare emotions weigh more in the focal loss
    learning_rate: float | None = Field(None, gt=0)  # of the Q-Former; by default that of the adapter
    stages: Literal[1, 2] = 1  # 2: first the Q-Former alone, as long as the whole training, then all together

    @model_validator(mode="after")
    def _goes_together(self) -> "Speech":
        if self.units is not None and self.features is not None:
            raise ValueError("units and features exclude each other: voices come from one of them")
        if self.tune is not None and (self.units or self.features or self.encoder == "log_mel"):
            raise ValueError(
                "tune is for a speech encoder of the hub: log_mel, units and features have no weights"
            )
        if not self.shortest < self.heard <= self.longest:
            raise ValueError(
                f"expected shortest < heard <= longest, got {self.shortest:g}, {self.heard:g} and {self.longest:g} seconds"
            )
        if self.window is not None and self.speeds:
            raise ValueError("speeds change the number of windows: take window=null or speeds=[]")
        trims = self.encoder == "log_mel" and self.options.get("trim", True) is not None
        if self.window is not None and self.noises and trims:
            raise ValueError(
                "noises change what log_mel trims, and so the number of windows: take options={trim: null}, window=null or "
                "noises=[]"
            )
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        if (self.units or self.features) and (self.speeds or self.noises):
            raise ValueError("speeds and noises need recordings, not units or features")
        return self


class Training(Section):
    """How the adapter is fitted."""

    epochs: int = Field(
        4, ge=1
    )  # phases of the schedule, or passes over the data where there is no curriculum
    steps: int | None = Field(
        None, ge=1
    )  # exactly so many optimiser steps, so that arms of a study are alike
    learning_rate: float = Field(3e-4, gt=0)
    schedule: Literal["linear", "cosine", "constant_with_warmup"] = "linear"
    warmup: float = Field(0.03, ge=0, lt=1)  # share of all steps
    weight_decay: float = Field(0.0, ge=0)
    gradient_clip: float = Field(0.3, gt=0)
    batch: int = Field(1, ge=1)  # examples per device and forward pass
    accumulate: int = Field(4, ge=1)
    neftune: float | None = 5.0
    activation_checkpointing: bool = False
    loss: Literal["vocabulary", "labels"] = (
        "vocabulary"  # labels: an answer competes with the other labels only
    )
    class_weights: bool = False
    evaluate_every: int = Field(50, ge=1)  # optimiser steps; ends of phases are always evaluated


class Answer(Section):
    """How a label is read from the model."""

    by: Literal["score", "generate"] = "score"
    calibrate: bool = True  # one temperature, fitted on dev
    prior_correction: bool = (
        False  # less of the training labels' frequencies, by a strength that dev's wF1 chooses
    )
    batch_tokens: int = Field(4096, ge=64)  # how many prompt tokens one scoring batch may hold


class Experiment(Section):
    """Everything that decides a run. `retrieval`, `curriculum` and `prompt.knowledge` may be null: the ablations."""

    name: str
    about: str = ""
    recognizer: str = "prc_emo"
    data: Data
    seed: int = Field(42, ge=0)
    prompt: Prompt = Prompt()
    retrieval: Retrieval | None = Retrieval()
    curriculum: Curriculum | None = Curriculum()
    model: Model = Model()
    speech: Speech | None = None  # null: text only
    lora: Lora = Lora()
    training: Training = Training()
    answer: Answer = Answer()
    parameters: dict[str, Any] = {}  # of a baseline, which checks them itself

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, name: str) -> str:
        if name != Path(name).name or not name.strip(" ."):
            raise ValueError("expected a name for the folder of its runs, without slashes")
        return name

    @model_validator(mode="after")
    def _sections_fit(self) -> "Experiment":
        # raising ValueError is how pydantic is told; config_file.experiment() turns it into one PrcEmoError
        if self.recognizer != "prc_emo":
            if own := OF_PRC_EMO & self.model_fields_set:
                raise ValueError(
                    f"recognizer {self.recognizer!r} takes 'parameters', not {', '.join(sorted(own))}"
                )
        elif self.parameters:
            raise ValueError("'parameters' is for baselines; prc_emo has sections of its own")
        else:
            self.schedule()
            if self.speech is not None and self.speech.contrastive and self.training.batch == 1:
                raise ValueError(
                    "speech.contrastive compares the voices of a batch, and training.batch=1 leaves none to compare: take a "
                    "larger batch, or speech.contrastive=0"
                )
        return self

    def schedule(self) -> "Schedule | None":
        """The order of a curriculum's phases; None where there is no curriculum.

        Raises:
            ValueError: Schedule, buckets and epochs do not go together.
        """
        if self.curriculum is None:
            return None
        from curriculum import CurriculumError, make_schedule

        parameters = {"epochs": self.training.epochs}
        said = f"curriculum.schedule={self.curriculum.schedule} and training.epochs={self.training.epochs}"
        if (buckets := self.curriculum.buckets) is not None:
            parameters["buckets"] = buckets
            said = f"curriculum.buckets={buckets}, {said}"
        try:
            return make_schedule(self.curriculum.schedule, **parameters)
        except CurriculumError as error:
            raise ValueError(
                f"{said} do not go together. {error} Change one of them; curriculum.buckets=null leaves them to the "
                "schedule, and curriculum=null shuffles."
            ) from None


def data_path(path: str) -> Path:
    """A path of a configuration: absolute, or below the data folder ($PRC_EMO_DATA, otherwise ./data)."""
    return Path(os.environ.get("PRC_EMO_DATA", "data")) / Path(path).expanduser()
