"""PRC-Emo as a whole, on a toy of Qwen3's architecture: what it learns is nonsense, what it does is everything."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from curriculum import BabySteps
from prc_emo import Conversation, PRCEmo, Utterance
from prc_emo.bench.predictions import Prediction
from prc_emo.compose import demonstrations_of
from prc_emo.config import Answer, Training
from prc_emo.config_file import experiment
from prc_emo.development import Calibration, Development
from prc_emo.errors import PrcEmoError
from prc_emo.experiment import build
from prc_emo.files import read_json, write_json, write_text
from prc_emo.fitting import frequencies
from prc_emo.knowledge import Interpretation, Knowledge
from prc_emo.labels import EMORYNLP, MELD, LabelSet
from prc_emo.prompted import Prompt
from prompts import load_template
from retrieval_store import DemonstrationStore, Embedder

QWEN = "Qwen/Qwen3-8B"
TALK = [
    ("Ross", "I'm fine.", "sadness"),
    ("Monica", "You're not fine.", "anger"),
    ("Ross", "Really!", "anger"),
]


def corpus(split: str, count: int) -> list[Conversation]:
    return [
        Conversation(
            f"{split}/{number}",
            tuple(
                Utterance(f"{split}/{number}/{at}", who, f"{words} {'So. ' * number}", gold)
                for at, (who, words, gold) in enumerate(TALK)
            ),
        )
        for number in range(count)
    ]


TRAIN, DEV = corpus("train", 4), corpus("dev", 2)


def recognizer(**options: object) -> PRCEmo:
    return PRCEmo(
        QWEN,
        labels=MELD,
        template=load_template("recognize"),
        store="train",
        schedule=BabySteps(buckets=2, epochs=2),
        demonstrations=2,
        training=Training(batch=2, accumulate=1, learning_rate=1e-2, evaluate_every=4),
        loading={"tiny": True, "precision": "fp32"},
        **options,  # type: ignore[arg-type]
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[PRCEmo, Path]:
    out = tmp_path_factory.mktemp("run")
    model = recognizer()
    model.fit(TRAIN, DEV, out=out)
    return model, out


@pytest.fixture
def copy(trained: tuple[PRCEmo, Path], tmp_path: Path) -> Path:
    shutil.copytree(trained[1] / "model", tmp_path / "model")
    return tmp_path / "model"


def numbers(predictions: Sequence[Prediction]) -> list[tuple[str, str | None, dict[str, float]]]:
    return [(one.id, one.label, dict(one.probabilities)) for one in predictions]


def test_one_prediction_per_utterance_with_probabilities_of_every_label(trained: tuple[PRCEmo, Path]) -> None:
    predictions = trained[0].predict(DEV)
    assert [one.id for one in predictions] == [turn.id for talk in DEV for turn in talk.utterances]
    for one in predictions:
        assert list(one.probabilities) == list(MELD)
        assert sum(one.probabilities.values()) == pytest.approx(1)
        assert one.label == max(one.probabilities, key=lambda label: one.probabilities[label])


def test_predictions_do_not_depend_on_gold_labels(trained: tuple[PRCEmo, Path]) -> None:
    assert numbers(trained[0].predict(DEV)) == numbers(trained[0].predict([talk.hidden() for talk in DEV]))


def test_a_loaded_model_predicts_exactly_what_the_trained_one_did(trained: tuple[PRCEmo, Path]) -> None:
    model, out = trained
    assert numbers(PRCEmo.load(out).predict(DEV)) == numbers(model.predict(DEV))
    assert numbers(PRCEmo.load(out / "model", labels=MELD).predict(DEV)) == numbers(model.predict(DEV))


def test_training_has_changed_the_answers(trained: tuple[PRCEmo, Path], tmp_path: Path) -> None:
    """The premise of the test above: the adapter does something."""
    still = recognizer()
    with pytest.raises(PrcEmoError, match="has learned nothing yet"):
        still.predict(DEV)


def test_reading_takes_names_and_words(trained: tuple[PRCEmo, Path]) -> None:
    answers = trained[0].read([("Ross", "I'm fine."), ("Monica", "You're not fine.")])
    assert [one.label in MELD for one in answers] == [True, True]


def test_what_was_said_later_never_changes_a_label(trained: tuple[PRCEmo, Path]) -> None:
    turns = [("Ross", "I'm fine."), ("Monica", "You're not fine."), ("Ross", "Really!")]
    whole = trained[0].read(turns)
    for length in (1, 2):
        for before, after in zip(trained[0].read(turns[:length]), whole, strict=False):
            assert before.label == after.label
            assert dict(before.probabilities) == pytest.approx(dict(after.probabilities), abs=1e-4)


def test_no_demonstration_comes_from_the_own_conversation_or_has_the_same_words(
    trained: tuple[PRCEmo, Path],
) -> None:
    examples = trained[0].compose(TRAIN)
    shown = [
        (example, hit.demonstration) for example in examples if example.found for hit in example.found.hits
    ]
    assert shown
    words = {turn.id: turn.text.strip() for talk in TRAIN for turn in talk.utterances}
    for example, demonstration in shown:
        assert demonstration.dialogue != example.conversation
        assert demonstration.text.strip() != words[example.id]
    assert sum(trained[0].excluded.values()) > 0  # and it says how many it held back


def test_a_model_is_refused_for_other_labels(copy: Path) -> None:
    with pytest.raises(PrcEmoError, match=r"answers with the labels of MELD .* not with those of EmoryNLP"):
        PRCEmo.load(copy, labels=EMORYNLP)


def test_a_corpus_with_other_labels_is_refused_before_training(tmp_path: Path) -> None:
    odd = [Conversation("a", (Utterance("a/0", "Ross", "Hm.", "joyful"),))]
    with pytest.raises(PrcEmoError, match=r"a/0: 'joyful' is not an emotion of MELD\. Did you mean 'joy'\?"):
        recognizer().fit(odd, DEV, out=tmp_path)


def test_changed_weights_are_refused(copy: Path) -> None:
    weights = copy / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    with pytest.raises(PrcEmoError, match="is missing or was changed since the model was saved"):
        PRCEmo.load(copy)


def test_a_changed_template_is_refused(copy: Path) -> None:
    write_text(copy / "template.j2", (copy / "template.j2").read_text().replace("One word", "Two words"))
    with pytest.raises(PrcEmoError, match="template"):
        PRCEmo.load(copy)


def test_another_store_is_refused(copy: Path) -> None:
    write_json(copy / "prc_emo.json", {**read_json(copy / "prc_emo.json"), "store": "0" * 64})
    with pytest.raises(PrcEmoError, match="not the store that the model was trained with"):
        PRCEmo.load(copy)


def test_a_pickle_in_the_folder_is_refused(copy: Path) -> None:
    (copy / "store" / "index.pkl").write_bytes(b"\x80\x04.")
    with pytest.raises(PrcEmoError, match="can run code when read"):
        PRCEmo.load(copy)


def test_a_folder_without_a_model_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PrcEmoError, match="Train one with prc-emo run NAME"):
        PRCEmo.load(tmp_path)


def test_generation_is_read_never_guessed(trained: tuple[PRCEmo, Path]) -> None:
    model = PRCEmo.load(trained[1])
    model.answer = Answer(by="generate")
    for one in model.predict(DEV):
        assert one.label is None or one.label in MELD
        assert dict(one.probabilities) == {}


def test_knowledge_reaches_the_prompt_and_its_absence_leaves_no_trace() -> None:
    target = DEV[0].utterances[0]
    knowledge = Knowledge(
        {target.id: Interpretation("flat voice", "hides grief")}, {(DEV[0].id, "Ross"): "a brooder"}
    )
    (informed,) = recognizer(knowledge=knowledge).compose([DEV[0]], only={target.id})
    (plain,) = recognizer().compose([DEV[0]], only={target.id})
    said = informed.messages[-1]["content"]
    assert all(words in said for words in ("flat voice", "hides grief", "a brooder"))
    assert len(plain.messages[-1]["content"]) < len(said)


def test_what_is_learned_with_and_without_knowledge_is_calibrated_both_ways(tmp_path: Path) -> None:
    def interpreted(talks: Sequence[Conversation]) -> dict[str, Interpretation]:
        return {turn.id: Interpretation("flat voice", "grief") for talk in talks for turn in talk.utterances}

    model = recognizer(knowledge=Knowledge(interpreted([*TRAIN[:2], *DEV]), {}))
    model.fit(TRAIN, DEV, out=tmp_path)
    informed, bare = model.prompts(DEV), model.prompts(DEV, bare=True)
    gold = [str(one.answer) for one in informed]
    prior = frequencies([str(one.answer) for one in model.training_prompts(TRAIN, DEV)], MELD)

    def calibration(prompts: Sequence[Prompt]) -> Calibration:
        return Development(prompts, MELD, prior, model.answer).calibration(model.language_model)

    assert gold and [one.tokens for one in informed] != [one.tokens for one in bare]
    assert (model.temperature, model.offsets) == calibration([*informed, *bare])
    assert (model.temperature, model.offsets) != calibration(informed)


@pytest.mark.parametrize(("covered", "some"), [(0, False), (1, False), (2, True), (18, True), (19, False)])
def test_knowledge_covers_some_where_a_tenth_has_it_and_a_tenth_has_not(covered: int, some: bool) -> None:
    known = Knowledge({str(number): Interpretation("flat", "grief") for number in range(covered)}, {})
    assert known.covers_some([str(number) for number in range(20)]) is some


def test_an_utterance_too_long_for_the_model_is_named_and_context_goes_first() -> None:
    model = recognizer(max_tokens=1200)
    long = Conversation("c", tuple(Utterance(f"c/{at}", "Ross", "word " * 40) for at in range(6)))
    examples = model.compose([long])
    assert examples[-1].cut[0] == "context"
    assert all(len(model.tokens(example.messages)) <= model.limit for example in examples)
    huge = Conversation("d", (Utterance("d/0", "Ross", "x" * 10_000),))
    with pytest.raises(PrcEmoError, match=r"d/0: the utterance alone takes \d+ tokens"):
        model.compose([huge])


def test_settings_build_the_recognizer_they_describe() -> None:
    settings = experiment(
        "meld_qwen3_8b",
        [
            "model.tiny=true",
            "retrieval.k=5",
            "curriculum.buckets=3",
            "training.epochs=3",
            "prompt.see=surrounding",
        ],
    )
    model = build(settings, MELD, "meld")
    assert model.demonstrations == 5
    assert model.schedule == BabySteps(buckets=3, epochs=settings.training.epochs)
    assert model.see == "surrounding"
    assert model.evaluation_splits == {"meld/dev", "meld/test"}


def test_a_second_fit_of_the_same_object_starts_from_the_base_model(
    trained: tuple[PRCEmo, Path], tmp_path: Path
) -> None:
    model = recognizer()
    model.fit(TRAIN[:2], DEV, out=tmp_path / "first")
    model.fit(TRAIN, DEV, out=tmp_path / "second")
    name = "adapter_model.safetensors"
    assert (tmp_path / "second/model" / name).read_bytes() == (trained[1] / "model" / name).read_bytes()


def test_what_is_evaluated_on_is_never_shown_whatever_its_split_is_called() -> None:
    """The store of a careless user holds the test set; none of its conversations comes back."""
    rows = demonstrations_of([*TRAIN, *DEV], source="everything", split="all")
    model = recognizer()
    model.store = DemonstrationStore.build(rows, Embedder())
    asked = model.compose(DEV, barred=frozenset(talk.id for talk in DEV))
    shown = {hit.demonstration.dialogue for one in asked if one.found for hit in one.found.hits}
    assert shown and shown <= {talk.id for talk in TRAIN}


def test_labels_that_are_on_no_wheel_can_be_learned_without_a_curriculum() -> None:
    talk = Conversation(
        "mine/0",
        (Utterance("mine/0/0", "A", "Oh?", "curious"), Utterance("mine/0/1", "B", "Tss.", "annoyed")),
    )
    order = PRCEmo(labels=LabelSet("mine", ("curious", "annoyed"))).order([talk], batch=1)
    assert sorted(set(order.positions.tolist())) == [0, 1]
