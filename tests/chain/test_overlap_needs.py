"""The stages that a stage needs are all that it reads from, in real runs with everything switched on."""

from __future__ import annotations

from pathlib import Path

import pytest

import stages
from dubkit.chain.chain import Chain, Request
from dubkit.config import configure
from dubkit.progress import Silent
from dubkit.studio import dub, open_session
from tests.chain.test_overlap import Site
from tests.stages.test_generator_chain import SAMPLE, SPOKEN, cut
from tests.support.traced_reads import TracedReads, traced_reads

EVERYTHING = {
    "cast.voice_mode": "clone",
    "express.mode": "source-audio",
    "express.keep_nonverbal": True,
    "mix.style": "enhanced",
    "mix.room": "auto",
    "separate.method": "auto",
    "timing.debug": True,
}
PLAIN = {"timing.fit": False, "timing.schedule": "off", "diarize.speakers": 1}


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> TracedReads:
    """Two runs of four seconds with two lines: with everything that may be switched on, and with little."""
    folder = tmp_path_factory.mktemp("traced")
    cut(SAMPLE, folder / "talk.mp4", 4)
    (folder / "talk.srt").write_text(SPOKEN)
    with traced_reads(stages.chain()) as traced:
        for more, uses in ((EVERYTHING, {}), (PLAIN, {"transcribe": folder / "talk.srt"})):
            values = {
                "speak.provider": "espeak",
                "overlap": True,
                "engine": "voice",
                "qc.round_trip": False,
                **more,
            }
            session = open_session(configure(values, environment={}).settings, folder / "Output")
            outcome = dub(session, folder / "talk.mp4", Request(("pt-BR",), uses=uses), Silent())
            assert not outcome.errors
    return traced


@pytest.mark.slow
def test_a_stage_needs_all_stages_whose_results_it_reads(traced: TracedReads) -> None:
    assert traced.undeclared() == set()
    voices = {"extract", "shots", "diarize", "transcribe", "music", "nonverbal", "separate", "references"}
    voices |= {"translate", "cast", "adapt", "express", "schedule", "speak", "mix", "stitch", "qc"}
    assert voices <= {stage for written in traced.writers.values() for stage in written}


def test_a_stage_that_reads_from_one_it_does_not_need_is_noticed(tmp_path: Path) -> None:
    site = Site(tmp_path / "site")
    sly = site.stages[2].items

    def items(context):  # type: ignore[no-untyped-def]
        context.store.has("left.json")
        return sly(context)

    site.stages[2] = site.stage("right", "episode", "probe")
    object.__setattr__(site.stages[2], "items", items)
    with traced_reads(Chain(tuple(site.stages))) as traced:
        site.run()
    assert traced.undeclared() == {("right", "left")}
