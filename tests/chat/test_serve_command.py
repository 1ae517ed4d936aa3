"""The commands as they are typed: serve a trained model, and verify it against the server and its merged model."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from prc_emo.export import export


@pytest.mark.slow
def test_a_served_model_says_what_the_run_says(
    trained: Path, tmp_path: Path, prc_emo: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    export(trained, tmp_path / "merged")
    monkeypatch.setenv("PRC_EMO_KEY", "open-sesame")
    command = [
        sys.executable,
        "-m",
        "prc_emo",
        "serve",
        str(trained),
        "--port",
        "0",
        "--reply",
        "none",
        "--no-page",
    ]
    server = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert server.stderr is not None
    try:
        said = ""
        while not (found := re.search(r"Listening on (http://\S+)", said)):
            line = server.stderr.readline()
            assert line, said
            said += line
        url = found[1]
        assert httpx.get(f"{url}/v1/models").status_code == 401
        sides = ["--against", url, "--against", tmp_path / "merged", "--count", "10", "--tolerance", "1e-5"]
        done = prc_emo("verify", trained, *sides)
        assert done.code == 0, done
        assert [int(other) for other in re.findall(r"│ 17\s+│ 0\s+│ (\d+)\s", done.out)] == [0, 0]
    finally:
        server.send_signal(signal.SIGTERM)
        _, said = server.communicate(timeout=30)
    assert server.returncode == 0
    assert "Stopped; what was under way is finished." in said
    assert "POST /v1/emotions" in said


def test_a_server_that_others_could_ask_needs_a_key(
    tmp_path: Path, prc_emo: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PRC_EMO_KEY", raising=False)
    done = prc_emo("serve", tmp_path, "--host", "0.0.0.0", "--port", "0")
    assert (done.code, "needs a key. Set $PRC_EMO_KEY" in done.err) == (2, True)


def test_a_server_that_is_not_there_is_named(trained: Path, prc_emo: Callable[..., Any]) -> None:
    done = prc_emo("verify", trained, "--against", "http://127.0.0.1:9", "--count", "1")
    assert (done.code, "http://127.0.0.1:9/v1/emotions cannot be asked" in done.err) == (2, True)
