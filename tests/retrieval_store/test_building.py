"""What a store takes in: every row once, every text encoded once, and the same store however it came to be."""

import subprocess
import sys
from dataclasses import replace

import pytest
from retrieval_store_kit import LetterPairs, talk

from retrieval_store import Demonstration, DemonstrationStore, Exclude, StoreError


def test_added_later_is_as_good_as_built_at_once(encoder: LetterPairs) -> None:
    rows = talk(40)
    whole = DemonstrationStore.build(rows, encoder)
    grown = DemonstrationStore.build(rows[:100], encoder)
    assert grown.add(rows[100:]) == len(whole) - len(DemonstrationStore.build(rows[:100], encoder))
    assert grown.info() == whole.info()
    queries = [row.text for row in rows]
    assert grown.search(queries, k=3, exclude=Exclude.nothing()) == whole.search(
        queries, k=3, exclude=Exclude.nothing()
    )


def test_adding_encodes_nothing_again(encoder: LetterPairs) -> None:
    store = DemonstrationStore.build(talk(40), encoder)
    before = encoder.encoded
    assert store.add([Demonstration("new", "Some new words.", "joy", "chat")]) == 1
    assert encoder.encoded == before + 1


def test_a_text_that_occurs_often_is_encoded_once(encoder: LetterPairs) -> None:
    DemonstrationStore.build(
        [Demonstration(str(at), "Yeah.", "joy", "tiny", f"c{at}") for at in range(50)], encoder
    )
    assert encoder.encoded == 1


def test_an_id_comes_once(encoder: LetterPairs) -> None:
    rows = talk(3)
    with pytest.raises(
        StoreError, match=r"'tiny/train/c0/0': this id is in the store already or comes twice"
    ):
        DemonstrationStore.build([*rows, rows[0]], encoder)
    store = DemonstrationStore.build(rows, encoder)
    before = store.hash
    with pytest.raises(StoreError, match="was the same file added before"):
        store.add([Demonstration("new", "New words.", "joy", "tiny"), rows[0]])
    assert store.hash == before and len(store) == len(DemonstrationStore.build(rows, encoder))


def test_a_twin_is_left_out_and_counted(encoder: LetterPairs) -> None:
    """A twin has another id and position; whatever a search shows or excludes, it would treat both alike."""
    row = talk(1)[0]
    twin = replace(row, id="twin", position=9, text=row.text.upper() + "!!")
    store = DemonstrationStore.build([row, twin], encoder)
    assert (len(store), store.info().skipped) == (1, 1)
    assert store.add([replace(twin, id="another twin")]) == 0
    assert (len(store), store.info().skipped) == (1, 2)


@pytest.mark.parametrize("field", ["label", "source", "dialogue", "split", "speaker", "domain"])
def test_rows_that_a_search_can_tell_apart_are_no_twins(encoder: LetterPairs, field: str) -> None:
    row = talk(1)[0]
    other = replace(row, id="other", **{field: "else"})  # type: ignore[arg-type]
    assert len(DemonstrationStore.build([row, other], encoder)) == 2


def test_a_store_of_nothing_is_refused(encoder: LetterPairs) -> None:
    with pytest.raises(StoreError, match="needs at least one demonstration, got none"):
        DemonstrationStore.build([], encoder)


@pytest.mark.parametrize("field", ["id", "text", "label", "source"])
def test_a_demonstration_without_its_words_is_refused(field: str) -> None:
    given = {"id": "a", "text": "b", "label": "c", "source": "d", field: "  "}
    with pytest.raises(StoreError, match=f"expected some {field}, but it is empty"):
        Demonstration(**given)  # type: ignore[arg-type]


def test_an_encoder_that_does_not_normalise_is_found_out(encoder: LetterPairs) -> None:
    class Long(LetterPairs):
        def encode(self, texts, progress=False):  # type: ignore[no-untyped-def]
            return 3 * super().encode(texts)

    with pytest.raises(
        StoreError, match=r"vectors of 48 numbers and length 1, got \(1, 48\) of lengths 3 to 3"
    ):
        DemonstrationStore.build([Demonstration("a", "b", "c", "d")], Long())


def test_the_report_counts_every_row(store: DemonstrationStore) -> None:
    info = store.info()
    assert sum(info.counts.values()) == info.rows == len(store) == 360 - info.skipped
    assert {source for source, _, _ in info.counts} == {"tiny"}
    assert (info.index, info.encoder, info.dimension, len(info.hash)) == ("flat", "letter-pairs@1", 48, 64)


def test_the_hash_knows_every_word_of_every_row(encoder: LetterPairs) -> None:
    rows = talk(3)
    hashes = {
        DemonstrationStore.build(some, encoder).hash
        for some in (rows, rows[:-1], [replace(rows[0], label="x"), *rows[1:]])
    }
    assert len(hashes) == 3
    assert DemonstrationStore.build(rows, encoder).hash in hashes


def test_importing_the_package_imports_nothing_heavy() -> None:
    heavy = "{'torch', 'faiss', 'sentence_transformers', 'transformers', 'sklearn', 'huggingface_hub'}"
    code = f"import sys, retrieval_store; sys.exit(', '.join({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


def test_without_faiss_the_install_line_is_named(
    monkeypatch: pytest.MonkeyPatch, encoder: LetterPairs
) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(StoreError, match=r"pip install 'prc-emo\[cpu\]'"):
        DemonstrationStore.build([Demonstration("a", "b", "c", "d")], encoder)
