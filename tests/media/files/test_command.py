"""The words that ffmpeg is called with."""

from pathlib import Path

from dubkit.media.files.command import Stream, arguments, filter_node, media_input


def test_options_are_sorted_behind_the_format_and_flags_stand_alone() -> None:
    words = arguments([media_input(Path("/a.mkv"), ss=1)["v:0"]], {"crf": 20, "an": None, "f": "mp4"})
    read = ["-protocol_whitelist", "file", "-ss", "1", "-i", "file:/a.mkv"]
    assert words == [*read, "-map", "0:v:0", "-f", "mp4", "-an", "-crf", "20"]


def test_equal_files_are_read_once_in_the_order_of_their_streams() -> None:
    first, second = media_input(Path("/a.mkv")), media_input(Path("/b.wav"))
    words = arguments([second["a:0"], first["v:0"], media_input(Path("/b.wav"))["a:1"], Stream(first)], {})
    assert [word for word in words if word.startswith("file:")] == ["file:/b.wav", "file:/a.mkv"]
    assert words[-8:] == ["-map", "0:a:0", "-map", "1:v:0", "-map", "0:a:1", "-map", "1"]


def test_filters_are_joined_by_labels() -> None:
    halves = filter_node([media_input(Path("/a.mkv"))["v:0"]], "split", 2)
    both = Stream(filter_node([halves["0"], halves["1"].filter("hflip")], "hstack", inputs=2))
    words = arguments([both], {})
    graph = "[0:v:0]split=2[s0][s1];[s1]hflip[s2];[s0][s2]hstack=inputs=2[s3]"
    assert words[-4:] == ["-filter_complex", graph, "-map", "[s3]"]


def test_values_are_escaped_for_the_filter_and_for_the_graph() -> None:
    text = media_input(Path("/a.mkv"))["v:0"].filter("drawtext", text="a:b,c[d]'e\\")
    assert r"drawtext=text=a\\:b\,c\[d\]\\\'e\\\\" in arguments([text], {})[5]
