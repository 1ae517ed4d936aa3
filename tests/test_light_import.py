"""Names and settings answer at once: what needs no model imports none of the libraries that take seconds."""

import subprocess
import sys

import pytest

HEAVY = (
    "torch",
    "transformers",
    "faiss",
    "sentence_transformers",
    "sklearn",
    "matplotlib",
    "peft",
    "trl",
    "datasets",
)


def imported(code: str) -> set[str]:
    """Which of the heavy libraries a fresh process has imported after `code`."""
    ask = f"import sys\n{code}\nprint('\\n' + ' '.join(sys.modules.keys() & {set(HEAVY)}))"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def after_command(*arguments: str) -> set[str]:
    return imported(
        f"sys.argv = ['prc-emo', *{arguments}]\nfrom prc_emo.cli import main\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert stop.code == 0, stop.code"
    )


def test_the_premise_is_that_they_would_be_seen() -> None:
    assert imported("import matplotlib") == {"matplotlib"}


@pytest.mark.parametrize("package", ["prc_emo", "prompts", "retrieval_store", "curriculum"])
def test_importing_a_package_is_light(package: str) -> None:
    assert imported(f"import {package}") == set()


def test_the_whole_face_is_light_until_a_model_is_used() -> None:
    """Every name that `prc_emo` offers, the recognizer among them."""
    assert imported("import prc_emo\nfor name in prc_emo.__all__: getattr(prc_emo, name)") == set()


@pytest.mark.parametrize(
    "command",
    [
        ("--help",),
        ("ls",),
        ("show", "meld_qwen3_8b", "seed=43"),
        ("data", "check", "everyday"),
        ("data", "stats", "everyday"),
    ],
    ids=" ".join,
)
def test_a_command_that_needs_no_model_is_light(command: tuple[str, ...]) -> None:
    assert after_command(*command) == set()
