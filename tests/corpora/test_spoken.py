"""Corpora with voices: RAVDESS, DailyTalk's units, MELD's recordings, and who is heard in which split."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prc_emo.conversation import Conversation
from prc_emo.corpora import Corpus, check, load_as_found, load_corpus, refuse_shared_speakers
from prc_emo.errors import PrcEmoError
from prc_emo.labels import MELD, RAVDESS

HEADER = "file,actor,sex,emotion,intensity,sentence,repetition,duration,fold"


def ravdess(folder: Path, *rows: str, **options: Any) -> Corpus:
    (folder / "labels.csv").write_text("\n".join([HEADER, *rows, ""]))
    return load_corpus("ravdess", folder, **options)


def clip(name: str, actor: int, fold: int, emotion: str = "calm") -> str:
    return f"{name}.flac,{actor},male,{emotion},normal,Kids are talking by the door,1,3.3,{fold}"


FIVE = [clip(f"c{fold}", actor=fold, fold=fold) for fold in range(1, 6)]


class TestRavdess:
    def test_a_clip_is_a_conversation_of_one_utterance(self, tmp_path: Path) -> None:
        (talk,) = ravdess(tmp_path, *FIVE).test
        (turn,) = talk.utterances
        assert (talk.id, turn.id, turn.speaker) == ("ravdess/c5", "ravdess/c5/0", "actor-05")
        assert (turn.text, turn.gold) == ("Kids are talking by the door", "calm")
        assert turn.audio == tmp_path / "c5.flac"

    def test_a_fold_is_test_another_dev_and_the_rest_is_trained_on(self, tmp_path: Path) -> None:
        def speakers(**options: Any) -> dict[str, set[str]]:
            splits = ravdess(tmp_path, *FIVE, **options).splits
            return {
                split: {who for talk in talks for who in talk.speakers} for split, talks in splits.items()
            }

        assert speakers() == {
            "train": {"actor-01", "actor-02", "actor-03"},
            "dev": {"actor-04"},
            "test": {"actor-05"},
        }
        assert speakers(test_fold=1, dev_fold=5)["test"] == {"actor-01"}
        assert set(speakers(test_fold=1, dev_fold=None)) == {"train", "test"}
        assert len(speakers(test_fold=None, dev_fold=2)["train"]) == 4
        four = speakers(test_fold=4, dev_actors=[2])
        assert (four["dev"], four["test"], len(four["train"])) == ({"actor-02"}, {"actor-04"}, 3)

    def test_an_utterance_keeps_its_id_whatever_split_it_is_in(self, tmp_path: Path) -> None:
        """So the test splits of all folds together are predictions of one corpus."""
        ids = [
            {talk.id for talk in ravdess(tmp_path, *FIVE, test_fold=f, dev_fold=None).all()} for f in (1, 2)
        ]
        assert ids[0] == ids[1]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"test_fold": 6}, "expected test_fold to be one of [1, 2, 3, 4, 5] or null, got 6"),
            ({"test_fold": 4}, "test_fold and dev_fold are both 4"),
            ({"test_fold": 1, "dev_actors": [1, 3, 9]}, "dev_actors [1, 9] are not in the folds beside"),
            ({"fold": 4}, "'ravdess' takes no option 'fold'. It takes: test_fold, dev_fold, dev_actors"),
        ],
    )
    def test_folds_that_cannot_be_are_an_error(
        self, tmp_path: Path, options: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(PrcEmoError, match=re.escape(message)):
            ravdess(tmp_path, *FIVE, **options)

    def test_unknown_labels_are_counted_and_stop_a_training(self, tmp_path: Path) -> None:
        with pytest.raises(PrcEmoError, match=r"line 7: 'joyous' is not an emotion of RAVDESS"):
            ravdess(tmp_path, *FIVE, clip("odd", 1, 1, "joyous"))
        assert check(load_as_found("ravdess", tmp_path)).count("unknown label", "train") == 1

    @pytest.mark.parametrize("name", ["../other", "/etc/other"])
    def test_a_recording_outside_the_folder_is_refused(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(PrcEmoError, match=r"labels\.csv, line 7: .* is not a file below"):
            ravdess(tmp_path, *FIVE, clip(name, 1, 1))

    def test_its_labels_mean_what_those_of_other_corpora_mean(self) -> None:
        assert [MELD.translate(label) for label in RAVDESS] == [
            "neutral",
            None,  # calm
            "joy",
            "sadness",
            "anger",
            "fear",
            "disgust",
            "surprise",
        ]


def dailytalk(folder: Path, *rows: dict[str, Any]) -> Corpus:
    (folder / "dev.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load_corpus("dailytalk", folder)


def told(turn: int, text: str, history: list[str] | None, speaker: int = 0, **more: Any) -> dict[str, Any]:
    row = {"id": f"7/{turn}_{speaker}_d7", "dialogue_id": 7, "turn": turn, "speaker": speaker, "text": text}
    return {**row, "emotion": "neutral", "history": history, "units": [1, 2], **more}


class TestDailyTalk:
    def test_lines_of_a_dialogue_become_one_and_history_is_context(self, tmp_path: Path) -> None:
        corpus = dailytalk(
            tmp_path, told(3, "Bye.", ["Hi.", "Oh hi!", "Well."], 1), told(1, "Oh hi!", ["Hi."], 1)
        )
        (talk,) = corpus.dev
        assert [(turn.id, turn.speaker, turn.text, turn.gold) for turn in talk.utterances] == [
            ("7/0_0_d7", "A", "Hi.", None),
            ("7/1_1_d7", "B", "Oh hi!", "neutral"),
            ("7/2_0_d7", "A", "Well.", None),
            ("7/3_1_d7", "B", "Bye.", "neutral"),
        ]

    def test_a_history_never_tells_an_emotion(self, tmp_path: Path) -> None:
        """The published histories say "<neutral> Hi." here and there: a gold label in the prompt."""
        corpus = dailytalk(tmp_path, told(2, "Well.", ["<neutral> Hi.", "<happiness> Oh hi!"]))
        assert [turn.text for turn in corpus.dev[0].utterances] == ["Hi.", "Oh hi!", "Well."]
        assert check(corpus).count("line repaired in reading") == 1

    def test_turns_that_no_line_tells_are_left_out(self, tmp_path: Path) -> None:
        (talk,) = dailytalk(tmp_path, told(2, "Well.", None), told(5, "Bye.", None, 1)).dev
        assert [turn.id for turn in talk.utterances] == ["7/2_0_d7", "7/5_1_d7"]

    @pytest.mark.parametrize(
        ("row", "message"),
        [
            ({"id": "1"}, "line 2: expected an object with id, dialogue_id"),
            (told(0, "Hi.", "not a list"), "'history' is missing or of another kind"),
            (told(2, "Again.", None), "line 2: turn 2 of dialogue 7 was there before, at"),
            (told(3, "Hi.", None, 2), "expected speaker 0 or 1, got 2"),
        ],
    )
    def test_a_line_of_another_form_is_an_error(
        self, tmp_path: Path, row: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(PrcEmoError, match=re.escape(message)):
            dailytalk(tmp_path, told(2, "Well.", None), row)


@pytest.fixture
def meld(tmp_path: Path) -> Callable[..., Corpus]:
    """MELD with a dialogue of two turns in train and dev, and the given files below `clips`."""

    def read(*names: str, **options: Any) -> Corpus:
        rows = "Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID\nHi.,Ada,joy,0,0\nOh.,Ben,joy,0,1\n"
        for split in ("train", "dev"):
            (tmp_path / f"{split}_sent_emo.csv").write_text(rows)
        for name in names:
            (tmp_path / "clips" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "clips" / name).touch()
        return load_corpus("meld", tmp_path, **options)

    return read


class TestMeldsRecordings:
    @pytest.mark.parametrize("folders", [("train", "dev"), ("train_splits", "dev_splits_complete")])
    def test_they_are_found_by_the_names_that_the_community_uses(
        self, meld: Callable[..., Corpus], tmp_path: Path, folders: tuple[str, str]
    ) -> None:
        train, dev = folders
        names = (f"{train}/dia0_utt0.wav", f"{train}/._dia0_utt1.wav", f"{dev}/dia0_utt1.flac")
        corpus = meld(*names, audio="clips")
        assert [turn.audio for turn in corpus.train[0].utterances] == [tmp_path / "clips" / names[0], None]
        assert [turn.audio for turn in corpus.dev[0].utterances] == [None, tmp_path / "clips" / names[2]]

    def test_words_alone_need_none(self, meld: Callable[..., Corpus]) -> None:
        assert {turn.audio for talk in meld().all() for turn in talk.utterances} == {None}

    def test_a_folder_may_be_absolute(self, meld: Callable[..., Corpus], tmp_path: Path) -> None:
        corpus = meld("train/dia0_utt0.wav", "dev/dia0_utt0.wav", audio=str(tmp_path / "clips"))
        assert corpus.train[0].utterances[0].audio == tmp_path / "clips/train/dia0_utt0.wav"

    @pytest.mark.parametrize(
        ("names", "message"),
        [
            (("other/dia0_utt0.wav",), "expected a folder train or train_splits with recordings, found none"),
            (("train/notes.txt",), "expected recordings (.wav, .flac, .mp3, .ogg), found none"),
            (
                ("train/dia0_utt0.mp4",),
                "holds films and no recordings. Take the sound out of them, for example: for",
            ),
        ],
    )
    def test_recordings_that_are_not_there_are_an_error_and_not_silence(
        self, meld: Callable[..., Corpus], names: tuple[str, ...], message: str
    ) -> None:
        with pytest.raises(PrcEmoError, match=re.escape(message)):
            meld(*names, audio="clips")


def test_the_command_line_writes_recordings_into_our_own_form(
    meld: Callable[..., Corpus], tmp_path: Path, prc_emo: Callable[..., Any]
) -> None:
    meld("train/dia0_utt0.wav", "dev/dia0_utt1.wav")
    done = prc_emo("data", "read", "meld", tmp_path, "--option", "audio=clips", "--out", tmp_path / "own")
    assert done.code == 0, done.err
    (talk,) = load_corpus("jsonl", tmp_path / "own", labels=MELD).train
    assert talk.utterances[0].audio == tmp_path / "clips/train/dia0_utt0.wav"
    assert (
        "takes no option 'sound'. It takes: audio"
        in prc_emo("data", "read", "meld", tmp_path, "--option", "sound=x").err
    )


class TestSpeakers:
    def corpus(self, people: bool = True) -> Corpus:
        def talk(id: str, *speakers: str) -> Conversation:
            return Conversation.of([(speaker, "Hm.") for speaker in speakers], id=id)

        splits = {
            "train": (talk("a", "Ada", "Ben"),),
            "dev": (talk("b", "Cleo"),),
            "test": (talk("c", "Ben"),),
        }
        return Corpus("mine", MELD, splits, people=people)

    def test_a_person_who_speaks_in_two_splits_is_named_and_refused(self) -> None:
        with pytest.raises(
            PrcEmoError, match=r"mine: expected nobody to speak in two .* Ben in train and test\."
        ):
            refuse_shared_speakers(self.corpus())
        refuse_shared_speakers(self.corpus(), force=True)

    def test_characters_may_be_in_all_splits(self) -> None:
        refuse_shared_speakers(self.corpus(people=False))

    def test_ravdess_keeps_its_promise_in_every_fold(self, tmp_path: Path) -> None:
        for fold in (1, 2, 3):
            corpus = ravdess(tmp_path, *FIVE, test_fold=fold)
            assert corpus.people
            refuse_shared_speakers(corpus)
        with pytest.raises(PrcEmoError, match="actor-01 in train and test"):
            refuse_shared_speakers(ravdess(tmp_path, *FIVE, clip("stray", actor=1, fold=5)))

    def test_own_conversations_promise_it_when_told_to(self, tmp_path: Path) -> None:
        for split in ("train", "dev"):
            turns = [{"speaker": "Ada", "text": "Hm.", "emotion": word} for word in ("joy", "fear")]
            (tmp_path / f"{split}.jsonl").write_text(json.dumps({"turns": turns}))
        refuse_shared_speakers(load_corpus("jsonl", tmp_path))
        with pytest.raises(PrcEmoError, match="Ada in train and dev"):
            refuse_shared_speakers(load_corpus("jsonl", tmp_path, people=True))
