"""What was written about utterances and speakers beforehand, and what each mistake in its file is told."""

import json
import re
from pathlib import Path

import pytest

from prc_emo.errors import PrcEmoError
from prc_emo.knowledge import Interpretation, Knowledge

SHE = {"utterance": "tiny/market/0", "explicit": "Asks politely.", "implicit": "May be in a hurry."}
ADA = {"conversation": "tiny/market", "speaker": "Ada", "characteristic": "Knows what she wants."}


def written(path: Path, *rows: object) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def test_a_line_is_about_an_utterance_or_about_a_speaker(tmp_path: Path) -> None:
    other = {**ADA, "conversation": "tiny/stairs"}  # the same name is another person there
    found = Knowledge.load(written(tmp_path / "k.jsonl", SHE, "", ADA, other))
    assert found.interpretations == {"tiny/market/0": Interpretation("Asks politely.", "May be in a hurry.")}
    assert found.characteristics == {
        ("tiny/market", "Ada"): "Knows what she wants.",
        ("tiny/stairs", "Ada"): "Knows what she wants.",
    }


def test_an_empty_file_is_no_knowledge(tmp_path: Path) -> None:
    assert Knowledge.load(written(tmp_path / "k.jsonl")) == Knowledge({}, {})


@pytest.mark.parametrize("interpretations", [True, False])
@pytest.mark.parametrize("speakers", [True, False])
def test_only_leaves_one_kind_out_and_the_other_alone(
    interpretations: bool, speakers: bool, tmp_path: Path
) -> None:
    found = Knowledge.load(written(tmp_path / "k.jsonl", SHE, ADA))
    kept = found.only(interpretations=interpretations, speakers=speakers)
    assert kept.interpretations == (found.interpretations if interpretations else {})
    assert kept.characteristics == (found.characteristics if speakers else {})


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{", "line 3: not valid JSON"),
        ([1], "line 3: expected the keys ['explicit', 'implicit', 'utterance'] or"),
        ({"utterance": "a", "explicit": "b"}, "got ['explicit', 'utterance']."),
        ({**SHE, "speaker": "Ada"}, "got ['explicit', 'implicit', 'speaker', 'utterance']."),
        ({"utterance": "a", "explicit": "b", "implict": "c"}, "'implict': Did you mean 'implicit'?"),
        ({**ADA, "characteristic": None}, "line 3: expected text for every key, got"),
        ({**SHE, "implicit": 3}, "line 3: expected text for every key, got"),
        ({**SHE, "explicit": "x"}, "line 3: tiny/market/0 is interpreted a second time."),
        ({**ADA, "characteristic": "x"}, "line 3: Ada of tiny/market is described a second time."),
    ],
)
def test_each_mistake_is_told_with_its_line(row: object, message: str, tmp_path: Path) -> None:
    path = written(tmp_path / "k.jsonl", SHE, ADA, row)
    with pytest.raises(PrcEmoError, match=re.escape(message)) as error:
        Knowledge.load(path)
    assert str(error.value).startswith(f"{path}, line 3: ")
