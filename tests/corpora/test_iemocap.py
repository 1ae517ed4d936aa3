"""IEMOCAP on a small tree in the form of the release; its licence keeps the real one out of any project."""

from collections.abc import Callable
from pathlib import Path

import pytest

from prc_emo.bench.run import corpus_of
from prc_emo.config_file import experiment
from prc_emo.corpora import Corpus, load_corpus, refuse_shared_speakers
from prc_emo.errors import PrcEmoError

Lines = list[tuple[str, float, str, str | None]]  # turn, start, words, code (None: not in EmoEvaluation)
PLAIN: Lines = [("F000", 1.0, "Hello.", "neu"), ("M000", 2.5, "Hello yourself.", "hap")]


def write_dialogue(root: Path, session: int, name: str, lines: Lines, recorded: bool = True) -> None:
    dialog = root / f"Session{session}" / "dialog"
    for folder in (
        dialog / "transcriptions",
        dialog / "EmoEvaluation",
        root / f"Session{session}/sentences/wav/{name}",
    ):
        folder.mkdir(parents=True, exist_ok=True)
    (dialog / "transcriptions" / f"{name}.txt").write_text(
        "".join(
            f"{name}_{turn} [{start:08.4f}-{start + 1:08.4f}]: {words}\n" for turn, start, words, _ in lines
        )
    )
    (dialog / "transcriptions" / f"._{name}.txt").write_bytes(b"\x00\x05\x16\x07")  # what a Mac leaves behind
    judged = ["% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n"]
    for turn, start, _, code in lines:
        if code is not None:
            judged.append(
                f"[{start:.4f} - {start + 1:.4f}]\t{name}_{turn}\t{code}\t[2.5000, 2.5000, 2.5000]\n"
            )
            judged.append("C-E2:\tNeutral;\t()\nA-E3:\tval 3; act 2; dom  2;\t()\n\n")
        if recorded:
            (root / f"Session{session}/sentences/wav/{name}/{name}_{turn}.wav").touch()
    (dialog / "EmoEvaluation" / f"{name}.txt").write_text("".join(judged))


@pytest.fixture
def release(tmp_path: Path) -> Callable[..., Corpus]:
    """Ten plain dialogues in each of five sessions; then, in session 5, the dialogue that a test is about."""
    for session in range(1, 6):
        for at in range(10):
            write_dialogue(tmp_path, session, f"Ses{session:02}F_impro{at:02}", PLAIN)

    def read(lines: Lines = PLAIN, name: str = "iemocap6", **options: object) -> Corpus:
        write_dialogue(tmp_path, 5, "Ses05M_script01_1", lines)
        return load_corpus(name, tmp_path, **options)

    return read


def test_session_five_is_test_and_every_tenth_dialogue_of_the_others_is_dev(
    release: Callable[..., Corpus],
) -> None:
    corpus = release()
    assert {split: len(members) for split, members in corpus.splits.items()} == {
        "train": 36,
        "dev": 4,
        "test": 11,
    }
    assert {speaker for each in corpus.test for speaker in each.speakers} == {"Ses05_F", "Ses05_M"}
    assert [each.id for each in corpus.dev] == [f"iemocap/dev/Ses{at:02}F_impro04" for at in range(1, 5)]


def test_an_experiment_passes_on_what_the_reader_takes(
    release: Callable[..., Corpus], tmp_path: Path
) -> None:
    release()
    settings = experiment("iemocap_qwen2_5_7b", [f"data.path={tmp_path}", "data.options.dev_session=2"])
    assert {talk.id.partition("F_")[0] for talk in corpus_of(settings).dev} == {"iemocap/dev/Ses02"}


def test_a_session_can_be_held_out_so_that_no_speaker_is_in_two_splits(
    release: Callable[..., Corpus],
) -> None:
    corpus = release(dev_session=4)
    by_split = {
        s: {who for each in corpus.split(s) for who in each.speakers} for s in ("train", "dev", "test")
    }
    assert by_split["dev"] == {"Ses04_F", "Ses04_M"}
    assert not by_split["train"] & by_split["dev"] and not by_split["train"] & by_split["test"]
    refuse_shared_speakers(corpus)
    with pytest.raises(
        PrcEmoError, match=r"Ses01_F, Ses01_M, .* and 3 more in train and dev\. .*dev_session=4"
    ):
        refuse_shared_speakers(release())
    with pytest.raises(
        PrcEmoError, match=r"expected dev_session to be 1, 2, 3 or 4 \(5 is the test session\), got 5"
    ):
        release(dev_session=5)


def test_turns_are_ordered_by_start_and_carry_their_recording(release: Callable[..., Corpus]) -> None:
    talk = release(
        [("M001", 9.0, "Last.", "sad"), ("F000", 1.0, "First.", "ang"), ("M000", 5.0, "Then.", "neu")]
    ).test[-1]
    assert [(each.id, each.text) for each in talk.utterances] == [
        ("iemocap/test/Ses05M_script01_1/F000", "First."),
        ("iemocap/test/Ses05M_script01_1/M000", "Then."),
        ("iemocap/test/Ses05M_script01_1/M001", "Last."),
    ]
    audio = talk.utterances[0].audio
    assert audio is not None and audio.is_file() and audio.name == "Ses05M_script01_1_F000.wav"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("iemocap6", ["happy", "excited", "frustrated", "neutral", None, None, None]),
        ("iemocap4", ["happy", "happy", None, "neutral", None, None, None]),
    ],
)
def test_what_the_label_set_does_not_cover_stays_as_context(
    release: Callable[..., Corpus], name: str, expected: list[str | None]
) -> None:
    codes = ["hap", "exc", "fru", "neu", "xxx", "sur", None]  # None: not segmented, so never judged
    lines: Lines = [(f"F{at:03}", float(at), "Words.", code) for at, code in enumerate(codes)]
    assert [each.gold for each in release(lines, name=name).test[-1].utterances] == expected


def test_remarks_between_the_turns_are_passed_over(release: Callable[..., Corpus], tmp_path: Path) -> None:
    release()
    file = tmp_path / "Session5/dialog/transcriptions/Ses05M_script01_1.txt"
    file.write_text("M: [BREATHING]\n" + file.read_text() + "\n")
    assert len(load_corpus("iemocap", tmp_path).test[-1]) == len(PLAIN)


def test_a_judged_turn_without_words_is_an_error(release: Callable[..., Corpus], tmp_path: Path) -> None:
    """Otherwise a transcript in an unexpected form would lose labelled turns silently."""
    release()
    file = tmp_path / "Session5/dialog/transcriptions/Ses05M_script01_1.txt"
    file.write_text(file.read_text().splitlines()[0])
    with pytest.raises(
        PrcEmoError, match="Ses05M_script01_1_M000 is in EmoEvaluation, but no line here has its words"
    ):
        load_corpus("iemocap", tmp_path)


def test_an_unknown_code_is_named_with_its_line(release: Callable[..., Corpus]) -> None:
    with pytest.raises(
        PrcEmoError,
        match=r"Ses05M_script01_1\.txt, line 2: Ses05M_script01_1_F000 has the emotion code 'joy'",
    ):
        release([("F000", 1.0, "Hi.", "joy")])


def test_a_judgement_file_of_another_form_is_an_error(release: Callable[..., Corpus], tmp_path: Path) -> None:
    release()
    (tmp_path / "Session5/dialog/EmoEvaluation/Ses05M_script01_1.txt").write_text("F000 neu\n")
    with pytest.raises(PrcEmoError, match=r"expected lines like '\[6\.2901 - 8\.2357\]<tab>"):
        load_corpus("iemocap", tmp_path)


def test_a_missing_session_is_an_error_and_not_less_training_data(tmp_path: Path) -> None:
    write_dialogue(tmp_path, 1, "Ses01F_impro01", PLAIN)
    with pytest.raises(
        PrcEmoError, match=r"Session2/dialog/transcriptions: expected the transcripts of IEMOCAP, found none"
    ):
        load_corpus("iemocap", tmp_path)
