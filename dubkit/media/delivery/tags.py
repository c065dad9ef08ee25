"""Tags of the source that a container would lose without being told to keep them."""

from __future__ import annotations

from collections.abc import Mapping

_TAGS_OF_PLAYERS = {
    *("title", "artist", "album_artist", "composer", "album", "date", "comment", "genre", "copyright"),
    *(
        "grouping",
        "lyrics",
        "description",
        "synopsis",
        "show",
        "episode_id",
        "network",
        "season_number",
        "episode_sort",
    ),
    *("track", "disc", "compilation", "rating", "media_type", "keywords", "hd_video", "gapless_playback"),
}
"""Tags of mp4 that players look for; ffmpeg writes either these or names of any kind."""
_OF_THE_FILE = ("major_brand", "minor_version", "compatible_brands", "encoder", "timecode")
_OF_BROADCASTS = ("service_name", "service_provider")
_KNOWN = _TAGS_OF_PLAYERS | {*_OF_THE_FILE, "creation_time", "location", "location-eng"}


def tag_words(tags: Mapping[str, str], container: str, title: str = "") -> list[tuple[str, str]]:
    """Return the words that make ffmpeg keep the tags of a source in a container.

    mp4 holds the tags that players look for, or names of any kind, such as `com.apple.quicktime.make`. The
    latter are chosen where the source has such names, or no others. `title` is that of the film, where the
    tags have another one.
    """
    # FFmpeg copies the tags of the file, and those of a broadcast stand elsewhere.
    words = [("-metadata", f"{name}={tags[name]}") for name in _OF_BROADCASTS if name in tags]
    if container == "mkv":
        return words
    if title:
        words.append(("-metadata", f"title={title}"))
    names = {name.lower(): name for name in tags}
    if "creation_time" in names:
        # ffmpeg leaves it out unless it is asked for by name.
        words.append(("-metadata", f"creation_time={tags[names['creation_time']]}"))
    others = names.keys() - _KNOWN
    of_players = names.keys() & _TAGS_OF_PLAYERS
    if others and (any("." in name for name in others) or not of_players):
        words.append(("-movflags", "+faststart+use_metadata_tags"))
        words += [("-metadata", f"{name}=") for name in _OF_THE_FILE]
    return words
