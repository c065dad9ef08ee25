"""A short film with lines of its own and a paced voice, for dubs that are played while they are made."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from dubkit.media.files.ffmpeg import ffmpeg_exe
from tests.support.paths import ROOT

SECONDS = 18
CHUNK_SECONDS = 5
LINES = tuple((1.0 + 3.4 * n, 2.6 + 3.4 * n) for n in range(5))
"""When each line begins and ends; there is a pause around 5, 8, 12 and 15 seconds."""

VOICE = """
import math, os, struct, sys, time, wave
text = open(sys.argv[2], encoding="utf-8").read()
time.sleep(float(os.environ.get("PACE", "0")))
rate, seconds = 24000, 0.9
with wave.open(sys.argv[1], "wb") as out:
    out.setnchannels(1), out.setsampwidth(2), out.setframerate(rate)
    hertz = 150 + sum(map(ord, text)) % 100
    samples = (int(9000 * math.sin(2 * math.pi * hertz * n / rate)) for n in range(int(rate * seconds)))
    out.writeframes(b"".join(struct.pack("<h", one) for one in samples))
"""


def write_film(folder: Path, name: str = "film.mp4") -> Path:
    """Write a film with a key frame every second, and beside it its lines in two languages."""
    path = folder / name
    picture = ("-f", "lavfi", "-i", f"testsrc=s=128x72:r=25:d={SECONDS}")
    sound = ("-f", "lavfi", "-i", f"anoisesrc=d={SECONDS}:c=pink:a=0.1:seed=7:r=48000")
    coding = ("-c:v", "libx264", "-g", "25", "-bf", "2", "-preset", "ultrafast", "-c:a", "aac", "-shortest")
    subprocess.run([ffmpeg_exe()[0], *picture, *sound, *coding, "-v", "error", "-y", str(path)], check=True)
    (folder / "voice.py").write_text(VOICE)
    for language, words in (("en", "This is sentence"), ("fr", "Voici la phrase")):
        write_lines(folder / f"{language}.srt", words)
    return path


def write_lines(path: Path, words: str, changed: int = -1) -> None:
    """Write the lines as subtitles; one of them may be changed."""
    cues = []
    for number, (start, end) in enumerate(LINES):
        text = f"{words} {number}{' encore' if number == changed else ''}."
        cues.append(f"{number + 1}\n{_time(start)} --> {_time(end)}\n{text}\n")
    path.write_text("\n".join(cues), encoding="utf-8")


def _time(seconds: float) -> str:
    return f"00:00:{int(seconds):02d},{round(1000 * (seconds % 1)):03d}"


def command(film: Path, output: Path, *more: str) -> list[str]:
    """Return the command that dubs the film into French; `more` are options of its own."""
    folder = film.parent
    voice = f"{sys.executable} {folder / 'voice.py'} {{out}} {{text_file}}"
    settings = {
        "speak.provider": "command",
        "speak.command.command": voice,
        "qc.round_trip": "false",
        "timing.fit": "false",
        "music.marks": "off",
        "diarize.speakers": "1",
    }
    named = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    own = ["--use", f"transcribe={folder / 'en.srt'}", "--use", f"translate={folder / 'fr.srt'}"]
    return [
        *(sys.executable, "-m", "dubkit", "run", str(film), "--to", "fr", "--output", str(output), "--json"),
        *(*own, *named, *more),
    ]


STREAM = ("--stream", "on", "--chunk-seconds", str(CHUNK_SECONDS))


def start(film: Path, output: Path, *more: str, pace: float = 0.0) -> subprocess.Popen[str]:
    """Begin a dub in a process of its own; each line takes `pace` seconds at least."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DUBKIT_", "OPENAI_"))}
    environment = kept | {"PYTHONPATH": str(ROOT), "PACE": str(pace)}
    environment["DUBKIT_MODELS_CACHE"] = str(film.parent / "cache")
    return subprocess.Popen(
        command(film, output, *more),
        env=environment,
        cwd=film.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def dub(film: Path, output: Path, *more: str, pace: float = 0.0) -> str:
    """Dub the film and return what was printed."""
    with start(film, output, *more, pace=pace) as process:
        out, err = process.communicate(timeout=500)
    assert process.returncode in (0, 3), out + err
    return out
