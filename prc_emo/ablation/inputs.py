"""What settings only name: conversations, and files that may be others tomorrow under the same path.

A cell writes down what it found; whoever goes on with the study looks whether that is still so.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from prc_emo.ablation.study import Cell
from prc_emo.bench.run import corpus_of, scored_split
from prc_emo.config import Experiment
from prc_emo.corpora import Corpus
from prc_emo.difficulty import Difficulty
from prc_emo.errors import PrcEmoError
from prc_emo.experiment import knowledge_file
from prc_emo.files import fingerprint, read_object, sha256_file
from prompts import load_template

FILE = "inputs.json"


def inputs(settings: Experiment, corpus: Corpus) -> dict[str, str]:
    """Hashes by what they are of; of a file that is not there, nothing.

    Raises:
        PrcEmoError: The corpus has no such split, or its conversations cannot be measured.
    """
    found = {
        "the training data": fingerprint(corpus.train),
        "the development data": fingerprint(corpus.dev),
        "the conversations to score": fingerprint(corpus.split(scored_split(settings, corpus))),
    }
    if settings.recognizer != "prc_emo":
        return found
    prompt, retrieval, order = settings.prompt, settings.retrieval, settings.curriculum
    found["the template"] = load_template(prompt.template).sha256
    files = {}
    if prompt.knowledge is not None:
        files["the knowledge"] = knowledge_file(prompt.knowledge)
    if retrieval is not None and retrieval.store != "train":
        files["the store"] = Path(retrieval.store) / "manifest.json"
    found |= {name: sha256_file(path) for name, path in files.items() if path.is_file()}
    if order is not None:
        hardness = Difficulty.by(order).of(corpus.train, corpus.labels)
        found["the difficulty of conversations"] = fingerprint(hardness.tolist())
    return found


class Now:
    """What there is now for the arms of a study. Where it cannot be read, the cell itself will say why."""

    def __init__(self) -> None:
        self._corpora: dict[str, Corpus] = {}
        self._inputs: dict[str, Mapping[str, str]] = {}

    def corpus(self, cell: Cell) -> Corpus:
        """The conversations that it names, read once for all who name them."""
        key = cell.settings.data.model_dump_json()
        if key not in self._corpora:
            self._corpora[key] = corpus_of(cell.settings)
        return self._corpora[key]

    def changed(self, folder: Path, cell: Cell) -> list[str]:
        """What is no longer as the cell that was computed in this folder has found it."""
        then = read_object(folder / FILE)
        if then and cell.arm not in self._inputs:
            try:
                self._inputs[cell.arm] = inputs(cell.settings, self.corpus(cell))
            except PrcEmoError:
                return []
        return [name for name, hash in then.items() if self._inputs[cell.arm].get(name) != hash]

    def refuse_different_questions(self, cells: Iterable[Cell], reference: str) -> None:
        """Refuses arms that are scored on other utterances than the reference: told before hours of work.

        Raises:
            PrcEmoError: There is one; the message names it.
        """
        asked = {}
        for arm, cell in {cell.arm: cell for cell in cells}.items():
            try:
                corpus = self.corpus(cell)
                talks = corpus.split(scored_split(cell.settings, corpus))
            except PrcEmoError:
                continue
            asked[arm] = fingerprint([(turn.id, turn.gold) for talk in talks for turn in talk.utterances])
        if others := [
            arm for arm, questions in asked.items() if questions != asked.get(reference, questions)
        ]:
            raise PrcEmoError(
                f"The arm {others[0]!r} would be scored on other utterances than the reference {reference!r}, and could not be "
                "compared with it. Give both the same data, or make two studies."
            )
