"""What a larger model (or a person) wrote about utterances and speakers beforehand: the P of PRC-Emo.

Reads, hands out and writes; it asks no model (`prc_emo.interpret` does). A line of the JSONL is about an utterance or about a speaker:

    {"utterance": "everyday/social-01/0", "explicit": "...", "implicit": "..."}
    {"conversation": "everyday/social-01", "speaker": "Mara", "characteristic": "..."}

What is not there is missing, never invented: the prompt then has no such section.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from prc_emo.errors import PrcEmoError, did_you_mean
from prc_emo.files import read_jsonl, write_jsonl

_UTTERANCE = {"utterance", "explicit", "implicit"}
_SPEAKER = {"conversation", "speaker", "characteristic"}


@dataclass(frozen=True)
class Interpretation:
    """How an utterance outwardly expresses feeling, and what its speaker may truly feel (paper, section 3.1)."""

    explicit: str
    implicit: str


@dataclass(frozen=True)
class Knowledge:
    """Interpretations by utterance id, and characteristics by conversation id and speaker."""

    interpretations: Mapping[str, Interpretation]
    characteristics: Mapping[tuple[str, str], str]

    def covers_some(self, utterances: Collection[str]) -> bool:
        """Whether of these utterances, by their ids, at least a tenth is interpreted here and at least a tenth is not."""
        covered = sum(id in self.interpretations for id in utterances)
        return len(utterances) <= 10 * covered <= 9 * len(utterances)

    @classmethod
    def load(cls, path: Path) -> "Knowledge":
        """Reads a JSONL file of the form above.

        Raises:
            PrcEmoError: A line has other keys, or says something a second time; the message has its number.
        """
        interpretations: dict[str, Interpretation] = {}
        characteristics: dict[tuple[str, str], str] = {}
        for number, row in read_jsonl(path):
            where = f"{path}, line {number}"
            if not isinstance(row, dict) or set(row) not in (_UTTERANCE, _SPEAKER):
                keys = sorted(row) if isinstance(row, dict) else row
                odd = (
                    next((key for key in keys if key not in _UTTERANCE | _SPEAKER), None)
                    if isinstance(row, dict)
                    else None
                )
                hint = f" {odd!r}: {did_you_mean(odd, _UTTERANCE | _SPEAKER)}" if odd else ""
                raise PrcEmoError(
                    f"{where}: expected the keys {sorted(_UTTERANCE)} or {sorted(_SPEAKER)}, got {keys}.{hint}"
                )
            if not all(isinstance(value, str) for value in row.values()):
                raise PrcEmoError(f"{where}: expected text for every key, got {row}.")
            if "utterance" in row:
                if row["utterance"] in interpretations:
                    raise PrcEmoError(f"{where}: {row['utterance']} is interpreted a second time.")
                interpretations[row["utterance"]] = Interpretation(row["explicit"], row["implicit"])
            else:
                key = (row["conversation"], row["speaker"])
                if key in characteristics:
                    raise PrcEmoError(
                        f"{where}: {row['speaker']} of {row['conversation']} is described a second time."
                    )
                characteristics[key] = row["characteristic"]
        return cls(interpretations, characteristics)

    def save(self, path: Path, *, keep: bool = False) -> None:
        """Writes the form that `load` reads, whole or not at all.

        Args:
            keep: What the file knows already of other utterances and speakers stays in it.
        """
        if keep and path.exists():
            before = Knowledge.load(path)
            Knowledge(
                {**before.interpretations, **self.interpretations},
                {**before.characteristics, **self.characteristics},
            ).save(path)
            return
        write_jsonl(
            path,
            [
                {"utterance": id, "explicit": one.explicit, "implicit": one.implicit}
                for id, one in self.interpretations.items()
            ]
            + [
                {"conversation": id, "speaker": speaker, "characteristic": text}
                for (id, speaker), text in self.characteristics.items()
            ],
        )

    def only(self, *, interpretations: bool, speakers: bool) -> "Knowledge":
        """The same knowledge without one of its kinds: the ablations "without I" and "without S"."""
        return Knowledge(
            self.interpretations if interpretations else {}, self.characteristics if speakers else {}
        )
