"""Frames for utterances: made once, kept on disk, whole or not at all; what is not heard is counted by reason."""

import multiprocessing
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from speech_kit import RATE, noise, said, tone, write

from prc_emo.conversation import Utterance
from prc_emo.errors import PrcEmoError
from prc_emo.speech import frames as module
from prc_emo.speech.audio import Limits, Samples, Variant
from prc_emo.speech.frames import Frames, batches
from prc_emo.speech.log_mel import LogMel


@dataclass
class Counting:
    """log_mel that remembers how many waves it was given at once, and fails after some if told to."""

    fail_after: int = 10**6
    made: LogMel = field(default_factory=LogMel)
    asked: list[int] = field(default_factory=list)

    id, width, layers, frames_per_second = LogMel().id, LogMel().width, None, 25.0

    def __call__(self, waves: Sequence[Samples]) -> list[np.ndarray]:
        if sum(self.asked) >= self.fail_after:
            raise KeyboardInterrupt
        self.asked.append(len(waves))
        return self.made(waves)


@pytest.fixture
def turns(tmp_path: Path) -> list[Utterance]:
    """Six utterances with recordings of different lengths."""
    lengths = (0.4, 2.0, 0.3, 1.1, 0.2, 0.7)
    return [
        said(f"talk/{at}", write(tmp_path / f"wav/{at}.wav", noise(seconds, at)))
        for at, seconds in enumerate(lengths)
    ]


def test_frames_are_those_of_the_encoder_by_id(turns: list[Utterance], tmp_path: Path) -> None:
    (expected,) = LogMel()([noise(0.2, 4)])
    for cache in (None, tmp_path / "cache"):
        heard = Frames(LogMel(), cache).of(turns)
        assert list(heard.frames) == [turn.id for turn in turns]
        np.testing.assert_allclose(heard.frames["talk/4"], expected, atol=0.02)  # 16 bit in between
        assert heard.counts() == {"heard": 6, "cut": 0}
        with pytest.raises(KeyError):
            heard.frames["talk/6"]


def test_what_is_kept_is_read_back_bit_by_bit_and_made_once(turns: list[Utterance], tmp_path: Path) -> None:
    encoder = Counting()
    first = Frames(encoder, tmp_path / "cache").of(turns)
    again = Frames(encoder, tmp_path / "cache").of([*turns, replace(turns[0], id="the same recording")])
    assert sum(encoder.asked) == 6
    for id in first.frames:
        np.testing.assert_array_equal(first.frames[id], again.frames[id])
    np.testing.assert_array_equal(again.frames["the same recording"], first.frames["talk/0"])


def test_an_id_that_stands_for_two_recordings_is_refused(turns: list[Utterance], tmp_path: Path) -> None:
    twice = [turns[0], replace(turns[1], id=turns[0].id)]
    with pytest.raises(PrcEmoError, match=r"talk/0: expected one recording, got another in .*1\.wav"):
        Frames(LogMel(), tmp_path / "cache").of(twice)
    assert Frames(LogMel(), tmp_path / "cache").of([turns[0], turns[0]]).counts() == {"heard": 1, "cut": 0}


def test_a_recording_is_known_by_its_content_and_not_by_its_name(
    turns: list[Utterance], tmp_path: Path
) -> None:
    encoder = Counting()
    frames = Frames(encoder, tmp_path / "cache")
    frames.of(turns)
    moved = turns[0].audio.rename(tmp_path / "elsewhere.wav")
    assert len(frames.of([replace(turns[0], audio=moved)]).frames) == 1 and sum(encoder.asked) == 6
    write(turns[1].audio, tone(1.0))
    frames.of(turns[1:])
    assert sum(encoder.asked) == 7


def test_encoder_variant_and_limits_do_not_share_what_is_kept(turns: list[Utterance], tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    made = [
        Frames(LogMel(), cache),
        Frames(LogMel(bands=64), cache),
        Frames(LogMel(), cache, Variant(speed=0.9)),
        Frames(LogMel(), cache, Variant(noise=10)),
        Frames(LogMel(), cache, Variant(noise=10, seed=1)),
        Frames(LogMel(), cache, limits=Limits(heard=0.5)),
        Frames(LogMel(), cache, precision="float16"),
    ]
    sums = {float(frames.of(turns).frames["talk/1"].sum(dtype=np.float64)) for frames in made}
    assert len(sums) == len(made) == len(list(cache.iterdir()))


def test_float16_takes_half_the_room_and_comes_back_as_float32(
    turns: list[Utterance], tmp_path: Path
) -> None:
    whole, half = (
        Frames(LogMel(), tmp_path / name, precision=name).of(turns).frames["talk/1"]
        for name in ("float32", "float16")
    )
    assert half.dtype == np.float32
    np.testing.assert_allclose(half, whole, atol=2e-3)
    sizes = [
        sum(f.stat().st_size for f in (tmp_path / n).rglob("*.safetensors")) for n in ("float32", "float16")
    ]
    assert sizes[1] < 0.6 * sizes[0]


def test_what_is_not_kept_is_as_precise_as_what_is(turns: list[Utterance], tmp_path: Path) -> None:
    """A model that has learned from frames in float16 hears them in a conversation, too, of which nothing is kept."""
    kept, held = (
        Frames(LogMel(), cache, precision="float16").of(turns).frames["talk/1"]
        for cache in (tmp_path / "cache", None)
    )
    assert held.dtype == np.float32
    np.testing.assert_array_equal(kept, held)


def test_frames_too_large_for_float16_are_an_error_and_not_infinite(
    turns: list[Utterance], tmp_path: Path
) -> None:
    class Loud(Counting):
        def __call__(self, waves: Sequence[Samples]) -> list[np.ndarray]:
            return [frames * 1e6 for frames in super().__call__(waves)]

    Frames(Loud(), tmp_path / "a").of(turns)
    with pytest.raises(
        PrcEmoError, match=r"log_mel .*: frames that are not finite as float16\. Keep them as float32"
    ):
        Frames(Loud(), tmp_path / "b", precision="float16").of(turns)


def test_a_recording_that_changes_while_it_is_read_is_not_kept_as_what_it_was(
    turns: list[Utterance], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    audio = turns[1].audio
    assert audio is not None

    def late(path: Path, limits: Limits) -> object:
        write(audio, tone(1.0))
        return listen(path, limits)

    frames, listen = Frames(LogMel(), tmp_path / "cache"), module.listen
    with monkeypatch.context() as patched:
        patched.setattr(module, "listen", late)
        assert frames.of([turns[1]]).unheard[turns[1].id].detail == "written anew while it was read"
    write(audio, noise(2.0, 1))
    np.testing.assert_array_equal(
        frames.of([turns[1]]).frames["talk/1"], Frames(LogMel()).of([turns[1]]).frames["talk/1"]
    )


def test_a_folder_that_cannot_be_written_is_told_with_the_setting_that_names_it(
    turns: list[Utterance], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PrcEmoError, match=r"cannot be written .*let \$PRC_EMO_CACHE name a folder"):
        Frames(LogMel(), tmp_path / "file" / "cache").of(turns)


@pytest.mark.parametrize("damage", ["cut short", "a bit turned", "emptied", "replaced", "another form"])
def test_a_damaged_file_is_made_again(turns: list[Utterance], tmp_path: Path, damage: str) -> None:
    encoder = Counting()
    frames = Frames(encoder, tmp_path / "cache")
    before = frames.of(turns).frames["talk/1"]
    file = max((tmp_path / "cache").rglob("*.safetensors"), key=lambda file: file.stat().st_size)
    data = file.read_bytes()
    turned = bytearray(data)
    turned[-100] ^= 1
    file.write_bytes(
        {
            "cut short": data[: len(data) // 2],
            "a bit turned": bytes(turned),
            "emptied": b"",
            "replaced": b"not safetensors" * 10,
            "another form": data.replace(b"frames", b"framed"),
        }[damage]
    )
    after = frames.of(turns).frames["talk/1"]
    assert sum(encoder.asked) == 7
    np.testing.assert_array_equal(before, after)


def test_what_is_damaged_after_it_was_looked_up_is_an_error_and_no_noise(
    turns: list[Utterance], tmp_path: Path
) -> None:
    heard = Frames(LogMel(), tmp_path / "cache").of(turns)
    for file in (tmp_path / "cache").rglob("*.safetensors"):
        file.write_bytes(b"")
    with pytest.raises(PrcEmoError, match="the features are gone or damaged since they were looked up"):
        heard.frames["talk/0"]


def test_interrupted_it_goes_on_where_it_was(
    turns: list[Utterance], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 2)
    with pytest.raises(KeyboardInterrupt):
        Frames(Counting(fail_after=4), tmp_path / "cache").of(turns)
    rest = Counting()
    assert Frames(rest, tmp_path / "cache").of(turns).counts()["heard"] == 6
    assert sum(rest.asked) == 2


def listen_at_once(cache: Path, turns: list[Utterance]) -> float:
    return float(sum(frames.sum() for frames in Frames(LogMel(), cache).of(turns).frames.values()))


def test_two_processes_at_once_do_no_harm(turns: list[Utterance], tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        sums = pool.starmap(listen_at_once, [(tmp_path / "cache", turns)] * 2)
    encoder = Counting()
    Frames(encoder, tmp_path / "cache").of(turns)
    assert sums[0] == sums[1] and encoder.asked == []
    assert not list((tmp_path / "cache").rglob(".*"))


def test_reading_back_needs_neither_audio_library_nor_torch(turns: list[Utterance], tmp_path: Path) -> None:
    Frames(LogMel(), tmp_path / "cache").of([*turns, said("short", write(tmp_path / "s.wav", tone(0.05)))])
    code = f"""
import sys
sys.modules.update(soundfile=None, soxr=None, torch=None, transformers=None)
from pathlib import Path
from prc_emo.conversation import Utterance
from prc_emo.speech.frames import Frames
from prc_emo.speech.log_mel import LogMel
files = sorted(Path({str(tmp_path)!r}).glob("**/*.wav"))
heard = Frames(LogMel(), Path({str(tmp_path / "cache")!r})).of([Utterance(f.name, "A", "", audio=f) for f in files])
assert sum(map(len, heard.frames.values())) > 0
print(heard.counts())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "{'heard': 6, 'cut': 0, 'too short': 1}", done.stderr


def odd_ones(folder: Path) -> dict[str, Utterance]:
    (folder / "corrupt.wav").write_text("no sound")
    (folder / "empty.wav").touch()
    return {
        "no recording": said("t/none"),
        "missing": said("t/missing", folder / "missing.wav"),
        "empty": said("t/empty", folder / "empty.wav"),
        "corrupt": said("t/corrupt", folder / "corrupt.wav"),
        "too short": said("t/short", write(folder / "short.wav", tone(0.05))),
        "too long": said("t/long", write(folder / "long.wav", noise(301))),
        "silent": said("t/silent", write(folder / "silent.wav", np.zeros(RATE))),
        "not finite": said("t/nan", write(folder / "nan.wav", np.full(RATE, np.nan), subtype="FLOAT")),
    }


@pytest.mark.parametrize("cached", [False, True])
def test_what_is_not_heard_is_counted_by_reason_and_the_rest_is_heard(
    turns: list[Utterance], tmp_path: Path, cached: bool
) -> None:
    odd = odd_ones(tmp_path)
    frames = Frames(LogMel(), tmp_path / "cache" if cached else None)
    for _ in range(2):  # the second time from what is kept
        heard = frames.of([*odd.values(), *turns])
        assert heard.counts() == {"heard": 6, "cut": 0, **dict.fromkeys(odd, 1)}
        assert {heard.unheard[turn.id].reason for turn in odd.values()} == set(odd)


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("no recording", r"t/none: no recording\. Repair it, or go without strict"),
        ("missing", r"t/missing, .*missing\.wav: missing \(no such file\)"),
        ("corrupt", r"t/corrupt, .*corrupt\.wav: corrupt \(.*\)"),
        ("too short", r"t/short, .*short\.wav: too short \(0\.05 s, expected at least 0\.10 s\)"),
        ("not finite", r"t/nan, .*nan\.wav: not finite \(16000 of 16000"),
    ],
)
def test_strict_stops_at_the_first_with_file_and_id(
    turns: list[Utterance], tmp_path: Path, reason: str, message: str
) -> None:
    odd = odd_ones(tmp_path)
    with pytest.raises(PrcEmoError, match=message):
        Frames(LogMel(), tmp_path / "cache", strict=True).of([*turns, odd[reason]])
    assert len(Frames(LogMel(), tmp_path / "cache", strict=True).of(turns).frames) == 6


def test_an_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PrcEmoError, match="recordings are read from local files only"):
        Frames(LogMel(), tmp_path).of([said("a", Path("https://example.org/a.wav"))])


def test_cut_recordings_are_told_whether_made_or_kept(tmp_path: Path) -> None:
    turn = said("long", write(tmp_path / "a.wav", noise(3.0)))
    for _ in range(2):
        heard = Frames(LogMel(trim=None), tmp_path / "cache", limits=Limits(heard=1.0)).of([turn])
        assert heard.cut == ("long",) and len(heard.frames["long"]) == 25


def test_batches_hold_waves_of_similar_length_and_no_more_sound_than_said() -> None:
    lengths = (3.0, 0.5, 9.0, 0.4, 2.5, 20.0, 0.6)
    made = list(batches([(str(at), noise(seconds), False) for at, seconds in enumerate(lengths)], 6.0))
    assert [[len(wave) / RATE for _, wave, _ in batch] for batch in made] == [
        [0.4, 0.5, 0.6],
        [2.5, 3.0],
        [9.0],
        [20.0],
    ]


def test_no_utterances_are_no_work(tmp_path: Path) -> None:
    assert Frames(LogMel(), tmp_path).of([]).counts() == {"heard": 0, "cut": 0}


def test_it_is_told_on_stderr_how_much_is_to_be_done(
    turns: list[Utterance], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = Frames(LogMel(), tmp_path / "cache")
    frames.of(turns[:2])
    frames.of(turns)
    frames.of(turns)
    said_out = capsys.readouterr()
    assert said_out.out == ""
    assert said_out.err.count("listening to") == 2 and "listening to 4 of 6 recordings" in said_out.err
