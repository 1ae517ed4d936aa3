import pytest
from update_golden import GOLDEN, rendered

RENDERED = rendered()


def test_every_golden_file_belongs_to_a_template():
    assert {path.name for path in GOLDEN.glob("*.txt")} == set(RENDERED)


@pytest.mark.parametrize("name", RENDERED)
def test_a_prompt_reads_as_it_was_reviewed(name):
    """A changed word is seen in a diff: raise the template's version and run tests/prompts/update_golden.py."""
    assert RENDERED[name] == (GOLDEN / name).read_text(encoding="utf-8")
