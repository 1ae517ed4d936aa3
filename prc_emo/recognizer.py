"""PRC-Emo itself: prompts, retrieval and curriculum around one language model. `fit`, `predict`, `read`, `load`.

Composes what the leaves, `compose` and `llm` offer, and knows the order of the steps. Importing it is cheap; torch
comes with the first `fit` or `load`.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from curriculum import Order, Schedule, Shuffled
from prc_emo import saved
from prc_emo.bench.predictions import Prediction
from prc_emo.bench.voices import Voices
from prc_emo.compose import Composer, Example, Retrieval, demonstrations_of
from prc_emo.config import Answer, Lora, Speech, Training
from prc_emo.conversation import Conversation
from prc_emo.development import Development, predictions
from prc_emo.difficulty import Difficulty, write_order
from prc_emo.errors import PrcEmoError
from prc_emo.fitting import class_weights, frequencies, labelled, same_as_before
from prc_emo.hearing import Ears
from prc_emo.knowledge import Knowledge
from prc_emo.labels import LabelSet
from prc_emo.processes import processes, sharded
from prc_emo.prompted import Prompt, count_shown, read_prompts, write_prompts
from prc_emo.shared import once
from prompts import Template, load_template, read_emotion
from retrieval_store import DemonstrationStore, Embedder

if TYPE_CHECKING:
    from prc_emo.llm.load import LanguageModel


class PRCEmo:
    """Recognises emotions in conversations with a fine-tuned language model.

    Args:
        base_model: `minilm` (the embedded default), a model of the hub or a local folder.
        labels: What it may answer.
        template: The prompt; by default the full one, or the compact one for `minilm`.
        store: Demonstrations; `"train"` makes a store of the training conversations; None shows none.
        schedule: The curriculum; None shuffles.
        knowledge: Interpretations and speaker characteristics; None has none.
        speech: How the voices of utterances that have a recording are heard; None reads their words only.
        window: Context turns on a side, and `see`, on which sides.
        guard: What training is never shown of its store; `utterance` leaks labels, as the released code does.
        loading: Further arguments of `prc_emo.llm.load.load`: revision, tiny, quantization, precision, attention.
        evaluation_splits: Splits of the store that are never shown, such as "meld/test".
        shared: A folder in which the recognizers of a study keep stores and prompts that they have in common.

    >>> from prc_emo.labels import MELD
    >>> PRCEmo(labels=MELD).template.name
    'recognize_compact'
    """

    def __init__(
        self,
        base_model: str = "minilm",
        *,
        labels: LabelSet,
        template: Template | None = None,
        store: DemonstrationStore | Literal["train"] | None = None,
        schedule: Schedule | None = None,
        knowledge: Knowledge | None = None,
        speech: Speech | None = None,
        difficulty: Difficulty | None = None,
        see: Literal["past", "surrounding"] = "past",
        window: int = 5,
        max_tokens: int = 2048,
        demonstrations: int = 3,
        mmr: float | None = None,
        per_label: int | None = None,
        guard: Literal["full", "utterance"] = "full",
        evaluation_splits: Iterable[str] = (),
        encoder: str = "minilm",
        index: Literal["auto", "flat", "hnsw", "ivfpq"] = "auto",
        restart_per_phase: bool = False,
        lora: Lora | None = None,
        training: Training | None = None,
        answer: Answer | None = None,
        loading: Mapping[str, Any] | None = None,
        shared: Path | None = None,
        seed: int = 42,
    ) -> None:
        self.base_model, self.labels, self.seed = base_model, labels, seed
        self.template = template or load_template(
            "recognize_compact" if base_model == "minilm" else "recognize"
        )
        self.store, self.knowledge = store, knowledge or Knowledge({}, {})
        self._remembers = store == "train"  # each fit makes the store anew
        self.lora, self.training, self.answer = lora or Lora(), training or Training(), answer or Answer()
        self.schedule = schedule or Shuffled(epochs=self.training.epochs)
        # without a curriculum nothing is measured: labels of one's own need no place on the emotion wheel
        self.difficulty = difficulty or Difficulty("none" if schedule is None else "prc-emo")
        self.see, self.window, self.max_tokens = see, window, max_tokens
        self.demonstrations, self.mmr, self.per_label = demonstrations, mmr, per_label
        self.guard: Literal["full", "utterance"] = guard
        self.evaluation_splits = frozenset(evaluation_splits)
        self.encoder, self.index, self.restart_per_phase = encoder, index, restart_per_phase
        self.loading, self.shared = dict(loading or {}), shared
        self.ears = Ears(speech, labels, seed) if speech is not None else None
        self.heard: dict[str, int] = {}  # how many voices, and why not the others, of what was heard last
        self.temperature = 1.0
        self.offsets: tuple[float, ...] = (0.0,)
        self.excluded: dict[str, int] = {}  # why the store held demonstrations back, in the last predict
        self.shown = 0
        self._lm: LanguageModel | None = None

    def fit(self, train: Sequence[Conversation], dev: Sequence[Conversation], *, out: Path | str) -> None:
        """Fine-tunes, keeps the adapter that is best on `dev`, fits its calibration, and saves all to `out`/model.

        A killed `fit` goes on where it was when it is called again with the same arguments.

        Raises:
            PrcEmoError: A label does not fit, an utterance is too long, or `out` holds another training.
        """
        from prc_emo import __version__
        from prc_emo.llm import adapter
        from prc_emo.llm.score import learned_tokens
        from prc_emo.llm.tokens import encode
        from prc_emo.llm.train import train as fine_tune

        out, state = Path(out), processes()
        train, dev = labelled(train, self.labels, "training"), labelled(dev, self.labels, "development")
        order = self.order(train, batch=self.training.batch * self.training.accumulate * state.num_processes)
        same_as_before(
            out / "training.json",
            {
                "version of prc-emo": __version__,
                "training data": train,
                "development data": dev,
                "label set": self.labels,
                "template": self.template.sha256,
                "base model": (self.base_model, self.loading),
                "training setting": (self.training, self.lora, self.seed, self.restart_per_phase),
                "speech setting": self.ears and self.ears.settings,
                "answer setting": self.answer,
                "number of processes": state.num_processes,
                "order": order.sha256,
            },
        )
        if state.is_main_process:
            write_order(out / "order.json", order, self.difficulty.of(train, self.labels), self.schedule)

        if self._lm is not None and self._lm.learned:
            self._lm = None  # an earlier fit has put its adapter on; this one starts from the base model
        size = self.lora
        self._lm = lm = adapter.add(
            self.language_model, rank=size.rank, alpha=size.alpha, dropout=size.dropout, seed=self.seed
        )
        with state.main_process_first():
            self.remember(train, out)
            self.hear([*train, *dev])
            lessons = None if self.ears is None else self.ears.lessons(train)
        if self.ears is not None:
            self.heard = self.ears.heard.counts({turn.id for talk in train for turn in talk.utterances})
            same_as_before(out / "training.json", {"voices": tuple(self.ears.heard.contents.items())})
        dev_ids = frozenset(talk.id for talk in dev)
        prompts = self.training_prompts(train, dev)
        answers = [str(one.answer) for one in prompts]
        words, choices = learned_tokens(lm, tuple(self.labels), self.training.loss)
        rows = [
            encode(lm, one.id, one.tokens, answer, words.get(answer), one.heard)
            for one, answer in zip(prompts, answers, strict=True)
        ]
        asked = self.prompts(dev, dev_ids)
        if self.knowledge.covers_some([one.id for one in prompts]):
            # what is learned both ways is chosen and calibrated both ways
            asked = [*asked, *self.prompts(dev, dev_ids, bare=True)]
        same_as_before(
            out / "training.json",
            {"prompt or set of demonstrations": [*rows, *(one.tokens for one in asked)]},
        )

        development = Development(asked, self.labels, frequencies(answers, self.labels), self.answer)
        learn = partial(
            fine_tune,
            lm,
            rows,
            order,
            lambda module: development.measure(replace(lm, model=module)),
            self.training,
            seed=self.seed,
            weights=class_weights(answers) if self.training.class_weights else None,
            choices=choices,
            restart_per_phase=self.restart_per_phase,
            beside=lessons,
        )
        if self.ears is not None and self.ears.settings.stages == 2:
            from prc_emo.speech.inject import NAME

            with adapter.frozen(lm, but=NAME):
                learn(out / "listening")
        best = learn(out)
        if state.is_main_process:
            adapter.copy(best, out / "model")
        state.wait_for_everyone()
        if sharded():
            self._lm = None
            self._lm = lm = adapter.put_on(self.language_model, out / "model")
            self.hear(dev)  # with the ears of this model
        self.temperature, self.offsets = development.calibration(lm)
        if state.is_main_process:
            self.describe(out / "model")
        state.wait_for_everyone()

    def predict(self, conversations: Sequence[Conversation]) -> list[Prediction]:
        """One label with probabilities for each utterance, in order; gold labels are not looked at."""
        conversations = [conversation.hidden() for conversation in conversations]
        self._ready()
        if self.ears is not None:
            with processes().main_process_first():  # the others find what it has heard
                self.heard = self.hear(conversations)
        prompts = self.prompts(conversations, frozenset(talk.id for talk in conversations))
        self.shown, self.excluded = count_shown(prompts)
        return self._answers(prompts)

    def examine(
        self, conversations: Sequence[Conversation], only: Set[str] | None = None
    ) -> list[tuple[Prediction, Example]]:
        """What `predict` answers, each with what the language model saw; `only` for the utterances with these ids."""
        conversations = [conversation.hidden() for conversation in conversations]
        self._ready()
        self.hear(conversations, only)
        examples = self.compose(conversations, only=only, barred=frozenset(talk.id for talk in conversations))
        prompts = [Prompt.of(example, self.tokens(example.messages)) for example in examples]
        return list(zip(self._answers(prompts), examples, strict=True))

    def _answers(self, prompts: Sequence[Prompt]) -> list[Prediction]:
        from prc_emo.llm import calibrate
        from prc_emo.llm.generate import generate
        from prc_emo.llm.load import exactly
        from prc_emo.llm.score import score

        lm = exactly(self._ready())
        tokens, heard = [one.tokens for one in prompts], [one.heard for one in prompts]
        if self.answer.by == "generate":
            answers = generate(lm, tokens, heard=heard, batch_tokens=self.answer.batch_tokens)
            return [
                Prediction(one.id, read_emotion(text, list(self.labels)), {})
                for one, text in zip(prompts, answers, strict=True)
            ]
        scores = score(lm, tokens, tuple(self.labels), heard=heard, batch_tokens=self.answer.batch_tokens)
        probabilities = calibrate.probabilities(scores, self.temperature, self.offsets)
        return predictions(prompts, self.labels, probabilities)

    def read(self, turns: Conversation | Iterable[Sequence[str]]) -> list[Prediction]:
        """Labels one conversation: a record, or (speaker, text) pairs, or (speaker, text, path of the recording)."""
        return self.predict([turns if isinstance(turns, Conversation) else Conversation.of(turns)])

    def compose(
        self,
        conversations: Sequence[Conversation],
        only: Set[str] | None = None,
        barred: frozenset[str] = frozenset(),
        guard: Literal["full", "utterance"] = "full",
        bare: bool = False,
    ) -> list[Example]:
        """What the language model sees for each utterance, or `only` for those with these ids.

        Args:
            barred: Ids of further conversations whose utterances are not shown as demonstrations.
            guard: `utterance` holds back nothing of its own dialogue and words but itself.
            bare: Without knowledge, as what is said in a chat comes.
        """
        retrieval = None
        if isinstance(self.store, DemonstrationStore):
            retrieval = Retrieval(
                self.store,
                self.demonstrations,
                self.mmr,
                self.per_label,
                self.evaluation_splits,
                barred,
                guard,
            )
        knowledge = Knowledge({}, {}) if bare else self.knowledge
        composer = Composer(self.template, self.labels, self.see, self.window, knowledge, retrieval)
        if self.ears is not None:
            composer = replace(
                composer, heard=self.ears.listener.frames, hear_context=self.ears.settings.context
            )
        return composer.compose(
            conversations, count=lambda messages: len(self.tokens(messages)), limit=self.limit, only=only
        )

    def hear(self, conversations: Sequence[Conversation], only: Set[str] | None = None) -> dict[str, int]:
        """Listens to conversations that are composed next; how many voices are heard, and why not the others."""
        if self.ears is None:
            return {}
        self.language_model  # noqa: B018  its ears come with it
        return self.ears.hear(conversations, only).counts()

    def voices(self) -> Voices | None:
        """What it made of the voices of the last `predict`; None where none was heard."""
        return None if self.ears is None else self.ears.voices()

    def prompts(
        self,
        conversations: Sequence[Conversation],
        barred: frozenset[str] = frozenset(),
        guard: Literal["full", "utterance"] = "full",
        bare: bool = False,
    ) -> list[Prompt]:
        """What `compose` makes of conversations, in tokens; taken from `shared` where a run of the study left it."""

        def make() -> list[Prompt]:
            examples = self.compose(conversations, barred=barred, guard=guard, bare=bare)
            return [Prompt.of(example, self.tokens(example.messages)) for example in examples]

        if self.shared is None:
            return make()
        made_of = {
            "conversations": conversations,
            "template": self.template.sha256,
            "labels": tuple(self.labels),
            "context": (self.see, self.window, self.limit),
            "knowledge": ()
            if bare
            else (*self.knowledge.interpretations.items(), *self.knowledge.characteristics.items()),
            "language model": (self.base_model, sorted(self.loading.items()), self.language_model.revision),
        }
        if self.ears is not None:
            slots = {id: self.ears.listener.slots(id) for id in self.ears.listener.frames}
            made_of["speech"] = (self.ears.settings.context, slots)
        if isinstance(self.store, DemonstrationStore):
            made_of["store"] = (self.store.hash, self.store.info().encoder)
            made_of["retrieval"] = (self.demonstrations, self.mmr, self.per_label, guard)
            made_of["held back"] = (sorted(self.evaluation_splits), sorted(barred))
        return read_prompts(
            once(self.shared, "prompts.jsonl", made_of, lambda path: write_prompts(path, make()))
        )

    def training_prompts(self, train: Sequence[Conversation], dev: Sequence[Conversation]) -> list[Prompt]:
        """What `fit` learns from, a prompt per labelled utterance of `train`; nothing of `dev` is shown in them."""
        barred = frozenset(talk.id for talk in dev)
        return [one for one in self.prompts(train, barred, self.guard) if one.answer is not None]

    def tokens(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """The prompt as token ids, up to where the answer begins."""
        from prc_emo.llm.tokens import prompt_ids

        lm = self.language_model
        return prompt_ids(lm, messages, self.ears.listener.slots if self.ears is not None else None)

    @property
    def limit(self) -> int:
        """How many tokens a prompt may have, so that the longest label still fits behind it."""
        from prc_emo.llm.tokens import answer_ids

        lm = self.language_model
        return min(self.max_tokens, lm.positions) - max(len(answer_ids(lm, label)) for label in self.labels)

    @property
    def language_model(self) -> "LanguageModel":
        """The model as it stands: the base model, or after `fit` or `load` the one with the adapter."""
        if self._lm is None:
            from prc_emo.llm.load import load

            self._lm = load(self.base_model, **self.loading)
            if self.ears is not None:
                self._lm = self.ears.wear(self._lm)
        return self._lm

    def remember(self, train: Sequence[Conversation], out: Path) -> None:
        """Makes the store of the training conversations, where one is wanted; embedded once, kept in `out`/model."""
        if not self._remembers:
            return
        folder = out / "model" / saved.STORE
        rows = demonstrations_of(train, source="training", split="train")
        embedder = Embedder(self.encoder)
        if (folder / "manifest.json").exists():
            store = DemonstrationStore.load(folder, embedder)
            if set(store.demonstrations) <= set(rows) and len(store) + store.info().skipped == len(rows):
                self.store = store
                return
        if self.shared is None:
            self.store = DemonstrationStore.build(rows, embedder, index=self.index, progress=True)
        else:
            made_of = {"rows": rows, "encoder": embedder.id, "index": self.index}
            kept = once(
                self.shared,
                "store",
                made_of,
                lambda path: DemonstrationStore.build(rows, embedder, index=self.index, progress=True).save(
                    path
                ),
            )
            self.store = DemonstrationStore.load(kept, embedder)
        self.store.save(folder)

    def order(self, train: Sequence[Conversation], *, batch: int, steps: int | None = None) -> Order:
        """The curriculum over the labelled utterances of `train`, numbered in their order.

        Args:
            steps: Optimiser steps in all, where they are not those of the training's settings.
        """
        return self.schedule.order(
            self.difficulty.of(train, self.labels),
            sizes=[sum(turn.gold is not None for turn in talk.utterances) for talk in train],
            seed=self.seed,
            batch=batch,
            steps=steps or self.training.steps,
        )

    def save(self, folder: Path | str) -> None:
        """Writes everything that an answer depends on: adapter, template, labels, calibration, store and model names."""
        from prc_emo.llm import adapter

        if self._ready().merged:
            raise PrcEmoError("The adapter of this model was merged: there is none to save. Copy its folder.")
        adapter.save(self._ready(), Path(folder))
        self.describe(Path(folder))

    def describe(self, folder: Path, merged: saved.Merged | None = None) -> None:
        """Writes what `save` writes, beside an adapter or merged weights that are there already."""
        store = self.store if isinstance(self.store, DemonstrationStore) else None
        description = {
            "base_model": self.base_model,
            "loading": {**self.loading, "revision": self.language_model.revision},
            "labels": {"name": self.labels.name, "labels": tuple(self.labels)},
            "template_sha256": self.template.sha256,
            "answer": self.answer.model_dump(),
            "speech": self.ears and self.ears.settings.model_dump(),
            "frames": self.ears and self.ears.form.model_dump(),
            "temperature": self.temperature,
            "offsets": self.offsets,
            "evaluation_splits": sorted(self.evaluation_splits),
            **{name: getattr(self, name) for name in _SAVED_AS_THEY_ARE},
        }
        saved.write(folder, description, template=self.template.text, store=store, merged=merged)

    @classmethod
    def load(
        cls,
        folder: Path | str,
        *,
        labels: LabelSet | None = None,
        knowledge: Knowledge | None = None,
        loading: Mapping[str, Any] | None = None,
    ) -> "PRCEmo":
        """A saved recognizer, from a run's folder or its `model` folder; of the folder of all its seeds, the latest.

        Args:
            labels: What you expect it to answer; another set is refused.
            knowledge: Of the conversations that it is going to read.
            loading: What is loaded otherwise than in training, such as {"quantization": "none"}.

        Raises:
            PrcEmoError: Something is missing, was changed since, does not fit, or could run code.
        """
        from prc_emo.llm import adapter, merged

        folder = saved.folder_of(Path(folder))
        adapter.refuse_pickles(folder)
        found, template = saved.read(folder, labels)
        store = None
        if found.store is not None:
            store = DemonstrationStore.load(folder / saved.STORE)
            if store.hash != found.store:
                raise PrcEmoError(
                    f"{folder / saved.STORE}: not the store that the model was trained with. Restore it."
                )
        model = cls(
            found.base_model,
            labels=LabelSet(found.labels.name, found.labels.labels),
            template=Template.from_text(template),
            store=store,
            knowledge=knowledge,
            speech=found.speech,
            evaluation_splits=found.evaluation_splits,
            answer=found.answer,
            loading={**found.loading, **(loading or {})},
            **{name: getattr(found, name) for name in _SAVED_AS_THEY_ARE},
        )
        model.temperature, model.offsets = found.temperature, found.offsets
        if found.speech is not None:
            model.ears = Ears(found.speech, model.labels, found.seed, form=found.frames)
        if found.merged is not None:
            model._lm = merged.load(folder, model.base_model, found.merged.prefix, model.loading)
        else:
            model._lm = adapter.put_on(model.language_model, folder)
        return model

    def _ready(self) -> "LanguageModel":
        if self._lm is None or not self._lm.learned:
            raise PrcEmoError(
                "This recognizer has learned nothing yet: call fit(train, dev, out=...) or PRCEmo.load(folder)."
            )
        return self._lm


_SAVED_AS_THEY_ARE = ("see", "window", "max_tokens", "demonstrations", "mmr", "per_label", "encoder", "seed")
