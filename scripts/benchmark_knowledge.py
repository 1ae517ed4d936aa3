"""Is nothing lost and nothing paid for twice? `prc-emo knowledge make` against a server that is slow, fails and talks nonsense.

    python scripts/benchmark_knowledge.py                       # 100,000 utterances
    python scripts/benchmark_knowledge.py --utterances 2000     # a look

A server of this script waits 50 ms before each answer, fails 5 % of the calls and answers 3 % of them with nonsense. The
command is killed (SIGKILL) after a third and after two thirds of the answers, and started again. Beside it, a client
that asks one question after the other.
"""

import argparse
import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from benchmarks.server import Behaviour, serving

FAILING, GARBAGE, LATENCY = 0.05, 0.03, 0.05


def serve(urls: "multiprocessing.Queue[str]") -> None:
    with serving(Behaviour(failing=FAILING, garbage=GARBAGE, latency=LATENCY)) as url:
        urls.put(url)
        time.sleep(1e6)


def seen(url: str) -> dict[str, int]:
    """What the server counts: calls and answers."""
    with urllib.request.urlopen(url) as answer:
        found: dict[str, int] = json.load(answer)
    return found


def write_corpus(path: Path, utterances: int) -> None:
    """Conversations of ten turns, no two of which are alike."""
    with path.open("w", encoding="utf-8") as file:
        for talk in range(utterances // 10):
            turns = [
                {"speaker": "AB"[at % 2], "text": f"Parcel {talk} was left at door {at}."} for at in range(10)
            ]
            file.write(json.dumps({"id": f"talk{talk}", "split": "train", "turns": turns}) + "\n")


def made(corpus: Path, url: str, out: Path, concurrency: int) -> "subprocess.Popen[bytes]":
    command = ["knowledge", "make", "jsonl", corpus, "--labels", "meld", "--model", "big", "--base-url", url]
    return subprocess.Popen(
        [sys.executable, "-m", "prc_emo", *command, "--out", out, "--concurrency", str(concurrency)],
        stderr=subprocess.DEVNULL,
    )


def killed_twice(corpus: Path, url: str, out: Path, utterances: int, concurrency: int) -> dict[str, Any]:
    """Runs the command to its end, with two kills on the way; returns what came of it."""
    begun = time.perf_counter()
    for third in (1, 2):
        process = made(corpus, url, out, concurrency)
        while seen(url)["answered"] < third * utterances / 3:
            if process.poll() is not None:
                sys.exit("knowledge make ended before it was killed")
            time.sleep(0.2)
        process.kill()
        process.wait()
    if made(corpus, url, out, concurrency).wait():
        sys.exit("knowledge make failed")
    seconds = time.perf_counter() - begun
    rows = [json.loads(line) for line in (out / "answers.jsonl").open(encoding="utf-8")]
    statuses = [row["status"] for row in rows]
    known = sum(1 for _ in (out / "knowledge.jsonl").open(encoding="utf-8"))
    counted = seen(url)
    return {
        "seconds": seconds,
        "usable": statuses.count("usable"),
        "unusable, asked again": statuses.count("unusable"),
        "failed": statuses.count("failed"),
        "missing in the end": utterances - known,
        "twice in the log": statuses.count("usable")
        - len({row["key"] for row in rows if row["status"] == "usable"}),
        "answered, but lost in a kill": counted["answered"]
        - statuses.count("usable")
        - statuses.count("unusable"),
        "utterances a second": utterances / seconds,
    }


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--utterances", type=int, default=100_000)
    arguments.add_argument("--concurrency", type=int, default=64)
    given = arguments.parse_args()
    urls: multiprocessing.Queue[str] = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(urls,), daemon=True)
    server.start()
    url = urls.get()
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "talks.jsonl"
        write_corpus(corpus, given.utterances)
        for what, value in killed_twice(
            corpus, url, Path(folder) / "out", given.utterances, given.concurrency
        ).items():
            print(f"{what:30} {value:,.0f}")
        few = 300
        write_corpus(corpus, few)
        begun = time.perf_counter()
        made(corpus, url, Path(folder) / "one", 1).wait()
        print(f"{'one after the other, a second':30} {few / (time.perf_counter() - begun):,.1f}")
    server.kill()


if __name__ == "__main__":
    main()
