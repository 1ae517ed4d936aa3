"""Hears each utterance by itself: no words, no context, no language model."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from prc_emo import files
from prc_emo.baselines.kit.parameters import Parameters, read_parameters
from prc_emo.bench.metrics import score
from prc_emo.bench.predictions import Prediction
from prc_emo.config import Speech
from prc_emo.conversation import Conversation
from prc_emo.errors import PrcEmoError
from prc_emo.hearing import Ears, Form
from prc_emo.labels import LabelSet
from prc_emo.settings import checked

if TYPE_CHECKING:
    from torch import nn

    from prc_emo.speech.heard import Heard

WEIGHTS, DESCRIPTION = "voice.safetensors", "voice.json"


class VoiceParameters(Parameters):
    """`speech` as in an experiment of PRC-Emo; what it says of affective learning is not used."""

    pool: Literal["mean", "qformer"] = "qformer"
    speech: dict[str, Any] = Field({})
    epochs: int = Field(30, ge=1)
    batch: int = Field(32, ge=1)
    learning_rate: float = Field(1e-3, gt=0)


class Voice:
    """Frames of an utterance, pooled, and a linear head.

    Attributes:
        window: It hears the utterance alone.
        heard: How many voices were heard last, in training or by `predict`, and why not the others.
    """

    window = 0

    def __init__(
        self, labels: LabelSet, parameters: VoiceParameters, seed: int, form: Form | None = None
    ) -> None:
        self.labels, self.parameters, self.seed = labels, parameters, seed
        self.ears = Ears(_speech(parameters.speech), labels, seed, form=form)
        self.frequencies: dict[str, float] = {}
        self.model: nn.Module | None = None
        self.heard: dict[str, int] = {}

    def fit(self, train: Sequence[Conversation], dev: Sequence[Conversation], *, out: Path) -> None:
        import torch
        from safetensors.torch import save_file

        from prc_emo.baselines.voice.model import MeanHead
        from prc_emo.speech.listen import Listener

        gold = {turn.id: turn.gold for talk in train for turn in talk.utterances if turn.gold is not None}
        if not gold:
            raise PrcEmoError(
                "voice: expected labelled utterances to learn from, but the training split has none."
            )
        counts = Counter(gold.values())
        self.frequencies = {label: counts[label] / counts.total() for label in self.labels}
        chance = torch.Generator().manual_seed(self.seed)
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            self.model = model = self._new()
            self.ears.listener = Listener(lambda frames: 1)
            heard = list(self.ears.hear(train).frames)
            ids = [id for id in heard if id in gold]
            self.heard = self.ears.heard.counts()
            if isinstance(model, MeanHead) and ids:
                frames = self.ears.heard.frames
                model.measure(torch.stack([torch.from_numpy(frames[id]).mean(0) for id in ids]))
            lessons, heard_of_dev = self.ears.lessons(train).listen, self.ears.hear(dev)
            best, weights = -1.0, {name: value.clone() for name, value in model.state_dict().items()}
            steps = self.parameters.epochs * -(-len(ids) // self.parameters.batch)
            optimizer = torch.optim.AdamW(model.parameters(), lr=self.parameters.learning_rate)
            rate = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, total_iters=max(1, steps))
            place = 0
            for _ in range(self.parameters.epochs if ids else 0):
                model.train()
                order = torch.randperm(len(ids), generator=chance).tolist()
                for start in range(0, len(ids), self.parameters.batch):
                    rows = [
                        {"id": ids[at], "heard": [ids[at]], "place": place + step}
                        for step, at in enumerate(order[start : start + self.parameters.batch])
                    ]
                    place += len(rows)
                    speech = lessons(rows)["speech"]
                    loss = torch.nn.functional.cross_entropy(
                        model(speech["frames"], speech["mask"]), speech["emotions"]
                    )
                    optimizer.zero_grad()
                    loss.backward()
                    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                    optimizer.step()
                    rate.step()
                found = score(dev, self._answers(dev, heard_of_dev)).ua if dev else 0.0
                if found > best or not dev:
                    best, weights = found, {name: value.clone() for name, value in model.state_dict().items()}
            model.load_state_dict(weights)
        out.mkdir(parents=True, exist_ok=True)
        save_file(weights, out / WEIGHTS)
        files.write_json(
            out / DESCRIPTION,
            {
                "label_set": self.labels.name,
                "frequencies": self.frequencies,
                "parameters": self.parameters.model_dump(),
                "form": self.ears.form.model_dump(),
                "seed": self.seed,
            },
        )

    def predict(self, conversations: Sequence[Conversation]) -> list[Prediction]:
        from prc_emo.speech.listen import Listener

        self.ears.listener = Listener(lambda frames: 1)
        hearing = self.ears.hear(conversations)
        self.heard = hearing.counts()
        return self._answers(conversations, hearing)

    def _answers(self, conversations: Sequence[Conversation], hearing: "Heard") -> list[Prediction]:
        import torch

        from prc_emo.baselines.voice.model import probabilities

        if self.model is None:
            raise PrcEmoError("voice: nothing is learned yet. Call fit first, or load what fit wrote.")
        heard = list(hearing.frames)
        found: dict[str, np.ndarray] = {}
        self.model.eval()
        with torch.inference_mode():
            for start in range(0, len(heard), self.parameters.batch):
                some = heard[start : start + self.parameters.batch]
                speech = self.ears.listener([some])["speech"]
                rows = probabilities(self.model(speech["frames"], speech["mask"])).double().numpy()
                found.update(zip(some, rows, strict=True))
        names, unheard = tuple(self.labels), np.array(list(self.frequencies.values()))
        answers = []
        for talk in conversations:
            for turn in talk.utterances:
                row = found.get(turn.id, unheard)
                likely = dict(zip(names, map(float, row / row.sum()), strict=True))
                answers.append(Prediction(turn.id, max(likely, key=likely.__getitem__), likely))
        return answers

    def voices(self) -> None:
        """Nothing to show: there is no contrastive space."""

    def _new(self) -> "nn.Module":
        from prc_emo.baselines.voice.model import MeanHead, QFormerHead

        if self.parameters.pool == "mean":
            if self.ears.settings.units or self.ears.form.layers:
                raise PrcEmoError(
                    "voice: pool=mean takes frames of one layer, not units or layers. Take pool=qformer."
                )
            return MeanHead(self.ears.form.width, len(self.labels))
        return QFormerHead(self.ears.qformer(), len(self.labels))


def _speech(given: Mapping[str, Any]) -> Speech:
    key = "voice: parameters.speech"
    speech = checked(Speech, given, key)
    if speech.tune is not None:
        raise PrcEmoError(
            f"{key}: expected an encoder that stays as it is, got tune={speech.tune}. Take tune=null."
        )
    return speech


def build(labels: LabelSet, parameters: Mapping[str, Any], seed: int) -> Voice:
    return Voice(labels, read_parameters(VoiceParameters, parameters, "voice"), seed)


def load(folder: Path) -> Voice:
    from safetensors.torch import load_file

    saved = files.read_json(folder / DESCRIPTION)
    labels = LabelSet(saved["label_set"], tuple(saved["frequencies"]))
    parameters = read_parameters(VoiceParameters, saved["parameters"], "voice")
    voice = Voice(labels, parameters, saved["seed"], Form.model_validate(saved["form"]))
    voice.frequencies = saved["frequencies"]
    voice.model = voice._new()
    voice.model.load_state_dict(load_file(folder / WEIGHTS))
    return voice
