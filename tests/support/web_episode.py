"""A dubbed episode as a run leaves it, for tests of the pages."""

from __future__ import annotations

from fractions import Fraction

from dubkit.episode.store import EpisodeStore, Parts, Record, canonical
from dubkit.types import (
    Adaptation,
    AdaptedLine,
    Candidate,
    Cast,
    Diarization,
    Episode,
    EpisodeQc,
    Line,
    LineQc,
    Segment,
    Shot,
    Shots,
    Speaker,
    Transcript,
    Translation,
    VideoStream,
)
from dubkit.web.site import Site
from tests.support.web_html import HOSTILE, HOSTILE_NAME


def write_episode(site: Site, name: str, *, folder: str = "", finished: bool = True) -> EpisodeStore:
    """Write the artifacts of a dubbed episode; its texts and names are hostile to a page."""
    source = site.inputs / folder / f"{name}.mp4"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_bytes(b"media")
    store = EpisodeStore(site.output / name)
    memo = {"path": str(source.resolve()), "sha256": "0" * 64, "size": 5, "mtime_ns": 1}
    store.write_bytes(".dubkit/source.json", canonical(memo))
    rate = Fraction(25)
    video = VideoStream(0, "h264", 640, 360, rate, 250, Fraction(0), Fraction(10))
    store.write_json("episode.json", Episode(name, "0" * 64, "mp4", Fraction(10), video, ()))
    store.write_json("shots.json", Shots((Shot("shot001", 0, 250, 0.0, 10.0),)))
    store.write_json("diarization.json", Diarization((), "single", {}))
    segments = (
        Segment("s0001", 1.0, 2.5, "spk1", f"Hello {HOSTILE}"),
        Segment("s0002", 3.0, 4.0, "spk2", "Goodbye"),
    )
    store.write_json("transcript.json", Transcript("en", 1.0, segments, "base"))
    lines = (Line("s0001", f"Olá {HOSTILE}", flags=("refused",)), Line("s0002", "Adeus"))
    store.write_json("translation.json", Translation("pt-BR", lines), "pt-BR")
    texts = (
        Candidate(f"Olá {HOSTILE}", 1.9, "translation"),
        Candidate(f"Oi {HOSTILE}", 1.4, "model", losses=(f"name: {HOSTILE}",)),
    )
    fitted = AdaptedLine("s0001", 1.5, texts, 0, f"It needs a pace of 1.27 {HOSTILE}.")
    store.write_json("adaptation.json", Adaptation("pt-BR", (fitted,)), "pt-BR")
    cast = (
        Speaker("spk1", HOSTILE_NAME, f"The man {HOSTILE}", True, 117.0, -20.0, "kumo"),
        Speaker("spk2", "Ana", "The woman", False, 210.0, -20.0),
    )
    store.write_json("cast.json", Cast("pt-BR", cast), "pt-BR")
    record = Record("episode", "k", Parts("diarize", 1), degraded=(f"one speaker {HOSTILE}",))
    store.save_record(record)
    if finished:
        measured = tuple(LineQc(line.id, "", None, 0.0, None) for line in lines)
        qc = EpisodeQc(measured, None, None, None, None, 250, 250, 250, 0.0)
        store.write_json("qc.json", qc, "pt-BR")
    return store
