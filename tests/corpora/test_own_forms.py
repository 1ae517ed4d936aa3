"""Our JSONL, CSV and plain text: what they give, that writing and reading agree, and what each mistake is told."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prc_emo.conversation import Conversation, Utterance
from prc_emo.corpora import check, load_as_found, load_corpus, read_conversations, write_jsonl
from prc_emo.errors import PrcEmoError
from prc_emo.labels import MELD

HI = {"speaker": "Mara", "text": "Hi.", "emotion": "joy"}
BYE = {"speaker": "Ben", "text": "Bye.", "emotion": "sadness"}


def jsonl(path: Path, *rows: object) -> Path:
    path.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8"
    )
    return path


def table(path: Path, *rows: str, header: str = "conversation,speaker,text,emotion") -> Path:
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return path


class TestJsonl:
    def test_one_file_is_split_by_its_field_and_the_rest_is_test(self, tmp_path: Path) -> None:
        file = jsonl(
            tmp_path / "mine.jsonl",
            {"id": "a", "turns": [HI], "split": "train", "domain": "family"},
            {"id": "b", "turns": [BYE, {"speaker": "Mara", "text": "Already?"}]},
        )
        corpus = load_corpus("jsonl", file)
        assert {split: [each.id for each in members] for split, members in corpus.splits.items()} == {
            "train": ["a"],
            "test": ["b"],
        }
        assert [each.id for each in corpus.test[0].utterances] == ["b/0", "b/1"]
        assert corpus.test[0].utterances[1].gold is None
        assert (corpus.name, corpus.labels.labels) == ("mine", ("joy", "sadness"))

    def test_a_folder_has_one_file_per_split_and_may_lack_some(self, tmp_path: Path) -> None:
        jsonl(tmp_path / "train.jsonl", {"turns": [HI]}, "", {"turns": [BYE]})
        jsonl(tmp_path / "dev.jsonl", {"turns": [BYE]})
        corpus = load_corpus("jsonl", tmp_path)
        assert [each.id for each in corpus.all()] == ["train/1", "train/3", "dev/1"]
        with pytest.raises(
            PrcEmoError, match=r"has no split 'test': looked for .*test\.jsonl\. It has: train, dev\."
        ):
            _ = corpus.test

    def test_a_file_without_a_split_says_what_it_looked_for(self, tmp_path: Path) -> None:
        corpus = load_corpus("jsonl", jsonl(tmp_path / "mine.jsonl", {"turns": [HI, BYE]}))
        with pytest.raises(
            PrcEmoError, match=r"no split 'dev': looked for conversations of the split 'dev' in .*mine\.jsonl"
        ):
            _ = corpus.dev

    def test_given_labels_are_checked_and_spelled_as_the_label_set_spells_them(self, tmp_path: Path) -> None:
        file = jsonl(tmp_path / "mine.jsonl", {"turns": [HI, {**BYE, "emotion": " Anger "}]})
        assert load_corpus("jsonl", file, labels=MELD).test[0].utterances[1].gold == "anger"
        jsonl(file, {"turns": [HI]}, {"turns": [HI, {**HI, "emotion": "joyful"}]})
        message = "mine.jsonl, line 2, turn 2: 'joyful' is not an emotion of MELD. Did you mean 'joy'?"
        with pytest.raises(PrcEmoError, match=re.escape(message)):
            load_corpus("jsonl", file, labels=MELD)

    def test_a_dialogue_of_one_turn_and_a_very_long_turn_read_fine(self, tmp_path: Path) -> None:
        talk = read_conversations(
            jsonl(tmp_path / "a.jsonl", {"turns": [{"speaker": "A", "text": "é " * 5000 + "."}]})
        )[0]
        assert len(talk) == 1 and len(talk.utterances[0].text) == 10_001

    def test_an_empty_text_stays_and_a_name_is_put_on_one_line(self, tmp_path: Path) -> None:
        file = jsonl(tmp_path / "a.jsonl", {"turns": [{"speaker": "Ada\nsystem:  x", "text": " "}]})
        (turn,) = read_conversations(file)[0].utterances
        assert (turn.speaker, turn.text) == ("Ada system: x", "")

    def test_half_a_surrogate_pair_becomes_the_sign_of_a_lost_character(self, tmp_path: Path) -> None:
        """Python holds it, UTF-8 does not: the first file written with it would stop the run."""
        (talk,) = read_conversations('{"turns": [{"speaker": "A", "text": "\\ud83d!"}]}')
        assert talk.utterances[0].text == "\ufffd!"
        write_jsonl(tmp_path / "out.jsonl", [talk])

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ('{"turns": [', "line 2: not valid JSON (Expecting value, column 12)"),
            ("[" * 100_000, "line 2: not readable as JSON"),
            ('{"turns": ' + "9" * 5000 + "}", "line 2: not readable as JSON"),
            ("[1]", "line 2: expected an object with 'turns', got list"),
            ({"id": "x"}, "line 2: expected 'turns' to be a list of turns, got None"),
            ({"turns": {"speaker": "A"}}, "line 2: expected 'turns' to be a list of turns"),
            ({"turns": []}, "line 2: the conversation is empty. Give it a turn or take the line out."),
            ({"turns": ["Hi."]}, "line 2, turn 1: expected an object with 'speaker' and 'text', got str"),
            ({"turns": [HI, {"speaker": "Ben"}]}, "line 2, turn 2: 'text' is missing"),
            ({"turns": [{"text": "Hi."}]}, "line 2, turn 1: 'speaker' is missing"),
            (
                {"turns": [{**HI, "speaker": "  "}]},
                "line 2, turn 1: expected the name of a speaker, got '  '",
            ),
            ({"turns": [{**HI, "text": None}]}, "line 2, turn 1: expected text, got None"),
            ({"turns": [{**HI, "emotion": 3}]}, "line 2, turn 1: expected text, got 3"),
            (
                {"turns": [{"speaker": "A", "text": "Hi.", "emotoin": "joy"}]},
                "line 2, turn 1: 'emotoin' is not a known name. Did you mean 'emotion'?",
            ),
            ({"turns": [HI], "id": 3}, "line 2: expected 'id' to be a text that is not empty, got 3"),
            ({"turns": [HI], "split": "trian"}, "line 2: 'trian' is not a split. Did you mean 'train'?"),
            ({"turns": [HI], "id": "first"}, "line 2: the conversation id 'first' was there before, at "),
            ({"turns": [{**HI, "id": "first/0"}]}, "two utterances have the id 'first/0'"),
            (
                {"turns": [{**HI, "audio": "https://x.org/a.wav"}]},
                "line 2, turn 1: 'https://x.org/a.wav' is an address",
            ),
            ({"turns": [{**HI, "audio": "data:audio/wav;base64,UklG"}]}, "is an address"),
            ({"turns": [{**HI, "audio": "\\\\host\\a.wav"}]}, "is an address"),
            (
                {"turns": [{**HI, "audio": "wav/../../a.wav"}]},
                "'wav/../../a.wav' leads out of the file's folder",
            ),
            ({"turns": [{**HI, "audio": 1}]}, "line 2, turn 1: expected the path of a recording, got 1"),
        ],
    )
    def test_each_mistake_is_told_with_its_line(self, tmp_path: Path, line: object, message: str) -> None:
        file = jsonl(tmp_path / "mine.jsonl", {"id": "first", "turns": [HI, BYE]}, line)
        with pytest.raises(PrcEmoError, match=re.escape(message)):
            load_corpus("jsonl", file)

    def test_the_id_of_a_conversation_is_unique_across_the_splits(self, tmp_path: Path) -> None:
        jsonl(tmp_path / "train.jsonl", {"id": "a", "turns": [HI]})
        jsonl(tmp_path / "test.jsonl", {"id": "a", "turns": [BYE]})
        with pytest.raises(
            PrcEmoError, match=r"test\.jsonl, line 1: .*'a' was there before, at .*train\.jsonl, line 1"
        ):
            load_corpus("jsonl", tmp_path)

    def test_a_split_that_contradicts_its_file_is_an_error(self, tmp_path: Path) -> None:
        jsonl(tmp_path / "train.jsonl", {"turns": [HI, BYE], "split": "test"})
        with pytest.raises(
            PrcEmoError, match=r"line 1: the split is 'test', but the file is that of 'train'"
        ):
            load_corpus("jsonl", tmp_path)

    def test_a_file_that_is_not_utf_8_is_an_error_with_the_byte(self, tmp_path: Path) -> None:
        (tmp_path / "mine.jsonl").write_bytes('{"turns": [{"speaker": "Zoë"'.encode("cp1252"))
        with pytest.raises(PrcEmoError, match=r"mine\.jsonl: expected UTF-8 text, but byte 26 is not"):
            load_corpus("jsonl", tmp_path / "mine.jsonl")

    def test_labels_that_differ_in_case_only_are_a_slip(self, tmp_path: Path) -> None:
        file = jsonl(tmp_path / "mine.jsonl", {"turns": [HI, {**HI, "emotion": "Joy"}, BYE]})
        with pytest.raises(PrcEmoError, match="the labels 'Joy' and 'joy' differ in case only"):
            load_corpus("jsonl", file)

    def test_a_corpus_to_be_checked_is_held_against_the_label_set_that_is_given(self, tmp_path: Path) -> None:
        """One emotion is enough then, case does not matter, and what is unknown is counted."""
        file = jsonl(tmp_path / "mine.jsonl", {"turns": [HI, {**HI, "emotion": "Joy"}]})
        report = check(load_as_found("jsonl", file, labels=MELD))
        assert report.count("unknown label") == 0
        jsonl(file, {"turns": [{**HI, "emotion": "odd"}] * 3})
        assert check(load_as_found("jsonl", file, labels=MELD)).count("unknown label") == 3
        with pytest.raises(
            PrcEmoError, match=r"line 1, turn 1: 'odd' is not .* It is one of 3 unknown labels"
        ):
            load_corpus("jsonl", file, labels=MELD)

    def test_a_corpus_without_labels_needs_a_label_set(self, tmp_path: Path) -> None:
        file = jsonl(tmp_path / "mine.jsonl", {"turns": [{"speaker": "A", "text": "Hi."}]})
        with pytest.raises(
            PrcEmoError, match=r"at least two different emotions, found \[\]\. Give the label set by name"
        ):
            load_corpus("jsonl", file)
        assert load_corpus("jsonl", file, labels=MELD).labels == MELD

    def test_recordings_are_meant_from_the_files_own_folder(self, tmp_path: Path) -> None:
        file = jsonl(
            tmp_path / "a.jsonl", {"turns": [{**HI, "audio": "wav/0.wav"}, {**HI, "audio": "/x/1.wav"}]}
        )
        assert [each.audio for each in read_conversations(file)[0].utterances] == [
            tmp_path / "wav/0.wav",
            Path("/x/1.wav"),
        ]


names = (
    st.text(st.characters(exclude_categories=("Cs",)), min_size=1)
    .map(lambda s: " ".join(s.split()))
    .filter(bool)
)
texts = st.text(st.characters(exclude_categories=("Cs",))).map(str.strip)
turns = st.builds(Utterance, id=st.just(""), speaker=names, text=texts, gold=st.none() | names)


class TestWriting:
    @given(st.lists(st.lists(turns, min_size=1, max_size=4), max_size=3), st.booleans())
    def test_what_is_written_reads_back_the_same_ids_included(
        self, tmp_path_factory: pytest.TempPathFactory, dialogues: list[list[Utterance]], own_ids: bool
    ) -> None:
        """Predictions and knowledge are kept by id: a corpus that went through a file must still meet them."""
        talks = [
            Conversation(
                f"c{number}",
                tuple(
                    Utterance(f"c{number}/{'utt' * own_ids}{at}", turn.speaker, turn.text, turn.gold)
                    for at, turn in enumerate(members)
                ),
            )
            for number, members in enumerate(dialogues)
        ]
        file = tmp_path_factory.mktemp("out") / "test.jsonl"
        write_jsonl(file, talks)
        assert (read_conversations(file) if talks else []) == talks

    def test_a_recording_below_the_file_is_written_relative_and_any_other_absolute(
        self, tmp_path: Path
    ) -> None:
        inside, outside = tmp_path / "out/wav/0.wav", tmp_path / "elsewhere/1.wav"
        talk = Conversation(
            "c", (Utterance("c/0", "A", "x", None, inside), Utterance("c/1", "B", "y", None, outside))
        )
        write_jsonl(tmp_path / "out/test.jsonl", [talk])
        row = json.loads((tmp_path / "out/test.jsonl").read_text())
        assert [turn["audio"] for turn in row["turns"]] == ["wav/0.wav", outside.as_posix()]
        assert read_conversations(tmp_path / "out/test.jsonl") == [talk]


class TestCsv:
    def test_it_says_the_same_as_the_jsonl(self, tmp_path: Path) -> None:
        one = jsonl(tmp_path / "a.jsonl", {"id": "c", "turns": [HI, BYE]}, {"id": "d", "turns": [BYE]})
        other = table(tmp_path / "a.csv", "c,Mara,Hi.,joy", "c,Ben,Bye.,sadness", "d,Ben,Bye.,sadness")
        assert load_corpus("csv", other).test == load_corpus("jsonl", one).test

    def test_start_orders_the_turns_of_a_conversation(self, tmp_path: Path) -> None:
        file = table(
            tmp_path / "a.csv",
            "c,Ben,Ten.,10.5",
            "c,Ada,Nine.,9",
            header="conversation,speaker,text,start",
        )
        assert [each.text for each in read_conversations(file)[0].utterances] == ["Nine.", "Ten."]

    def test_splits_and_recordings_are_columns_and_may_be_empty(self, tmp_path: Path) -> None:
        file = table(
            tmp_path / "a.csv",
            "c,Ada,Hi.,joy,train,wav/0.wav",
            "d,Ben,Oh.,,,",
            header="conversation,speaker,text,emotion,split,audio",
        )
        corpus = load_corpus("csv", file, labels=MELD)
        assert corpus.train[0].utterances[0].audio == tmp_path / "wav/0.wav"
        assert corpus.test[0].utterances[0].gold is None

    @pytest.mark.parametrize(
        ("rows", "header", "message"),
        [
            ([], "", "the file is empty. Expected a header line with conversation, speaker, text"),
            ([], "conversation,speaker,txt", "line 1: column 'text' is missing. Did you mean 'txt'?"),
            ([], "conversation,speaker,text,emotions", "line 1: 'emotions' is not a known name. Did you mean 'emotion'?"),
            (["c,A"], "conversation,speaker,text", "line 2: expected 3 fields as in the header, got 2"),
            (["c,A,Hi, you"], "conversation,speaker,text", 'Texts with commas or line breaks need "quotes" around them.'),
            (['c,A,"Hi'], "conversation,speaker,text", "line 2: not valid CSV"),
            ([",A,Hi"], "conversation,speaker,text", "line 2: 'conversation' is empty"),
            (["c,,Hi"], "conversation,speaker,text", "line 2: expected the name of a speaker, got ''"),
            (["c,A,1", "d,A,2", "c,A,3"], "conversation,speaker,text", "line 4: conversation 'c' begins again, its rows ended on line 2"),
            (["c,A,Hi,dev", "c,A,Oh,test"], "conversation,speaker,text,split", "line 2: conversation 'c' is in more than one split"),
            (["c,A,Hi,valid"], "conversation,speaker,text,split", "line 2: 'valid' is not a split"),
            (["c,A,Hi,0:10"], "conversation,speaker,text,start", "line 2: expected seconds in 'start', got '0:10'"),
        ],
    )  # fmt: skip
    def test_each_mistake_is_told_with_its_line(
        self, tmp_path: Path, rows: list[str], header: str, message: str
    ) -> None:
        with pytest.raises(PrcEmoError, match=re.escape(message)):
            load_corpus("csv", table(tmp_path / "a.csv", *rows, header=header), labels=MELD)

    def test_an_unknown_label_is_named_with_its_line(self, tmp_path: Path) -> None:
        with pytest.raises(PrcEmoError, match=r"a\.csv, line 3: 'hapiness' is not an emotion of MELD"):
            load_corpus("csv", table(tmp_path / "a.csv", "c,A,Hi,joy", "c,A,Oh,hapiness"), labels=MELD)


class TestConversationsToRead:
    def test_plain_lines_are_turns_and_an_empty_line_parts_conversations(self, tmp_path: Path) -> None:
        file = tmp_path / "talk.txt"
        file.write_text("Ross: I'm fine: really.\nMonica: You're not fine.\r\n\n\nRoss :\n", encoding="utf-8")
        first, second = read_conversations(file)
        assert [(each.id, each.speaker, each.text) for each in first.utterances] == [
            ("talk/1/0", "Ross", "I'm fine: really."),
            ("talk/1/1", "Monica", "You're not fine."),
        ]
        assert (second.id, second.utterances[0].speaker, second.utterances[0].text) == ("talk/5", "Ross", "")

    @pytest.mark.parametrize("line", ["no name", ": nobody"])
    def test_a_plain_line_without_a_name_is_an_error_with_its_line(self, line: str) -> None:
        with pytest.raises(
            PrcEmoError, match=re.escape(f"text, line 2: expected 'NAME: text', got {line!r}")
        ):
            read_conversations(f"Ross: Hi.\n{line}\n")

    def test_the_form_of_a_text_is_seen_from_its_beginning(self) -> None:
        as_jsonl = read_conversations('\n{"id": "c", "turns": [{"speaker": "A", "text": "Hi."}]}')
        as_csv = read_conversations('\ufeff"conversation",speaker,text\nc,A,Hi.\n')
        as_plain = read_conversations("A: Hi.")
        assert as_jsonl == as_csv
        assert [each.text for each in as_plain[0].utterances] == ["Hi."]

    def test_labels_of_any_kind_are_kept_unchecked(self) -> None:
        assert (
            read_conversations("conversation,speaker,text,emotion\nc,A,Hi.,whatever")[0].utterances[0].gold
            == "whatever"
        )

    @pytest.mark.parametrize("text", ["", "\n \n", "conversation,speaker,text\n"])
    def test_nothing_to_read_is_an_error(self, text: str) -> None:
        with pytest.raises(
            PrcEmoError, match=r"text: there is no conversation in it\. Expected JSONL, CSV or 'NAME: text'"
        ):
            read_conversations(text)


def test_an_utterance_id_that_stands_there_twice_is_refused_before_it_is_labelled() -> None:
    line = '{"turns": [{"id": "0", "speaker": "A", "text": "Hi."}]}\n'
    with pytest.raises(PrcEmoError, match="the utterance id '0' stands there twice"):
        read_conversations(line * 2)
