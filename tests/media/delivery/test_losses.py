"""Nothing of a source is lost unsaid: it is in the dub, or a remark names it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest

from dubkit.media.delivery.containers import container_for
from dubkit.media.delivery.settings import Stitch
from dubkit.media.delivery.stitch import StitchInputs, stitch
from dubkit.media.files.decode import decode_audio
from dubkit.media.files.ffmpeg import ffmpeg_exe
from dubkit.media.files.inventory import Inventory, read_inventory
from dubkit.media.files.matroska import read_matroska
from dubkit.media.files.probe import probe
from dubkit.types import Remark
from tests.media.delivery.test_stitch import CUE, ffmpeg
from tests.support.paths import DATA


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of picture and sound, a cover, subtitles and chapters."""
    folder = tmp_path_factory.mktemp("parts")
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc=s=96x64:r=25:d=2", "-f", "lavfi", "-i", "sine=r=48000:d=2"),
        *("-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "50", "-bf", "2", "-c:a", "aac"),
        str(folder / "film.mp4"),
    )
    ffmpeg("-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", "1", str(folder / "cover.jpg"))
    (folder / "cues.srt").write_text(CUE, encoding="utf-8")
    (folder / "chapters.txt").write_text(
        ";FFMETADATA1\ntitle=The film\nartist=Somebody\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=900\ntitle=One\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=900\nEND=2000\ntitle=Two\n"
    )
    (folder / "font.ttf").write_bytes(b"not really a font")
    return folder


def make(folder: Path, name: str, *options: str) -> Path:
    """Make a film from the parts in the folder: inputs 0 film, 1 cues, 2 chapters."""
    inputs = ("film.mp4", "cues.srt", "chapters.txt")
    if "-map_chapters" not in options:
        options = ("-map_chapters", "-1", *options)
    given = [word for file in inputs for word in ("-i", str(folder / file))]
    return ffmpeg(*given, *options, str(folder / name))


def dubbed(
    source: Path, folder: Path, container: str = "auto", **settings: object
) -> tuple[Path, list[Remark]]:
    """Deliver a source with its own sound as the dub, and subtitles."""
    episode = probe(source)
    decode_audio(source, episode, folder / "dub.wav", folder / "asr.wav")
    (folder / "pt.srt").write_text(CUE, encoding="utf-8")
    chosen = container_for(episode, container, keep_original=bool(settings.get("keep_original", True)))
    out = folder / f"dub.{chosen}"
    inputs = StitchInputs(
        source,
        episode,
        folder / "dub.wav",
        "pt-BR",
        "en",
        (("pt-BR", folder / "pt.srt"),),
        Stitch(**settings),  # type: ignore[arg-type]
    )
    return out, list(stitch(inputs, out, chosen))


def codecs(found: Inventory, kind: str) -> list[str]:
    return [
        track.tag if track.codec == "bin_data" else track.codec
        for track in found.tracks
        if track.kind == kind
    ]


def renamed(source: Path, target: Path, *changes: tuple[bytes, bytes]) -> Path:
    """Give the last track of an mp4 file another kind, as cameras have."""
    data = source.read_bytes()
    for before, after in changes:
        place = data.rindex(before)
        data = data[:place] + after + data[place + len(before) :]
    target.write_bytes(data)
    return target


def test_measurements_of_a_camera_go_along_and_captions_are_named(folder: Path, tmp_path: Path) -> None:
    plain = make(folder, "text.mp4", "-map", "0", "-map", "1", "-c", "copy", "-c:s", "mov_text")
    camera = renamed(plain, folder / "camera.mp4", (b"tx3g", b"gpmd"), (b"sbtl", b"meta"))
    out, remarks = dubbed(camera, tmp_path)
    assert codecs(read_inventory(out), "data") == ["gpmd"]
    assert remarks == []
    captions = renamed(plain, folder / "captions.mp4", (b"tx3g", b"c608"), (b"sbtl", b"clcp"))
    out, remarks = dubbed(captions, tmp_path)
    assert out.suffix == ".mp4"
    assert [(r.code, r.place) for r in remarks] == [("stream-left-out", "stream 2")]
    assert "eia_608" in remarks[0].sentence


def test_a_sound_track_that_nothing_decodes_is_named(folder: Path, tmp_path: Path) -> None:
    two = make(folder, "two.mp4", "-map", "0:v", "-map", "0:a", "-map", "0:a", "-c", "copy")
    spatial = renamed(
        two, folder / "spatial.mov", (b"mp4a" + bytes(6), b"apac" + bytes(6)), (b"esds", b"dapa")
    )
    _, remarks = dubbed(spatial, tmp_path)
    assert [(r.code, r.place) for r in remarks] == [("stream-left-out", "stream 2")]
    assert "apac" in remarks[0].sentence


@pytest.mark.parametrize(
    ("name", "codec", "container", "kept"),
    [
        ("a.mov", "pcm_s24be", "mkv", "pcm_s24be"),
        ("a.m2ts", "pcm_bluray", "mkv", "pcm_s24le"),
        ("b.m2ts", "pcm_bluray -sample_fmt s16", "mkv", "pcm_s16le"),
        ("a.vob", "pcm_dvd", "mkv", "pcm_s24le"),
        ("a.mov", "pcm_s24be", "mp4", "flac"),
        ("b.mov", "pcm_s16le", "mp4", "flac"),
        ("a.mkv", "truehd -strict -2", "mp4", "flac"),
        ("b.mkv", "flac", "mp4", "flac"),
        ("c.mov", "alac", "mp4", "alac"),
    ],
)
def test_lossless_sound_stays_lossless(
    folder: Path, tmp_path: Path, name: str, codec: str, container: str, kept: str
) -> None:
    picture = "mpeg2video" if name.endswith("vob") else "copy"
    options = ("-map", "0", "-c:v", picture, "-ac", "2", "-c:a", *codec.split())
    out, remarks = dubbed(make(folder, name, *options), tmp_path, container)
    assert codecs(read_inventory(out), "audio") == ["aac", kept]
    assert remarks == []
    before, after = samples(folder / name, 0), samples(out, 1)
    assert np.array_equal(before, after[: len(before)])
    assert not after[len(before) :].any()


def samples(path: Path, number: int) -> np.ndarray:  # type: ignore[type-arg]
    """Decode a sound track to whole numbers of 32 bits."""
    command = [ffmpeg_exe()[0], "-v", "error", "-i", str(path), "-map", f"0:a:{number}", "-f", "s32le", "-"]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.int32)


@pytest.mark.parametrize("codec", ["adpcm_ms", "pcm_f32le"])
def test_sound_that_must_lose_something_is_named(folder: Path, tmp_path: Path, codec: str) -> None:
    suffix = "mov" if codec == "pcm_f32le" else "avi"
    source = make(folder, f"{codec}.{suffix}", "-map", "0", "-c:v", "copy", "-c:a", codec)
    out, remarks = dubbed(source, tmp_path, "mp4")
    assert codecs(read_inventory(out), "audio") == ["aac", "aac"]
    assert [r.code for r in remarks] == ["sound-re-encoded"]


def test_tags_of_a_telephone_stay(folder: Path, tmp_path: Path) -> None:
    tags = {
        "title": "Holiday",
        "creation_time": "2024-07-14T10:20:30Z",
        "com.apple.quicktime.location.ISO6709": "+10.0000+020.0000/",
        "com.apple.quicktime.make": "Apple",
    }
    words = [word for name, value in tags.items() for word in ("-metadata", f"{name}={value}")]
    options = (
        "-map",
        "0",
        "-c",
        "copy",
        *words,
        "-movflags",
        "use_metadata_tags",
        "-timecode",
        "01:02:03:04",
    )
    out, remarks = dubbed(make(folder, "phone.mov", *options), tmp_path)
    assert remarks == []
    found = read_inventory(out)
    assert tags.items() - {("creation_time", tags["creation_time"])} <= found.tags.items()
    assert tags["creation_time"][:-1] in found.tags["creation_time"]
    assert found.tracks[0].tags["timecode"] == "01:02:03:04"


def test_tags_that_players_look_for_are_written_as_such_and_others_are_named(
    folder: Path, tmp_path: Path
) -> None:
    options = (
        "-map",
        "0",
        "-map_metadata",
        "2",
        "-map_chapters",
        "2",
        "-c",
        "copy",
        "-metadata",
        "director=Me",
    )
    out, remarks = dubbed(make(folder, "named.mkv", *options), tmp_path, "mp4")
    assert [(r.code, "DIRECTOR" in r.sentence) for r in remarks] == [("tags-left-out", True)]
    assert read_inventory(out).tags["artist"] == "Somebody"
    assert [name for _, _, name in read_inventory(out).chapters] == ["One", "Two"]
    out, remarks = dubbed(folder / "named.mkv", tmp_path)
    assert remarks == []
    assert read_inventory(out).tags["DIRECTOR"] == "Me"


def test_names_covers_fonts_and_flags_of_tracks_stay(folder: Path, tmp_path: Path) -> None:
    options = (
        *("-map", "0", "-map", "1", "-c", "copy"),
        *("-attach", str(folder / "font.ttf"), "-metadata:s:t:0", "mimetype=font/ttf"),
        *("-attach", str(folder / "cover.jpg"), "-metadata:s:t:1", "mimetype=image/jpeg"),
        *("-metadata:s:a:0", "title=Commentary", "-metadata:s:a:0", "language=fre"),
        *("-disposition:a", "comment"),
        *("-disposition:s", "default+forced", "-metadata:s:s:0", "title=Signs"),
    )
    source = make(folder, "parts.mkv", *options)
    out, remarks = dubbed(source, tmp_path)
    assert remarks == []
    _, _, sound, _, signs, font, cover = read_inventory(out).tracks
    assert (sound.title, sound.language, sound.flags) == ("Commentary", "fre", {"comment"})
    assert (signs.title, signs.flags) == ("Signs", {"default", "forced"})
    assert (font.kind, cover.kind) == ("attachment", "cover")
    out, remarks = dubbed(source, tmp_path, "mp4")
    assert [(r.code, "font.ttf" in r.sentence) for r in remarks] == [("data-left-out", True)]


@pytest.mark.parametrize("forced", [False, True])
def test_no_subtitle_track_of_an_mp4_plays_by_itself_unless_it_did(
    folder: Path, tmp_path: Path, forced: bool
) -> None:
    flags = "default+forced" if forced else "default"
    options = ("-map", "0", "-map", "1", "-c", "copy", "-c:s", "mov_text", "-disposition:s", flags)
    out, _ = dubbed(make(folder, f"signs{forced}.mp4", *options), tmp_path)
    with av.open(str(out)) as container:
        default = [bool(s.disposition & av.stream.Disposition.default) for s in container.streams.subtitles]
    assert default == [False, forced]


def test_languages_titles_and_chapters_of_every_shape_stay_in_matroska(tmp_path: Path) -> None:
    source = DATA / "cases/media/chapters_languages.mkv"
    out, remarks = dubbed(source, tmp_path)
    before, after = read_matroska(source), read_matroska(out)
    assert before is not None
    assert after is not None
    assert remarks == []
    assert after.title == "Episode 1"
    assert after.more_names == before.more_names == 2
    assert after.locales == ("", "pt-BR", "en-US", "ja", "pt-BR", "en", "en")
    assert {b"Intro", b"Einleitung", b"Sub", b"eng", b"ger"} <= {
        word for word in (b"Intro", b"Einleitung", b"Sub", b"eng", b"ger") if word in after.chapters
    }
    assert sum(b"The Series" in tag for _, tag in after.global_tags) == 1
    _, remarks = dubbed(source, tmp_path, "mp4")
    assert {"chapters-simplified", "tags-left-out"} <= {r.code for r in remarks}
    assert any("en-US" in r.sentence or "has the language" in r.sentence for r in remarks)


def test_cues_that_cannot_be_written_in_another_form_are_counted(folder: Path, tmp_path: Path) -> None:
    (folder / "two.srt").write_text(CUE + "2\n00:00:01,600 --> 00:00:01,900\nXXXXXX\n\n", encoding="utf-8")
    source = ffmpeg(
        *("-i", str(folder / "film.mp4"), "-i", str(folder / "two.srt"), "-map", "0", "-map", "1"),
        *("-c", "copy", "-c:s", "srt", str(folder / "two.mkv")),
    )
    assert "subtitles-left-out" not in {r.code for r in dubbed(source, tmp_path, "mp4")[1]}
    source.write_bytes(source.read_bytes().replace(b"XXXXXX", "Привет".encode("cp1251")))
    assert "subtitles-left-out" not in {r.code for r in dubbed(source, tmp_path)[1]}
    said = [r.sentence for r in dubbed(source, tmp_path, "mp4")[1] if r.code == "subtitles-left-out"]
    assert said == ["The subtitle track (subrip) has 1 of its 2 cues in the dub: the others cannot be read."]


@pytest.mark.parametrize("kind", ["gif", "bmp", "webp"])
def test_covers_of_every_kind_are_kept_or_named(folder: Path, tmp_path: Path, kind: str) -> None:
    picture = ffmpeg(
        "-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", "1", str(folder / f"cover.{kind}")
    )
    source = ffmpeg(
        *(
            "-i",
            str(folder / "film.mp4"),
            "-i",
            str(picture),
            "-map",
            "0:a",
            "-map",
            "1",
            "-c:a",
            "libmp3lame",
        ),
        *("-c:v", "copy", "-disposition:v", "attached_pic", str(folder / f"{kind}.mp3")),
    )
    out, remarks = dubbed(source, tmp_path, "mkv")
    assert remarks == []
    assert [t.tags["filename"] for t in read_inventory(out).tracks if "filename" in t.tags] == [
        f"cover.{kind}"
    ]
    out, remarks = dubbed(source, tmp_path)
    covers = [track.codec for track in read_inventory(out).tracks if track.kind == "cover"]
    assert (covers or [r.code for r in remarks]) == ([kind] if kind == "bmp" else ["stream-left-out"])


def test_names_of_a_broadcast_and_tags_of_ogg_stay(folder: Path, tmp_path: Path) -> None:
    names = ("-metadata", "service_name=Channel", "-metadata", "service_provider=Nobody")
    broadcast = make(folder, "air.ts", "-map", "0", "-c", "copy", "-map_metadata", "-1", *names)
    out, remarks = dubbed(broadcast, tmp_path)
    assert read_inventory(out).tags["service_name"] == "Channel"
    assert remarks == []
    tags = ("-metadata", "title=Talk", "-metadata", "artist=Somebody")
    song = make(folder, "talk.ogg", "-map", "0:a", "-c:a", "libopus", "-map_metadata", "-1", *tags)
    out, remarks = dubbed(song, tmp_path)
    assert {"title": "Talk", "artist": "Somebody"}.items() <= read_inventory(out).tags.items()
    assert remarks == []


def test_styles_that_a_container_does_not_hold_are_named(folder: Path, tmp_path: Path) -> None:
    source = make(folder, "styled.mkv", "-map", "0", "-map", "1", "-c", "copy", "-c:s", "ass")
    assert dubbed(source, tmp_path)[1] == []
    assert [r.code for r in dubbed(source, tmp_path, "mp4")[1]] == ["subtitles-simplified"]


def test_what_people_do_not_want_is_not_named(folder: Path, tmp_path: Path) -> None:
    source = make(folder, "adpcm.avi", "-map", "0", "-c:v", "copy", "-c:a", "adpcm_ms")
    out, remarks = dubbed(source, tmp_path, keep_original=False)
    assert codecs(read_inventory(out), "audio") == ["aac"]
    assert remarks == []


def test_a_container_is_changed_only_for_what_it_then_holds(folder: Path) -> None:
    pcm = probe(make(folder, "pcm.mov", "-map", "0", "-c:v", "copy", "-c:a", "pcm_s16le"))
    assert container_for(pcm) == "mkv"
    assert container_for(pcm, keep_original=False) == "mp4"
    old = probe(make(folder, "old.avi", "-map", "0", "-c:v", "copy", "-c:a", "adpcm_ms"))
    assert container_for(old) == "mp4"  # no container holds its sound as it is


def test_frames_that_an_edit_list_hides_choose_mp4(folder: Path, tmp_path: Path) -> None:
    whole = make(folder, "whole.mov", "-map", "0", "-c:v", "copy", "-c:a", "pcm_s16le")
    trimmed = ffmpeg(
        *("-ss", "0.5", "-i", str(whole), "-c", "copy", "-avoid_negative_ts", "disabled"),
        str(folder / "trimmed.mov"),
    )
    out, remarks = dubbed(trimmed, tmp_path)
    assert probe(trimmed).video.hidden  # type: ignore[union-attr]
    assert (out.suffix, remarks) == (".mp4", [])
    assert codecs(read_inventory(out), "audio") == ["aac", "flac"]


def test_the_same_source_gives_the_same_bytes_and_words(folder: Path, tmp_path: Path) -> None:
    first, remarks = dubbed(folder / "film.mp4", tmp_path)
    content = first.read_bytes()
    again, same = dubbed(folder / "film.mp4", tmp_path)
    assert again.read_bytes() == content
    assert json.dumps([r.sentence for r in remarks]) == json.dumps([r.sentence for r in same])
