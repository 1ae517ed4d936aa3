"""From the settings of an experiment to a PRC-Emo that has learned nothing yet: the one place that knows both."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prc_emo.config import Experiment, Retrieval, data_path
from prc_emo.conversation import Conversation
from prc_emo.corpora.own import everyday_folder
from prc_emo.difficulty import Difficulty
from prc_emo.errors import PrcEmoError
from prc_emo.knowledge import Knowledge
from prc_emo.labels import LabelSet
from prc_emo.processes import processes
from prc_emo.recognizer import PRCEmo
from prompts import load_template
from retrieval_store import DemonstrationStore, Embedder


def build(settings: Experiment, labels: LabelSet, corpus: str, shared: Path | None = None) -> PRCEmo:
    """The recognizer that the settings describe; its language model is loaded by its first use.

    Raises:
        PrcEmoError: A file that the settings name is not there, or settings contradict each other.
    """
    prompt, retrieval, curriculum, model = (
        settings.prompt,
        settings.retrieval,
        settings.curriculum,
        settings.model,
    )
    options: dict[str, Any] = {}
    if retrieval is not None:
        options = {
            "store": "train" if retrieval.store == "train" else _store(retrieval),
            "demonstrations": retrieval.k,
            "mmr": retrieval.mmr,
            "per_label": retrieval.per_label,
            "guard": retrieval.guard,
            "encoder": retrieval.encoder,
            "index": retrieval.index,
        }
    if curriculum is not None:
        options["schedule"] = settings.schedule()
        options["restart_per_phase"] = curriculum.restart_per_phase
        options["difficulty"] = Difficulty.by(curriculum)
    return PRCEmo(
        model.name,
        labels=labels,
        template=load_template(prompt.template),
        knowledge=_knowledge(settings),
        see=prompt.see,
        window=prompt.window,
        max_tokens=prompt.max_tokens,
        evaluation_splits=(f"{corpus}/dev", f"{corpus}/test"),
        speech=settings.speech,
        lora=settings.lora,
        training=settings.training,
        answer=settings.answer,
        loading=model.model_dump(exclude={"name"}),
        shared=shared,
        seed=settings.seed,
        **options,
    )


def refuse_too_long(model: PRCEmo, conversations: Sequence[Conversation]) -> None:
    """Composes the longest utterances, so that one which cannot be labelled is told before the training, not after it.

    Their voices count, too: what is heard here is kept, and is not heard again after the training.

    Raises:
        PrcEmoError: An utterance is too long even alone.
    """
    hidden = [talk.hidden() for talk in conversations]
    voices: dict[str, int] = {}
    if model.ears is not None:
        with processes().main_process_first():
            model.hear(hidden)
        listener = model.ears.listener
        voices = {id: listener.slots(id) for id in listener.frames}
    # an utterance of fewer bytes and soft prompts has fewer tokens than a quarter of the prompt, which leaves room for any
    # template
    long = model.limit // 4
    for talk in hidden:
        for turn in talk.utterances:
            if len(turn.text.encode()) + voices.get(turn.id, 0) > long:
                model.compose([talk], only={turn.id})


def _knowledge(settings: Experiment) -> Knowledge | None:
    name = settings.prompt.knowledge
    if name is None:
        return None
    use = settings.prompt.use
    return Knowledge.load(knowledge_file(name)).only(
        interpretations="interpretations" in use, speakers="speakers" in use
    )


def knowledge_file(name: str) -> Path:
    """The file that `prompt.knowledge` names."""
    return everyday_folder() / "knowledge.jsonl" if name == "everyday" else data_path(name)


def _store(retrieval: Retrieval) -> DemonstrationStore:
    folder = Path(retrieval.store)
    if not folder.is_dir():  # said before the encoder is loaded, which takes seconds
        raise PrcEmoError(
            f"retrieval.store: there is no folder {folder}. Make it with `prc-emo store build`, or say train."
        )
    return DemonstrationStore.load(folder, Embedder(retrieval.encoder))
