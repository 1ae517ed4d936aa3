"""Every baseline, found by looking, keeps the contract of `prc_emo/bench/contract.py`."""

import json

import pytest

from prc_emo.bench.contract import baseline, baselines
from prc_emo.bench.metrics import score
from prc_emo.config_file import experiment, shipped
from prc_emo.conversation import Conversation, Utterance
from prc_emo.errors import PrcEmoError
from prc_emo.labels import LabelSet

LABELS = LabelSet("tiny", ("calm", "glad", "cross"))
WORDS = {
    "calm": (
        "the train leaves at nine",
        "it is on the second shelf",
        "we met at the office",
        "the key is under the mat",
    ),
    "glad": (
        "what a lovely surprise",
        "we won the whole thing",
        "I could dance all night",
        "this is the best news",
    ),
    "cross": (
        "you never listen to me",
        "stop touching my things",
        "that is simply unfair",
        "who broke it this time",
    ),
}
PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04")


def tiny_split(split, conversations):
    """Conversations of three turns, one per label, every text different; the last turn was never labelled."""
    made = []
    for number in range(conversations):
        id = f"tiny/{split}/dia{number}"
        turns = [
            Utterance(f"{id}/utt{at}", f"P{at % 2}", f"{words[number % 4]}, {split} {number}", label)
            for at, (label, words) in enumerate(WORDS.items())
        ]
        made.append(Conversation(id, (*turns, Utterance(f"{id}/utt3", "P1", f"so, {split} {number}"))))
    return made


def test_there_are_baselines_at_all():
    """A loop over nothing passes every test below."""
    assert {"majority", "nearest"} <= set(baselines())


@pytest.fixture(scope="module", params=sorted(baselines()))
def fitted(request, tmp_path_factory):
    """Name, recognizer and folder of a baseline, fitted once with the parameters of its first shipped experiment."""
    name = request.param
    folder = tmp_path_factory.mktemp(name)
    yaml = next(found for found, path in shipped().items() if path.parent == baselines()[name])
    settings = experiment(yaml, ["smoke=true"])
    recognizer = baseline(name).build(LABELS, settings.parameters, 42)
    recognizer.fit(tiny_split("train", 8), tiny_split("dev", 3), out=folder)
    return name, recognizer, folder


def test_it_answers_hidden_conversations_utterance_by_utterance(fitted):
    _, recognizer, _ = fitted
    asked = tiny_split("test", 4)
    predictions = recognizer.predict([conversation.hidden() for conversation in asked])
    assert [one.id for one in predictions] == [
        u.id for conversation in asked for u in conversation.utterances
    ]
    for one in predictions:
        assert one.label is None or one.label in LABELS
        assert not one.probabilities or tuple(one.probabilities) == LABELS.labels
    assert 0 < score(asked, predictions).accuracy <= 1


def test_gold_labels_change_no_answer(fitted):
    """The premise of the bench: what `predict` says cannot depend on what it should not see."""
    _, recognizer, _ = fitted
    asked = tiny_split("test", 2)
    assert recognizer.predict(asked) == recognizer.predict([conversation.hidden() for conversation in asked])


def test_loaded_it_predicts_the_same(fitted):
    name, recognizer, folder = fitted
    asked = [conversation.hidden() for conversation in tiny_split("test", 4)]
    assert baseline(name).load(folder).predict(asked) == recognizer.predict(asked)


def test_it_leaves_no_pickle_behind(fitted):
    _, _, folder = fitted
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert not path.read_bytes().startswith(PICKLES), path


def test_a_second_fit_leaves_the_same_behind(fitted, tmp_path):
    name, _, folder = fitted
    yaml = next(found for found, path in shipped().items() if path.parent == baselines()[name])
    again = baseline(name).build(LABELS, experiment(yaml, ["smoke=true"]).parameters, 42)
    again.fit(tiny_split("train", 8), tiny_split("dev", 3), out=tmp_path)
    for path in folder.rglob("*.json"):
        assert json.loads(path.read_text()) == json.loads((tmp_path / path.relative_to(folder)).read_text())


@pytest.mark.parametrize("name", sorted(baselines()))
def test_predicting_before_learning_is_an_error(name):
    with pytest.raises(PrcEmoError, match="nothing is learned yet"):
        baseline(name).build(LABELS, {}, 42).predict(tiny_split("test", 1))


@pytest.mark.parametrize("name", sorted(baselines()))
def test_learning_from_nothing_is_an_error(name, tmp_path):
    hidden = [conversation.hidden() for conversation in tiny_split("train", 2)]
    with pytest.raises(PrcEmoError, match="expected labelled utterances to learn from"):
        baseline(name).build(LABELS, {}, 42).fit(hidden, [], out=tmp_path)


@pytest.mark.parametrize("name", sorted(baselines()))
def test_unknown_parameters_are_errors(name):
    with pytest.raises(PrcEmoError, match=f"{name}: unknown parameter 'neighbors'"):
        baseline(name).build(LABELS, {"neighbors": 3}, 42)


@pytest.mark.parametrize("name", sorted(baselines()))
def test_the_readme_says_what_a_reader_must_know(name):
    text = (baselines()[name] / "README.md").read_text()
    for topic in ("**Paper**", "**Licence**", "**What differs**", "**Published scores**"):
        assert topic in text


@pytest.mark.parametrize("name", sorted(baselines()))
def test_its_experiments_are_valid_and_build(name):
    files = sorted(baselines()[name].glob("*.yaml"))
    assert files
    for path in files:
        settings = experiment(f"{name}_{path.stem}")
        assert (settings.recognizer, settings.data.corpus) == (name, path.stem)
        assert settings.about
        baseline(name).build(LABELS, settings.parameters, settings.seed)


def test_an_unknown_baseline_is_answered_with_the_nearest():
    with pytest.raises(PrcEmoError, match=r"no recognizer called 'majorty'\. Did you mean 'majority'\?"):
        baseline("majorty")
