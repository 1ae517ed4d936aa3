"""Recordings heard through an encoder: utterances in, frames by id out, each made once and kept on disk.

Knows how recordings, encoder and what is kept come together. Reading back opens a recording for its hash only, loads no
model, and needs no audio library.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from prc_emo.conversation import Utterance
from prc_emo.errors import PrcEmoError
from prc_emo.files import sha256_file
from prc_emo.speech.audio import RATE, Limits, Samples, Variant, listen, unreadable
from prc_emo.speech.encoder import Encoder
from prc_emo.speech.heard import Array, Heard, Lazily, Unheard, length, refuse
from prc_emo.speech.kept import Entry, Kept, Precision, in_precision

AT_ONCE = 128  # recordings in memory, of which batches of similar length are made

Wave = tuple[str, Samples, bool]  # key, samples, whether the recording goes on


@dataclass(frozen=True)
class Frames:
    """A `Source` that asks an encoder for what is not kept yet.

    Args:
        cache: Folder of the features; None holds them in memory, for a few.
        variant: How the recordings are heard: as recorded, or faster, slower, with noise.
        strict: Raise at the first utterance of which nothing is heard, instead of counting it.
        batch_seconds: How much sound, padding included, the encoder is given at once.
        precision: What is kept, and so heard; float16 where an encoder's frames would fill the disk.
    """

    encoder: Encoder
    cache: Path | None = None
    variant: Variant = field(default_factory=Variant)
    limits: Limits = field(default_factory=Limits)
    strict: bool = False
    batch_seconds: float = 60.0
    precision: Precision = "float32"

    @property
    def id(self) -> str:
        return f"{self.encoder.id}; {self.variant.id}; {self.limits}"

    @property
    def width(self) -> int:
        return self.encoder.width

    @property
    def layers(self) -> int | None:
        return self.encoder.layers

    def of(self, utterances: Sequence[Utterance]) -> Heard:
        """What is heard of each utterance. Killed and called again, it goes on where it was.

        Raises:
            PrcEmoError: A path is an address, an id stands for two recordings; or, being strict, nothing is heard of an
                utterance.
        """
        kept = Kept(self.cache, self.id, self.precision) if self.cache else None
        keys, unheard = self._keys(utterances)
        asked = {keys[each.id]: each for each in reversed(utterances) if each.id in keys}
        entries: dict[str, Entry] = {}
        lengths: dict[str, int] = {}
        for key, entry in self._entries(asked, kept):
            if entry.why and self.strict:
                raise refuse(asked[key], entry.why)
            if entry.frames is not None:
                lengths[key] = length(entry.frames)
                held = None if kept else in_precision(entry.frames, self.precision, self.id)
                entry = replace(entry, frames=held)
            entries[key] = entry

        for id, key in keys.items():
            if why := entries[key].why:
                unheard[id] = why
        heard = {id: key for id, key in keys.items() if id not in unheard}

        def load(id: str) -> Array:
            frames = kept.frames(heard[id]) if kept else entries[heard[id]].frames
            assert frames is not None
            return frames.astype(np.float32, copy=False)

        return Heard(
            Lazily({id: lengths[key] for id, key in heard.items()}, load),
            unheard,
            cut=tuple(id for id, key in heard.items() if entries[key].cut),
            contents=heard,
        )

    def _keys(self, utterances: Iterable[Utterance]) -> tuple[dict[str, str], dict[str, Unheard]]:
        """The hash of each recording by utterance id, and what has none."""
        keys: dict[str, str] = {}
        unheard: dict[str, Unheard] = {}
        for utterance in utterances:
            if utterance.audio is None:
                why: Unheard | None = Unheard("no recording")
            else:
                why = unreadable(utterance.audio)
                if why is None:
                    key = sha256_file(utterance.audio)
                    if keys.setdefault(utterance.id, key) != key:
                        raise PrcEmoError(
                            f"{utterance.id}: expected one recording, got another in {utterance.audio}. Give each "
                            "conversation, and so each utterance, an id of its own."
                        )
            if why:
                unheard[utterance.id] = why
                if self.strict:
                    raise refuse(utterance, why)
        return keys, unheard

    def _entries(self, asked: dict[str, Utterance], kept: Kept | None) -> Iterator[tuple[str, Entry]]:
        """Those that are kept, then the others as they are made."""
        missing: dict[str, Path] = {}
        for key, utterance in asked.items():
            assert utterance.audio is not None
            if kept and (entry := kept.read(key)):
                yield key, entry
            else:
                missing[key] = utterance.audio
        if not missing:
            return
        if kept:
            sys.stderr.write(
                f"{self.encoder.id}: listening to {len(missing):,} of {len(asked):,} recordings\n"
            )
        for key, entry in _shown(self._made(missing), len(missing)):
            if kept and not (entry.why and entry.why.reason == "corrupt"):  # another decoder may read it
                kept.write(key, entry)
            yield key, entry

    def _made(self, missing: dict[str, Path]) -> Iterator[tuple[str, Entry]]:
        todo = list(missing.items())
        for begin in range(0, len(todo), AT_ONCE):
            waves: list[Wave] = []
            for key, path in todo[begin : begin + AT_ONCE]:
                sound = listen(path, self.limits)
                if unreadable(path) or sha256_file(path) != key:  # what was heard is not what the key says
                    sound = Unheard("corrupt", "written anew while it was read")
                if isinstance(sound, Unheard):
                    yield key, Entry(None, sound)
                else:
                    waves.append((key, self.variant.of(sound.samples, key), sound.cut))
            for batch in batches(waves, self.batch_seconds):
                frames = self.encoder([samples for _, samples, _ in batch])
                for (key, _, cut), made in zip(batch, frames, strict=True):
                    yield key, Entry(made, cut=cut)


def batches(waves: Sequence[Wave], seconds: float) -> Iterator[list[Wave]]:
    """The waves from short to long, so many at once that they hold `seconds` of sound when padded; one at least."""
    batch: list[Wave] = []
    for wave in sorted(waves, key=lambda wave: len(wave[1])):
        if batch and len(wave[1]) * (len(batch) + 1) > seconds * RATE:
            yield batch
            batch = []
        batch.append(wave)
    if batch:
        yield batch


def _shown(made: Iterator[tuple[str, Entry]], total: int) -> Iterator[tuple[str, Entry]]:
    """The same with a bar on the terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("listening"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield from bar.track(made, total=total)
