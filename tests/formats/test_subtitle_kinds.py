"""Subtitles of an episode by kind, as files and in the picture."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dubkit.cli.export import command
from dubkit.episode.burning import burn_in
from dubkit.episode.context import Context
from dubkit.episode.export import export, export_files
from dubkit.episode.subtitle_kinds import SubtitleWish, subtitle_cues
from dubkit.errors import DubkitError, ToolError
from dubkit.formats.layout.reading import SubtitleKind
from dubkit.media.delivery import burn
from dubkit.types import Clips, LineRoute, Remark, Transcript, VideoStream, Word
from dubkit.types.music import Music, SoundSpan
from dubkit.types.nonverbal import Nonverbal, NonverbalSound
from tests.review.test_changes import PT, make_episode, segments


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return make_episode(tmp_path)


def shown(context: Context, kind: SubtitleKind, said: list[Remark] | None = None) -> list[tuple[float, str]]:
    cues = subtitle_cues(context.fresh(), SubtitleWish(kind), said.append if said is not None else None)
    return [(cue.start, cue.shown) for cue in cues]


def test_subtitles_of_the_source_and_of_the_dub(context: Context) -> None:
    assert shown(context, "target") == [(1.0, "Bom dia."), (4.0, "Meu nome é Ana."), (7.0, "Eu moro aqui.")]
    assert [text for _, text in shown(context, "source")][:2] == ["Good morning.", "My name is Ana."]
    assert shown(context.fresh(""), "source") == shown(context, "source")
    for kind in ("target", "bilingual"):
        with pytest.raises(DubkitError, match=f"Subtitles {kind} need a target language"):
            shown(context.fresh(""), kind)


def test_both_languages_stand_above_each_other(context: Context) -> None:
    assert shown(context, "bilingual")[0] == (1.0, "Bom dia.\nGood morning.")


def test_only_what_stays_foreign_is_forced(context: Context) -> None:
    said: list[Remark] = []
    assert shown(context, "forced", said) == []
    assert [one.code for one in said] == ["subtitles-empty"]
    routes = (LineRoute("s0002", "keep", "a person"), LineRoute("s0003", "keep", "a person"))
    context.store.write_json("clips.json", Clips("voice", (), routes), PT)
    portuguese = tuple(replace(one, language="pt" if one.id == "s0003" else "") for one in segments())
    context.store.write_json("transcript.json", Transcript("en", 1.0, portuguese, "test"))
    assert shown(context, "forced") == [(4.0, "Meu nome é Ana.")]
    # In the source, it is what is said in another language than the rest.
    assert shown(context.fresh(""), "forced") == [(7.0, "I live here.")]


def test_names_and_sounds_for_people_who_do_not_hear(context: Context) -> None:
    said: list[Remark] = []
    assert [text for _, text in shown(context, "sdh", said)] == [
        "ANA: Bom dia.", "BO: Meu nome é Ana.", "ANA: Eu moro aqui.",
    ]  # fmt: skip
    assert [one.sentence for one in said] == ["Nobody listened for sounds of music.json and nonverbal.json."]
    spans = (SoundSpan(3.2, 3.9, "music"), SoundSpan(4.0, 6.0, "singing"), SoundSpan(9.2, 13.9, "music"))
    context.store.write_json("music.json", Music(spans, "test"))
    context.store.write_json("nonverbal.json", Nonverbal((NonverbalSound(13.0, 13.6, "spk2", -30, 20),)))
    said.clear()
    assert shown(context, "sdh", said) == [
        (1.0, "ANA: Bom dia."),
        (4.0, "BO: ♪ Meu nome é Ana. ♪"),
        (7.0, "ANA: Eu moro aqui."),
        (9.2, "[♪ música]"),
        (13.0, "[Bo: som de voz]"),
    ]
    assert said == []


def test_who_goes_on_speaking_is_named_once_and_turkish_keeps_its_dots(context: Context) -> None:
    one = tuple(replace(segment, speaker="spk1") for segment in segments())
    context.store.write_json("transcript.json", Transcript("tr", 1.0, one, "test"))
    from dubkit.episode.subtitle_kinds import _capitals

    texts = [text for _, text in shown(context, "sdh")]
    assert texts == ["ANA: Bom dia.", "Meu nome é Ana.", "Eu moro aqui."]
    assert (_capitals("Iris", "tr"), _capitals("Iris", "en")) == ("IRİS", "IRIS")


def test_parts_of_the_source_change_with_its_words(context: Context) -> None:
    text = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    spoken = text.split()
    words = tuple(Word(1 + 0.05 * n, 1.05 + 0.05 * n, f" {word}") for n, word in enumerate(spoken))
    long = replace(segments()[0], text=text, end=9.0, words=words)
    context.store.write_json("transcript.json", Transcript("en", 1.0, (long,), "test"))
    _, second = subtitle_cues(context.fresh(""), SubtitleWish("source"))
    assert second.start < 2.0  # not after half of the time, since the words are over before
    assert second.end == 9.0
    unlike = replace(long, text=text.replace("one", "1"))
    context.store.write_json("transcript.json", Transcript("en", 1.0, (unlike,), "test"))
    assert subtitle_cues(context.fresh(""), SubtitleWish("source"))[1].start > 4.0


def test_plain_exports_are_as_before(context: Context) -> None:
    assert export(context, PT, "srt").decode().startswith("1\n00:00:01,000 --> 00:00:03,000\nBom dia.\n")
    (laid,) = export_files(context, PT, "srt", subtitles=SubtitleWish("bilingual"))
    assert laid.decode().startswith("1\n00:00:01,000 --> 00:00:03,000\nBom dia.\nGood morning.\n")


def invoke(context: Context, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Any:
    monkeypatch.setattr("dubkit.studio.episode_context", lambda *_: context.fresh())
    monkeypatch.chdir(context.source.parent)
    return CliRunner().invoke(command, [str(context.source), *arguments])


def test_the_command_writes_kinds(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    done = invoke(context, monkeypatch, "--lang", PT, "--subtitles", "sdh")
    assert done.exit_code == 0, done.output
    assert "\nANA: Bom dia.\n" in done.stdout
    assert "Nobody listened" in done.stderr
    done = invoke(
        context, monkeypatch, "--lang", PT, "--subtitles", "target", "--out", "a.ttml", "--line-length", "8"
    )
    assert done.exit_code == 0, done.output
    assert "Eu moro<br/>aqui." in Path("a.ttml").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--subtitles", "sdh", "--format", "csv"), "--subtitles is for subtitles, not for csv"),
        (("--line-length", "30", "--format", "srt"), "--line-length is for --subtitles"),
        (("--burn-in",), "name it with --out"),
        (("--burn-in", "--format", "srt", "--out", "a.mp4"), "--burn-in writes a film"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    context: Context, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], problem: str
) -> None:
    done = invoke(context, monkeypatch, *arguments)
    assert done.exit_code == 2
    assert problem in done.stderr


def test_signs_of_the_own_subtitles_are_shown_in_their_style(context: Context) -> None:
    import pysubs2

    own = pysubs2.SSAFile()
    for start, end, style, text in (
        (1000, 3000, "Default", "Bom dia."),
        (4000, 6000, "Default", "Meu nome é Ana."),
        (4500, 5500, "Sign", "Ao mar"),
    ):  # fmt: skip
        own.append(pysubs2.SSAEvent(start=start, end=end, style=style, text=text))
    context.store.write_bytes("imports/translate.ass", own.to_string("ass").encode(), PT)
    assert shown(context, "target")[1:3] == [(4.0, "Meu nome é Ana."), (4.5, "Ao mar")]
    said: list[Remark] = []
    assert shown(context, "forced", said) == [(4.5, "Ao mar")]
    assert said == []
    (raw,) = export_files(context, PT, "ass", subtitles=SubtitleWish("target"))
    found = pysubs2.SSAFile.from_string(raw.decode())
    assert [(event.style, event.start) for event in found][1:3] == [("Default", 4000), ("Sign", 4500)]
    # The sign takes no time from what is said.
    assert found[1].end == 6000
    assert shown(context, "source")[1] == (4.0, "My name is Ana.")


# --- in the picture ---------------------------------------------------------------------------


def film(path: Path, seconds: int = 5) -> Path:
    """Write a black film at ten frames a second."""
    import av
    import numpy as np

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height = 320, 180
        for _ in range(seconds * 10):
            picture = av.VideoFrame.from_ndarray(np.zeros((180, 320, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def brightness(path: Path) -> list[int]:
    """Return the brightest point of the lower half of each frame."""
    import av

    with av.open(str(path)) as container:
        return [int(frame.to_ndarray(format="gray")[90:].max()) for frame in container.decode(video=0)]


def with_picture(context: Context) -> Context:
    film(context.source)
    video = VideoStream(0, "h264", 320, 180, Fraction(10), 50, Fraction(0), Fraction(5))
    context.store.write_json("episode.json", replace(context.episode, video=video))
    return context.fresh()


def test_subtitles_are_seen_while_they_are_to_be_and_no_frame_is_lost(
    context: Context, tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"
    burn_in(with_picture(context).fresh(""), SubtitleWish("source"), out)
    lit = [value > 128 for value in brightness(out)]
    assert len(lit) == 50
    assert lit == [10 <= frame < 30 or frame >= 40 for frame in range(50)]
    assert sorted(path.name for path in tmp_path.glob("*out*")) == ["out.mp4"]


def test_what_cannot_be_drawn_is_said(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = SubtitleWish("target")
    with pytest.raises(DubkitError, match="has no picture"):
        burn_in(context, wish, tmp_path / "a.mp4")
    there = with_picture(context)
    with pytest.raises(DubkitError, match=r"There is no dub of .* in pt-BR yet"):
        burn_in(there, wish, tmp_path / "a.mp4")
    here = there.fresh("")
    with pytest.raises(DubkitError, match=r"drawn into \.mp4, \.mkv, \.mov, not \.avi"):
        burn_in(here, SubtitleWish("source"), tmp_path / "a.avi")
    with pytest.raises(DubkitError, match="no subtitles forced"):
        burn_in(here, SubtitleWish("forced"), tmp_path / "a.mp4")
    monkeypatch.setattr(burn, "find_font", lambda text: "")
    with pytest.raises(DubkitError, match="No installed font has all of these letters: "):
        burn_in(here, SubtitleWish("source"), tmp_path / "a.mp4")
    monkeypatch.setattr(burn, "_has_libass", lambda exe: False)
    with pytest.raises(ToolError, match="has no libass"):
        burn_in(here, SubtitleWish("source"), tmp_path / "a.mp4")
    assert not list(tmp_path.glob("*a.*"))
