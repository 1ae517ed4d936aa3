"""What reading together brings: 64 clients at once against one after the other, on one server.

    python scripts/benchmark_serve.py runs/quickstart
    python scripts/benchmark_serve.py runs/quickstart --clients 64 --requests 128 --rounds 3 -- --queue 40
    python scripts/benchmark_serve.py runs/quickstart --whole --requests 64 --rounds 1 -- --timeout 20

Each request asks for the last turn of a conversation of the corpus that ships, cut at a length that differs from one to the
next; with --whole, for all turns of one that is up to 60 long. Both sides send the same requests to the same server and take
turns (A B A B); what stands behind -- goes to `prc-emo serve`. An answer is right (200) or tells to come back (429, with Retry-After: the client does, and its wait counts);
anything else ends the benchmark. Beside the time, which other programs lengthen (and most for who computes without a pause), stands
the server's processor time.
"""

import argparse
import asyncio
import random
import re
import subprocess
import sys
import time
from itertools import cycle
from statistics import median

import httpx
import numpy as np
import psutil
from benchmarks.measure import ratio

from prc_emo.corpora import load_corpus

Body = dict[str, object]


def bodies(count: int, whole: bool) -> list[Body]:
    """So many requests, of one to all turns of a conversation, in an order that is the same each time."""
    draw = random.Random(0)
    if whole:
        said = [turn for talk in load_corpus("everyday").train for turn in talk.utterances]
        lines = [{"speaker": turn.speaker, "text": turn.text} for turn in said]
        starts = [draw.randrange(len(lines) - 60) for _ in range(count)]
        cut = [lines[start : start + draw.choice([1, 2, 5, 10, 30, 60])] for start in starts]
        return [{"conversations": [{"turns": turns}]} for turns in cut]
    made: list[Body] = []
    for talk in cycle(load_corpus("everyday").train):
        if len(made) == count:
            break
        turns = [{"speaker": turn.speaker, "text": turn.text} for turn in talk.utterances]
        made.append({"conversations": [{"turns": turns[: draw.randint(1, len(turns))]}], "read": "last"})
    return made


async def ask(client: httpx.AsyncClient, body: Body) -> tuple[float, int]:
    """Seconds until the answer, and how often the server said that it was busy."""
    start, busy = time.perf_counter(), 0
    while True:
        answer = await client.post("/v1/emotions", json=body)
        if answer.status_code == 200:
            return time.perf_counter() - start, busy
        if answer.status_code != 429:
            raise SystemExit(f"Expected 200 or 429, got {answer.status_code}: {answer.text}")
        busy += 1
        await asyncio.sleep(float(answer.headers["retry-after"]))


async def all_of(url: str, clients: int, asked: list[Body]) -> tuple[float, list[float], int]:
    """Seconds in all, seconds of each request, and refusals; the clients take requests until none is left."""
    limits = httpx.Limits(max_connections=clients)
    async with httpx.AsyncClient(base_url=url, timeout=600, limits=limits) as client:
        rest = iter(asked)
        found: list[tuple[float, int]] = []

        async def one() -> None:
            for body in rest:
                found.append(await ask(client, body))

        start = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(clients)))
        whole = time.perf_counter() - start
    return whole, [seconds for seconds, _ in found], sum(busy for _, busy in found)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", help="a trained run's folder")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--requests", type=int, default=128, help="of each side and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--whole", action="store_true", help="ask for all turns, of up to 60 at once")
    parser.usage = "%(prog)s RUN [options] [-- further options of prc-emo serve]"
    own = sys.argv[1:]
    at = own.index("--") if "--" in own else len(own)
    given, serve = parser.parse_args(own[:at]), own[at + 1 :]
    command = [
        sys.executable,
        "-m",
        "prc_emo",
        "serve",
        given.run,
        "--port",
        "0",
        "--reply",
        "none",
        "--no-page",
    ]
    with subprocess.Popen(
        [*command, "--timeout", "600", *serve], stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            measure(address(server), psutil.Process(server.pid), given)
        finally:
            server.terminate()


def address(server: "subprocess.Popen[str]") -> str:
    """Where the server listens, once it does; what it says later is read and dropped, so that it never waits for us."""
    assert server.stderr is not None
    said = []
    for line in server.stderr:
        said.append(line)
        if found := re.search(r"http://\S+", line):
            subprocess.Popen(["cat"], stdin=server.stderr, stdout=subprocess.DEVNULL)
            return found[0]
    raise SystemExit("".join(said))


def measure(url: str, server: psutil.Process, given: argparse.Namespace) -> None:
    asked = bodies(given.requests, given.whole)
    sides = {"one after the other": 1, f"{given.clients} at once": given.clients}
    rates: dict[str, list[float]] = {name: [] for name in sides}
    costs: dict[str, list[float]] = {name: [] for name in sides}
    waits: dict[str, list[float]] = {name: [] for name in sides}
    busy = 0
    for _ in range(given.rounds):
        for name, clients in sides.items():
            before = sum(server.cpu_times()[:2])
            whole, seconds, refused = asyncio.run(all_of(url, clients, asked))
            costs[name].append((sum(server.cpu_times()[:2]) - before) / len(asked))
            rates[name].append(len(asked) / whole)
            waits[name] += seconds
            busy += refused
    one, many = sides
    print(f"throughput      {ratio(rates[many], rates[one])}")
    print(f"processor time  {ratio(costs[one], costs[many])} less")
    for name in sides:
        p50, p95, p99 = np.percentile(waits[name], [50, 95, 99])
        print(
            f"{name:20} {median(rates[name]):6.1f}/s  {median(costs[name]) * 1000:6.1f} ms of processor time a request  "
            f"p50 {p50:.2f} s  p95 {p95:.2f} s  p99 {p99:.2f} s"
        )
    print(f"{busy} times told to come back (429), no other error")


if __name__ == "__main__":
    main()
