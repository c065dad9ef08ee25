"""A damaged recording ends in a dub that names the damage, not in an error after everything is spoken."""

from __future__ import annotations

from pathlib import Path

from dubkit.media.delivery.stitch import StitchInputs, stitch
from dubkit.media.files.decode import decode_audio
from dubkit.media.files.ffmpeg import ffmpeg_exe, run_command
from dubkit.media.files.probe import probe

PACKET = 188


def test_sound_packets_that_no_container_takes_are_coded_again_and_named(tmp_path: Path) -> None:
    whole, source = tmp_path / "whole.ts", tmp_path / "damaged.ts"
    inputs = ("-f", "lavfi", "-i", "testsrc2=s=96x64:r=25:d=3", "-f", "lavfi", "-i", "sine=r=48000:d=3")
    command = [ffmpeg_exe()[0], "-nostdin", "-loglevel", "error", *inputs]
    run_command([*command, "-c:v", "libx264", "-c:a", "aac", str(whole)], place=whole, timeout=60)
    content = whole.read_bytes()
    packets = [content[at : at + PACKET] for at in range(0, len(content), PACKET)]
    begins = [n for n, packet in enumerate(packets) if packet[1:3] == b"\x41\x01"]  # of sound
    lost = begins[len(begins) // 2]
    packets[lost] = packets[lost].replace(b"\xff\xf1", b"\x20\xf1", 1)
    source.write_bytes(b"".join(packets))
    episode = probe(source)
    decode_audio(source, episode, tmp_path / "dub.wav", tmp_path / "narrow.wav")
    remarks = stitch(
        StitchInputs(source, episode, tmp_path / "dub.wav", "pt-BR"), tmp_path / "dub.mp4", "mp4"
    )
    (said,) = (remark for remark in remarks if remark.code == "sound-re-encoded")
    assert "packets are damaged" in said.sentence
    assert [track.codec for track in probe(tmp_path / "dub.mp4").audio] == ["aac", "aac"]
