"""MELD, EmoryNLP, DailyDialog and the PRC-Emo JSON, on small files in their published form."""

import json
import re
import zipfile
from pathlib import Path

import pytest

from prc_emo.corpora import Corpus, check, load_as_found, load_corpus
from prc_emo.corpora.encoding import damage, decode_published, repaired
from prc_emo.corpora.notes import Notes
from prc_emo.errors import PrcEmoError
from prc_emo.labels import MELD, LabelSet

MELD_HEADER = (
    "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime"
)
EMORY_HEADER = "Utterance,Speaker,Emotion,Scene_ID,Utterance_ID,Season,Episode,Start_Time,End_Time"


def meld(folder: Path, *rows: str, split: str = "train", encoding: str = "utf-8") -> Corpus:
    (folder / f"{split}_sent_emo.csv").write_bytes("\r\n".join([MELD_HEADER, *rows, ""]).encode(encoding))
    return load_corpus("meld", folder)


def meld_row(text: str, dialogue: int, number: int, emotion: str = "joy", speaker: str = "Ada") -> str:
    return f'1,"{text}",{speaker},{emotion},positive,{dialogue},{number},1,1,"00:00:01,000","00:00:02,000"'


def emory(folder: Path, *rows: str) -> Corpus:
    (folder / "emorynlp_dev_final.csv").write_text("\n".join([EMORY_HEADER, *rows, ""]), encoding="utf-8")
    return load_corpus("emorynlp", folder)


def daily_zip(folder: Path, dialogues: str, emotions: str, name: str = "validation") -> Corpus:
    with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
        archive.writestr(f"{name}/dialogues_{name}.txt", dialogues)
        archive.writestr(f"{name}/dialogues_emotion_{name}.txt", emotions)
        archive.writestr(f"__MACOSX/{name}/dialogues_{name}.txt", "not text")
    return load_corpus("dailydialog", folder)


def prc_json(folder: Path, corpus: str, split: str = "train", **lists: object) -> Path:
    (folder / f"{corpus}.{split}.json").write_text(json.dumps({"Ses01F_impro01": lists}))
    return folder


class TestMeld:
    def test_utterances_are_sorted_by_number_and_keep_published_numbers(self, tmp_path: Path) -> None:
        """Gaps happen; ids must still join with features that others computed by these numbers."""
        corpus = meld(
            tmp_path,
            meld_row("Later.", 3, 4),
            meld_row("First.", 3, 1, speaker="Ben"),
            meld_row("Alone.", 5, 0),
        )
        assert [each.id for each in corpus.train] == ["meld/train/dia3", "meld/train/dia5"]
        assert [(each.id, each.speaker, each.text) for each in corpus.train[0].utterances] == [
            ("meld/train/dia3/utt1", "Ben", "First."),
            ("meld/train/dia3/utt4", "Ada", "Later."),
        ]
        assert corpus.labels == MELD

    def test_dialogue_numbers_may_repeat_across_splits(self, tmp_path: Path) -> None:
        meld(tmp_path, meld_row("One.", 0, 0), split="train")
        corpus = meld(tmp_path, meld_row("Two.", 0, 0), split="test")
        assert [each.id for each in corpus.all()] == ["meld/train/dia0", "meld/test/dia0"]

    def test_windows_1252_bytes_are_read_as_the_quotes_they_are(self, tmp_path: Path) -> None:
        corpus = meld(tmp_path, meld_row("It’s “late”…", 0, 0), encoding="cp1252")
        assert corpus.train[0].utterances[0].text == "It’s “late”…"

    def test_an_unknown_emotion_is_named_with_its_line_and_the_nearest(self, tmp_path: Path) -> None:
        with pytest.raises(
            PrcEmoError,
            match=r"train_sent_emo\.csv, line 3: 'joyous' is not an emotion of MELD\. Did you mean 'joy'\?",
        ):
            meld(tmp_path, meld_row("Fine.", 0, 0), meld_row("Oh.", 0, 1, emotion="joyous"))

    def test_a_missing_column_is_named_with_the_nearest(self, tmp_path: Path) -> None:
        (tmp_path / "dev_sent_emo.csv").write_text("Utterances,Speaker,Emotion,Dialogue_ID,Utterance_ID\n")
        with pytest.raises(
            PrcEmoError, match=r"line 1: column 'Utterance' is missing\. Did you mean 'Utterances'\?"
        ):
            load_corpus("meld", tmp_path)

    def test_a_row_with_too_few_fields_is_named_by_its_line(self, tmp_path: Path) -> None:
        with pytest.raises(PrcEmoError, match=r"line 4: expected 11 fields as in the header, got 3"):
            meld(tmp_path, meld_row("Two\nlines.", 0, 0), "1,short,Ada")

    def test_a_quote_that_never_closes_is_named_by_the_line_where_it_opens(self, tmp_path: Path) -> None:
        with pytest.raises(PrcEmoError, match=r"line 3: not valid CSV"):
            meld(tmp_path, meld_row("Fine.", 0, 0), '1,"open,Ada,joy', meld_row("Lost.", 0, 1))

    def test_a_number_that_occurs_twice_is_named_with_both_lines(self, tmp_path: Path) -> None:
        with pytest.raises(
            PrcEmoError, match=r"line 3: meld/train/dia0 has a second utterance 7, the first is on line 2"
        ):
            meld(tmp_path, meld_row("One.", 0, 7), meld_row("Two.", 0, 7))

    def test_a_number_that_is_none_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(PrcEmoError, match=r"line 2: expected a whole number in 'Dialogue_ID', got 'x'"):
            meld(tmp_path, '1,"Hi.",Ada,joy,positive,x,0,1,1,a,b')


class TestEmoryNLP:
    def test_scenes_are_told_apart_by_season_episode_and_scene(self, tmp_path: Path) -> None:
        corpus = emory(
            tmp_path,
            "Hi.,['Ada Ek'],Joyful,1,1,1,2,a,b",
            "No.,['Ben Oy'],Mad,1,2,1,2,a,b",
            "Yes.,['Ada Ek'],Neutral,1,1,2,2,a,b",
        )
        assert [each.id for each in corpus.dev] == ["emorynlp/dev/s01_e02_c01", "emorynlp/dev/s02_e02_c01"]
        assert [each.emotion for each in corpus.dev[0].utterances] == ["joyful", "mad"]

    def test_people_who_speak_together_are_one_speaker(self, tmp_path: Path) -> None:
        corpus = emory(tmp_path, "Hi!,\"['Ada Ek', 'Ben Oy']\",Joyful,1,1,1,2,a,b")
        assert corpus.dev[0].speakers == ("Ada Ek and Ben Oy",)

    @pytest.mark.parametrize("literal", ["Ada", "[]", "{'Ada'}", "[1]", "__import__('os')", "[[["])
    def test_a_speaker_field_of_another_form_is_an_error_with_its_line(
        self, tmp_path: Path, literal: str
    ) -> None:
        with pytest.raises(PrcEmoError, match=r"line 2: expected (a list of speakers|the name of a speaker)"):
            emory(tmp_path, f'Hi!,"{literal}",Joyful,1,1,1,2,a,b')


class TestDailyDialog:
    def test_a_zip_is_read_in_place(self, tmp_path: Path) -> None:
        corpus = daily_zip(tmp_path, "Hi . __eou__ Oh no ! __eou__\nBye . __eou__\n", "4 5 \n0 \n")
        first, second = corpus.dev
        assert [(each.id, each.speaker, each.text, each.gold) for each in first.utterances] == [
            ("dailydialog/dev/dia1/utt0", "A", "Hi .", "happiness"),
            ("dailydialog/dev/dia1/utt1", "B", "Oh no !", "sadness"),
        ]
        assert len(second) == 1
        assert sorted(path.name for path in tmp_path.iterdir()) == ["validation.zip"]

    def test_an_unpacked_folder_says_the_same_as_the_zip(self, tmp_path: Path) -> None:
        zipped = daily_zip(tmp_path, "Hi . __eou__ Oh ! __eou__\n", "0 6\n")
        with zipfile.ZipFile(tmp_path / "validation.zip") as archive:
            archive.extractall(tmp_path)
        (tmp_path / "validation.zip").unlink()
        assert (
            load_corpus("dailydialog", tmp_path) != zipped
        )  # what was looked for differs, what was found does not
        assert load_corpus("dailydialog", tmp_path).dev == zipped.dev

    def test_the_seven_integers_have_their_published_meaning(self, tmp_path: Path) -> None:
        corpus = daily_zip(tmp_path, "x __eou__ " * 7 + "\n", "0 1 2 3 4 5 6\n")
        assert [each.gold for each in corpus.dev[0].utterances] == [
            "neutral", "anger", "disgust", "fear", "happiness", "sadness", "surprise",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("dialogues", "emotions", "message"),
        [
            ("Hi __eou__\nOh __eou__ No __eou__\n", "0\n0\n", "line 2: 2 turns but 1 emotion labels"),
            ("Hi __eou__\nOh __eou__\n", "0\n", "has 2 lines but dialogues_emotion_validation.txt has 1"),
            ("Hi __eou__\n\nOh __eou__\n", "0\n\n0\n", "line 2: the dialogue is empty"),
            ("Hi __eou__\n", "7\n", "line 1: '7' is not an emotion of DailyDialog. Known: 0 neutral"),
            ("Hi __eou__\n", "²\n", "line 1: '²' is not an emotion of DailyDialog"),
        ],
    )
    def test_what_does_not_fit_is_named_by_its_line(
        self, tmp_path: Path, dialogues: str, emotions: str, message: str
    ) -> None:
        with pytest.raises(PrcEmoError, match=re.escape(message)):
            daily_zip(tmp_path, dialogues, emotions)

    def test_a_file_that_is_no_zip_says_so(self, tmp_path: Path) -> None:
        (tmp_path / "train.zip").write_bytes(b"<html>not found</html>")
        with pytest.raises(PrcEmoError, match=r"train\.zip: not a readable zip file"):
            load_corpus("dailydialog", tmp_path)

    def test_a_zip_without_the_dialogues_says_what_is_missing(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "train.zip", "w") as archive:
            archive.writestr("readme.txt", "")
        with pytest.raises(PrcEmoError, match=r"expected one file dialogues_train\.txt inside, found 0"):
            load_corpus("dailydialog", tmp_path)


class TestPrcJson:
    def test_integers_follow_the_published_order_and_not_that_of_our_tables(self, tmp_path: Path) -> None:
        prc_json(
            tmp_path, "meld", sentences=["a", "b", "c"], labels=[1, 4, 6], genders=[[1, 0], [0, 1], [1, 0]]
        )
        talk = load_corpus("prc-json", tmp_path).train[0]
        assert [each.gold for each in talk.utterances] == ["surprise", "joy", "anger"]
        assert [each.speaker for each in talk.utterances] == ["SPEAKER_0", "SPEAKER_1", "SPEAKER_0"]
        assert MELD.labels[1] != "surprise"

    def test_iemocap_speakers_are_named_by_session_and_words_may_stand_for_integers(
        self, tmp_path: Path
    ) -> None:
        prc_json(
            tmp_path, "iemocap", "valid", sentences=["a", "b"], labels=["Excited", 5], genders=["M", "F"]
        )
        talk = load_corpus("prc-json", tmp_path).dev[0]
        assert talk.id == "iemocap/dev/Ses01F_impro01"
        assert [(each.speaker, each.gold) for each in talk.utterances] == [
            ("Ses01_M", "excited"),
            ("Ses01_F", "frustrated"),
        ]

    def test_one_of_several_corpora_in_a_folder_is_named_in_the_path(self, tmp_path: Path) -> None:
        for name in ("meld", "dailydialog"):
            prc_json(tmp_path, name, sentences=["a"], labels=[0], genders=[1])
        with pytest.raises(PrcEmoError, match=r"found dailydialog, meld\. Give one of them: .*dailydialog"):
            load_corpus("prc-json", tmp_path)
        assert load_corpus("prc-json", tmp_path / "meld").name == "meld"

    def test_an_unpublished_corpus_needs_a_label_set_and_takes_its_order(self, tmp_path: Path) -> None:
        prc_json(tmp_path, "mine", sentences=["a"], labels=[1], speakers=["Ada"])
        with pytest.raises(PrcEmoError, match="Give the label set whose order its integers follow"):
            load_corpus("prc-json", tmp_path)
        talk = load_corpus("prc-json", tmp_path, labels=LabelSet("mine", ("calm", "cross"))).train[0]
        assert (talk.utterances[0].speaker, talk.utterances[0].gold) == ("Ada", "cross")

    @pytest.mark.parametrize("label", [7, -1, True, None, 1.0])
    def test_an_unknown_label_is_named_with_conversation_and_turn(
        self, tmp_path: Path, label: object
    ) -> None:
        prc_json(tmp_path, "meld", sentences=["a"], labels=[label], genders=[1])
        message = f"conversation 'Ses01F_impro01', turn 0: {label!r} is not a label of MELD. Known: 0 neutral, 1 surprise"
        with pytest.raises(PrcEmoError, match=re.escape(message)):
            load_corpus("prc-json", tmp_path)

    @pytest.mark.parametrize(
        ("lists", "message"),
        [
            ({"sentences": ["a"], "labels": [0]}, "'genders' is missing"),
            ({"sentences": ["a", "b"], "labels": [0], "genders": [0]}, "2 sentences, 1 labels and 1 genders"),
            ({"sentences": [], "labels": [], "genders": []}, "the conversation is empty"),
            ({"sentences": [3], "labels": [0], "genders": [0]}, "turn 0: expected text, got 3"),
            (
                {"sentences": ["a"], "labels": [0], "genders": [[0, 0]]},
                "turn 0: expected the name of a speaker",
            ),
        ],
    )
    def test_lists_that_do_not_fit_are_an_error(
        self, tmp_path: Path, lists: dict[str, object], message: str
    ) -> None:
        with pytest.raises(PrcEmoError, match=re.escape(message)):
            load_corpus("prc-json", prc_json(tmp_path, "meld", **lists))


class TestAsFound:
    """What reading repairs, and where training stops, is counted by `check`; the words stay those that are trained on."""

    def test_lines_repaired_in_reading_are_counted_by_file_and_line(self, tmp_path: Path) -> None:
        meld(tmp_path, meld_row("Fine.", 0, 0), meld_row("It\x92s.", 0, 1), meld_row("A caf#.", 0, 2))
        file = tmp_path / "train_sent_emo.csv"
        file.write_bytes(file.read_bytes().replace(b"#", b"\xe9"))
        corpus = load_as_found("meld", tmp_path)
        assert corpus.train == load_corpus("meld", tmp_path).train
        assert [turn.text for turn in corpus.train[0].utterances] == ["Fine.", "It’s.", "A café."]
        (row,) = [row for row in check(corpus).rows() if row[0] == "line repaired in reading"]
        assert row[1:] == (
            "train",
            "2 of 4 (50.0%)",
            "train_sent_emo.csv, line 3 (a control character (U+0092)), "
            "train_sent_emo.csv, line 4 (not UTF-8, read as Windows-1252)",
        )

    def test_every_unknown_label_is_counted_where_training_stops_at_the_first(self, tmp_path: Path) -> None:
        labels = {"meld": ["odd", 0, 9], "mine": ["odd", "Joy", 9]}
        for name, golds in labels.items():
            lists = {"sentences": ["a", "b", "c"], "labels": golds, "genders": [1, 0, 1]}
            report = check(load_as_found("prc-json", prc_json(tmp_path, name, **lists) / name, labels=MELD))
            assert report.count("unknown label", "train") == 2
            with pytest.raises(
                PrcEmoError,
                match=r"'odd' is not .* It is one of 2 unknown labels; `prc-emo data check` shows",
            ):
                load_corpus("prc-json", tmp_path / name, labels=MELD)

    def test_unknown_labels_of_each_published_form_are_counted(self, tmp_path: Path) -> None:
        good = meld_row("Fine.", 0, 0)
        with pytest.raises(PrcEmoError, match=r"line 3: 'odd' .* It is one of 2 unknown labels"):
            meld(tmp_path, good, *[meld_row("Oh.", 0, at, emotion="odd") for at in (1, 2)])
        with pytest.raises(PrcEmoError):
            emory(tmp_path, "Hi.,['Ada Ek'],Odd,1,1,1,2,a,b")
        with pytest.raises(PrcEmoError):
            daily_zip(tmp_path, "Hi . __eou__ Oh ! __eou__\n", "0 7\n")
        for name, count in (("meld", 2), ("emorynlp", 1), ("dailydialog", 1)):
            assert check(load_as_found(name, tmp_path)).count("unknown label") == count


class TestEncoding:
    def test_a_stray_byte_does_not_turn_the_other_lines_around(self) -> None:
        notes = Notes()
        data = "It’s\n".encode() + "It’s".encode("cp1252")
        assert decode_published(data, "a.csv", notes) == "It’s\nIt’s"
        assert notes == Notes(2, ["a.csv, line 2 (not UTF-8, read as Windows-1252)"])

    @pytest.mark.parametrize("meant", ["’", "“quoted”", "wait…", "a—b", "café", "Ð", "naïve Ångström"])
    def test_repair_undoes_the_usual_damage_and_leaves_sound_text_alone(self, meant: str) -> None:
        garbled = meant.encode().decode("cp1252", errors="replace")
        assert repaired(meant) == meant and damage(meant) is None
        if "\ufffd" not in garbled:
            assert repaired(garbled) == meant and damage(garbled)

    def test_control_characters_become_the_quotes_that_were_meant(self) -> None:
        assert repaired("It\x92s") == "It’s"
        assert damage("It\x92s") == "a control character (U+0092)"
        assert damage("It\ufffds")


def test_the_demonstrations_of_prc_emos_authors_are_turns_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / "demonstrations.json"
    file.write_text(
        json.dumps([{"sentence": "Great!", "label": "happy"}, {"sentence": "Oh no.", "label": "fear"}])
    )
    corpus = load_corpus("prc-demonstrations", tmp_path)
    assert [(talk.id, talk.utterances[0].text, talk.utterances[0].gold) for talk in corpus.train] == [
        ("prc-demonstrations/0", "Great!", "happy"),
        ("prc-demonstrations/1", "Oh no.", "fear"),
    ]
    assert MELD.translate("happy") == "joy"  # as a store shows them to MELD
    file.write_text(json.dumps([{"sentence": "Great!", "label": "smug"}]))
    with pytest.raises(PrcEmoError, match=r"row 0: 'smug' is no label here\. Known: neutral, happy"):
        load_corpus("prc-demonstrations", file)
    file.write_text(json.dumps([{"text": "Great!"}]))
    with pytest.raises(PrcEmoError, match="row 0: expected an object with 'sentence' and 'label'"):
        load_corpus("prc-demonstrations", file)
