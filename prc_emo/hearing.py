"""What the settings say of voices, made real: where frames come from, the model that hears them, and what it learns.

The one place that knows the settings, `speech` and `llm` together.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from prc_emo.bench.voices import Voices
from prc_emo.config import Section, Speech, data_path
from prc_emo.conversation import Conversation, Utterance
from prc_emo.errors import PrcEmoError
from prc_emo.fitting import class_weights
from prc_emo.labels import LabelSet

if TYPE_CHECKING:
    from torch import Tensor

    from prc_emo.llm.load import LanguageModel
    from prc_emo.llm.train import Beside
    from prc_emo.speech.audio import Variant
    from prc_emo.speech.encoder import Encoder
    from prc_emo.speech.features import Features
    from prc_emo.speech.heard import Heard, Source
    from prc_emo.speech.inject import HearingModel
    from prc_emo.speech.listen import Listener
    from prc_emo.speech.pretrained import Pretrained
    from prc_emo.speech.qformer import SpeechQFormer

WORDS = 64  # tokens of an utterance that the queries see, where they see text


class Form(Section):
    """Of the frames that a Q-Former is made for.

    Attributes:
        width: Of a frame, or how many units there are.
        layers: How many layers of an encoder are mixed.
        encoder: Which encoder makes them of recordings, its weights included; empty for units and features.
    """

    width: int
    layers: int | None
    encoder: str = ""


class Ears:
    """Hears conversations as the settings say.

    Args:
        form: Of a saved model, which has its form already. Such a model reads on where training would stop: strict is of no
            matter, and without the units or features that it was trained with it reads words alone.
        cache: Where frames are kept; by default $PRC_EMO_CACHE, or prc-emo in the user's cache folder.

    Attributes:
        heard: What came of the conversations that were heard last.
    """

    def __init__(
        self,
        settings: Speech,
        labels: LabelSet,
        seed: int,
        *,
        form: Form | None = None,
        cache: Path | None = None,
    ) -> None:
        self.settings, self.labels, self.seed = settings, labels, seed
        self.cache: Path | None = cache or _cache()
        self._form, self._saved = form, form is not None
        self._texts: dict[str, str] = {}
        self.model: HearingModel | None = None
        self.listener: Listener
        self.heard: Heard

    @property
    def of_recordings(self) -> bool:
        """Whether it listens to recordings, rather than looking up units or features by utterance id."""
        return self.settings.units is None and self.settings.features is None

    def forget(self) -> None:
        """Leaves nothing of a voice on the disk, and lets none that is unheard stop the others; call it before `hear`."""
        self.cache = None
        self.settings = self.settings.model_copy(update={"strict": False})

    @property
    def form(self) -> Form:
        """What the Q-Former is made for.

        Raises:
            PrcEmoError: Encoder, units or features are not to be found.
        """
        if self._form is None:
            heard = self._source if self.settings.tune is None else self._encoder
            encoder = self._encoder.id if self.of_recordings else ""
            self._form = Form(width=heard.width, layers=heard.layers, encoder=encoder)
        return self._form

    def wear(self, lm: "LanguageModel") -> "LanguageModel":
        """The language model with untrained ears; what is drawn for them depends on the seed alone."""
        import torch

        from prc_emo.speech.adapter import SpeechAdapter
        from prc_emo.speech.inject import NAME, HearingModel
        from prc_emo.speech.listen import Listener
        from prc_emo.speech.tuned import Tuned

        own, table = self.settings, lm.model.get_input_embeddings().weight
        tuned = None if own.tune is None else Tuned(cast("Pretrained", self._encoder))
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            qformer = self.qformer(text_width=table.shape[1])
            adapter = SpeechAdapter(
                qformer,
                llm_width=table.shape[1],
                size=float(table.detach().float().std()),
                emotions=len(self.labels),
                encoder=tuned,
            )
        self.model = HearingModel(lm.model, adapter.to(lm.device))
        self.model.train(False)
        slots: Callable[[int], int] | int = own.queries
        if own.window is not None:
            slots = qformer.slots if tuned is None else lambda long: qformer.slots(tuned.encoder.frames(long))
        self.listener = Listener(slots, self._words(lm) if own.text else None)
        return replace(lm, model=self.model, train_whole=(*lm.train_whole, NAME), listen=self.listener)

    def qformer(self, text_width: int | None = None) -> "SpeechQFormer":
        """An untrained Q-Former of these settings.

        Args:
            text_width: Of the word vectors, which it sees where the settings say so.
        """
        from prc_emo.speech.qformer import SpeechQFormer

        own, form = self.settings, self.form
        return SpeechQFormer(
            frame_width=form.width,
            queries=own.queries,
            width=own.width,
            layers=own.layers,
            heads=own.heads,
            feedforward=own.feedforward,
            dropout=own.dropout,
            text_width=text_width if own.text else None,
            window=own.window,
            layers_mixed=form.layers,
            units=form.width if own.units else None,
            convolutions=own.convolutions,
        )

    def hear(self, conversations: Sequence[Conversation], only: Set[str] | None = None) -> "Heard":
        """Listens to conversations; until the next call, theirs are the voices that prompts can hold.

        Args:
            only: The utterances that are read; the others are heard where the settings say that context is.
        """
        turns = [
            turn
            for talk in conversations
            for turn in talk.utterances
            if only is None or self.settings.context or turn.id in only
        ]
        self.heard = self._listen(turns)
        self.listener.frames = self.heard.frames
        self._texts = {turn.id: turn.text for turn in turns}
        return self.heard

    def _listen(self, turns: Sequence[Utterance]) -> "Heard":
        from prc_emo.speech.heard import Heard, Unheard

        if self.of_recordings and not self._strict and all(turn.audio is None for turn in turns):
            return Heard({}, {turn.id: Unheard("no recording") for turn in turns})  # and no encoder is needed
        return self._source.of(turns)

    def voices(self, at_once: int = 8, looked_at: int = 8) -> Voices | None:
        """What the model makes of the voices that were heard last: of all in the contrastive space, of a few where it listens."""
        import torch

        ids = tuple(self.listener.frames)
        if not ids or self.model is None:
            return None
        rows, looks = [], {}
        with torch.inference_mode():
            for start in range(0, len(ids), at_once):
                heard = self.model.hear(self._tensors(ids[start : start + at_once]))
                rows.append(heard.contrast.float().cpu().numpy())
            for id in ids[:: -(-len(ids) // looked_at)]:
                speech = self._tensors([id])
                looked = self.model.speech_adapter.attention(speech["frames"], self.model.words(speech))
                looks[id] = looked.float().cpu().numpy()
        return Voices(ids, np.concatenate(rows), looks)

    def _tensors(self, ids: Sequence[str]) -> dict[str, Any]:
        from accelerate.utils import send_to_device

        assert self.model is not None
        return dict(send_to_device(self.listener([ids])["speech"], self.model.device))

    def lessons(self, train: Sequence[Conversation]) -> "Beside":
        """What these conversations, which were heard just before, bring into training beside their words."""
        from prc_emo.llm.train import Beside
        from prc_emo.speech.audio import Variant
        from prc_emo.speech.inject import NAME
        from prc_emo.speech.listen import Lessons, mask_some
        from prc_emo.speech.losses import affective

        own = self.settings
        turns = [turn for talk in train for turn in talk.utterances]
        alpha = self._alpha([turn.gold for turn in turns if turn.gold is not None])
        variants = [Variant(speed=speed) for speed in own.speeds] + [Variant(noise=db) for db in own.noises]
        lessons = Lessons(
            self.listener,
            {turn.id: self.labels.labels.index(turn.gold) for turn in turns if turn.gold is not None},
            also=[self._heard_as(variant).of(turns).frames for variant in variants],
            # an encoder that is tuned brings its own
            augment=partial(mask_some, stack=getattr(self._encoder, "stack", 1) if self.of_recordings else 1)
            if own.mask and not own.units and own.tune is None
            else None,
            seed=self.seed,
        )

        def loss(beside: Mapping[str, Any]) -> Any:
            assert self.model is not None and self.model.spoken is not None
            return affective(
                self.model.spoken,
                beside["speech"]["emotions"],
                contrastive_weight=own.contrastive,
                focal_weight=own.focal,
                temperature=own.temperature,
                gamma=own.gamma,
                alpha=alpha,
            )

        rates = {f".{NAME}.": own.learning_rate, f".{NAME}.modules_to_save.default.encoder.": own.tune}
        return Beside(lessons, loss, {part: rate for part, rate in rates.items() if rate is not None})

    def _alpha(self, answers: Sequence[str]) -> "Tensor | None":
        """(C,): what each label weighs in the focal loss."""
        import torch

        if self.settings.alpha is None:
            return None
        weights = dict(zip(answers, class_weights(answers), strict=True))
        return torch.tensor([weights.get(label, 1.0) for label in self.labels])

    @cached_property
    def _source(self) -> "Source":
        """Where frames come from; made once, since it may read a file or load a model."""
        from prc_emo.speech.audio import Variant
        from prc_emo.speech.features import Features
        from prc_emo.speech.units import Units

        own = self.settings
        if (name := own.units or own.features) is None:
            return self._heard_as(Variant())
        path = data_path(name)
        if self._saved and not path.exists():
            sys.stderr.write(f"{path}, with the voices of this model, is not there: it reads words alone.\n")
            return Units({}, self.form.width)
        if own.units is not None:
            known = own.unit_count if self._form is None else self._form.width
            return Units.read(path, known, strict=self._strict)
        found = Features.read(path, strict=self._strict)
        self._refuse_another_form(found, str(path))
        return found

    def _heard_as(self, variant: "Variant") -> "Source":
        """Recordings as the encoder hears them, in one manner."""
        from prc_emo.speech.audio import Limits
        from prc_emo.speech.frames import Frames
        from prc_emo.speech.tuned import Waves

        own = self.settings
        return Frames(
            self._encoder if own.tune is None else Waves(),
            self.cache,
            variant,
            Limits(shortest=own.shortest, heard=own.heard, longest=own.longest),
            strict=self._strict,
            precision=own.precision,
        )

    @property
    def _strict(self) -> bool:
        return self.settings.strict and not self._saved

    def _refuse_another_form(self, found: "Encoder | Features", what: str) -> None:
        form = self._form
        if form is not None and (found.width, found.layers) != (form.width, form.layers):
            raise PrcEmoError(
                f"{what}: expected frames as this model has learned to hear them, {_shape(form.width, form.layers)}; got "
                f"{_shape(found.width, found.layers)}. Restore what it was trained with, or train anew."
            )

    @cached_property
    def _encoder(self) -> "Encoder":
        from prc_emo.speech.encoder import LOG_MEL, encoder

        own = self.settings
        layer = {} if own.encoder == LOG_MEL else {"layer": own.layer}
        found = encoder(own.encoder, **layer, **own.options)
        self._refuse_another_form(found, found.id)
        learned = self._form.encoder if self._form else ""
        if learned and learned != found.id:
            sys.stderr.write(
                f"This model has learned to hear with {learned}; here it hears with {found.id}, and may answer otherwise.\n"
            )
        return found

    def _words(self, lm: "LanguageModel") -> Any:
        def words(id: str) -> list[int]:
            ids = lm.tokenizer(self._texts[id], add_special_tokens=False, split_special_tokens=True)[
                "input_ids"
            ]
            return ids[:WORDS] or [lm.tokenizer.pad_token_id]

        return words


def _shape(width: int, layers: int | None) -> str:
    return f"{width} wide" if layers is None else f"{width} wide in {layers} layers"


def _cache() -> Path:
    own = os.environ.get("PRC_EMO_CACHE")
    return Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "prc-emo"
