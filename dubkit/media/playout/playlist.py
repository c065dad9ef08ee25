"""The playlist of a dub's chunks for HLS, as far as they are made."""

from __future__ import annotations

import math

from dubkit.types.playout import ChunkPlan, PlayoutManifest

PLAYLIST = "stream.m3u8"
INIT = "init.mp4"
SUFFIX = ".m4s"


def write_playlist(plan: ChunkPlan, manifest: PlayoutManifest) -> bytes:
    """Return a playlist that only grows (type EVENT), and has its end once every chunk is dealt with.

    It lists chunks in order up to the first one that is not there; one that failed is a gap.
    """
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        # The longest chunk of the plan: players may not be told another length later.
        f"#EXT-X-TARGETDURATION:{max(1, math.ceil(plan.longest))}",
        "#EXT-X-MEDIA-SEQUENCE:1",
        "#EXT-X-PLAYLIST-TYPE:EVENT",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        f'#EXT-X-MAP:URI="{INIT}"',
    ]
    listed = 0
    for planned, chunk in zip(plan.chunks, manifest.chunks, strict=True):
        if chunk.state == "waiting":
            break
        if chunk.state == "failed":
            lines.append("#EXT-X-GAP")
        lines += [f"#EXTINF:{planned.seconds:.6f},", f"{planned.name}{SUFFIX}"]
        listed += 1
    if listed == len(plan.chunks):
        lines.append("#EXT-X-ENDLIST")
    return ("\n".join(lines) + "\n").encode()
