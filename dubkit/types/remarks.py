"""Remarks: what dubkit noticed about a source or a result, and what it means for the delivery.

A stage hands its remarks to its sink with the result they belong to; from there they reach the terminal,
`status`, `--json`, the report, the library and the pages. The codes are listed in `docs/remarks.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

Weight = Literal["note", "degraded", "doubtful"]
"""`note`: the delivery is what was asked for. `degraded`: a fall-back was used, or something of the source
is not in the result. `doubtful`: the result may be wrong, so a person should look.

The last two give exit code 3.
"""


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of remark."""

    weight: Weight
    meaning: str
    """What it means for the delivery, as one sentence."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that people should know about a source or a result."""

    code: str
    """A key of `CODES`, the name of a check, or `PACKAGE:NAME` of another package."""
    sentence: str
    place: str = ""
    """Where it is: an item (`s0003`), a track (`sound track 2`), a file and line (`a.srt, line 12`)."""
    weight: Weight = "note"
    means: str = ""
    """What it means for the delivery, for a code that is not in `CODES`."""

    @property
    def meaning(self) -> str:
        """What it means for the delivery, as one sentence."""
        code = CODES.get(self.code)
        return code.meaning if code else self.means


Tell = Callable[[Remark], None]
"""Takes the remarks of work that makes several."""

CODES: Mapping[str, Code] = {
    "not-driven": Code("degraded", "Lips that were to follow given speech are the source's."),
    "lips-not-following": Code("degraded", "A part of a line is heard while its lips are the source's."),
    "given-sound-cut": Code("degraded", "The end of the sound that was given is not in the dub."),
    "given-sound-short": Code("note", "The sound that was given ends before the picture does."),
    "stream-left-out": Code("degraded", "A track of the source that people see or hear is not in the dub."),
    "data-left-out": Code("note", "Something of the source that players do not show is not in the dub."),
    "sound-re-encoded": Code("note", "An original sound track was coded again, with a small loss."),
    "subtitles-simplified": Code("note", "Subtitles of the source have lost their styles and places."),
    "subtitles-left-out": Code("degraded", "Lines of the source's own subtitles are not in the dub."),
    "flags-left-out": Code("note", "Players may offer a track under another name or at another moment."),
    "tags-left-out": Code("note", "Names, dates or other words about the source are not in the dub."),
    "chapters-simplified": Code("note", "The chapters of the dub are not all that the source's are."),
    "picture-data-left-out": Code("degraded", "Players may show the picture otherwise than the source's."),
    "source-cut-off": Code(
        "doubtful", "The source ends early, and the dub with it: the rest of the film is missing."
    ),
    "source-damaged": Code(
        "degraded", "Part of the source cannot be read; picture or sound is missing there."
    ),
    "sound-damaged": Code("degraded", "Damaged parts of the source's sound are silent in the dub, too."),
    "sound-unreadable": Code("doubtful", "Nothing of the source's speech could be heard."),
    "source-gap": Code(
        "note", "The source's clock goes on where it holds nothing; the dub waits there, too."
    ),
    "stream-empty": Code("note", "A track of the source has no content, so there is nothing to take over."),
    "picture-chosen": Code("note", "The source has several pictures; the dub shows one of them."),
    "sound-chosen": Code(
        "note", "The source has several sound tracks; another one may be the right one to dub."
    ),
    "sound-missing": Code("doubtful", "Without sound there is nothing to dub."),
    "fall-back": Code("degraded", "Something better was missing or failed; the result is made without it."),
    "failed": Code("degraded", "A part could not be made: what stands in its place is the source's own."),
    "failed-for-now": Code(
        "degraded",
        "A part could not be made for a reason that may pass: the same run may make it later.",
    ),
    # takes
    "takes-budget": Code("note", "The line fails its checks, and the budget allows no further take of it."),
    "takes-by-time": Code("note", "The same run elsewhere may use other takes of some lines."),
    # the speech
    "no-speech": Code("doubtful", "Nothing was dubbed: the source's own sound is heard throughout."),
    "one-speaker": Code("degraded", "All lines have one speaker, and so one voice."),
    "voice-fall-back": Code("degraded", "A plainer voice speaks, because a better one is missing here."),
    "voice-chosen": Code("note", "The voice that was asked for speaks, though a better one may be here."),
    "delivery-unheeded": Code(
        "degraded", "The line is spoken in the voice's plain way, not in the one that was asked for."
    ),
    "translator-fall-back": Code(
        "degraded", "The chosen translator could not do the lines, so another one did them."
    ),
    "not-for-commerce": Code("note", "The licence of the translation's model forbids commercial use."),
    "translated-through": Code(
        "degraded", "Lines went through a third language, where some of their meaning may be lost."
    ),
    "translated-through-chosen": Code("note", "Lines went through the language that you chose for it."),
    "untranslated": Code("degraded", "The line is not dubbed: the source's own sound is heard."),
    "term-replaced": Code(
        "note", "A term of the series stands where the translator had another word; read the line once."
    ),
    "term-missing": Code("doubtful", "A line does not say a term as the series approves it."),
    "series-unfit": Code("doubtful", "The words of the series cannot be read, so nothing follows them."),
    "series-conflict": Code(
        "doubtful", "Two entries of the series say different things; only the first one is followed."
    ),
    "words-not-fitted": Code(
        "degraded", "The line keeps its first translation, which is too long or too short for its time."
    ),
    "line-not-in-file": Code(
        "degraded", "Your file has no text for the line: the source's own sound is heard."
    ),
    "level-of-its-own": Code("note", "The dub is as loud as programmes usually are, not as the source."),
    "separation-not-used": Code(
        "degraded", "Music and effects are turned down with the old voice, though they were to go on."
    ),
    "ducked-instead": Code("note", "Music and effects are turned down with the old voice there."),
    "sound-levelled": Code(
        "note", "All samples of the dub have one gain, because a delivery level was asked for."
    ),
    "sound-coded-again": Code(
        "note", "The finished file has its delivery level; its peaks gave way a little."
    ),
    "nonverbal-covered": Code("note", "A laugh or a breath of the source is not heard in the dub."),
    "song-kept": Code("note", "What is sung keeps the source's sound."),
    "passage-kept": Code("note", "A passage that you named keeps the source's sound."),
    "voice-shared": Code("degraded", "Several people speak with one voice, so they cannot be told apart."),
    "voice-unsure": Code("degraded", "The voice may be too high or too low for the person."),
    "voice-unmeasured": Code("note", "The voice may be unlike the person's."),
    "voice-not-cloned": Code(
        "degraded", "A voice of the engine speaks instead of the person's own, which was to be cloned."
    ),
    "reference-missing": Code(
        "degraded", "The person's voice is not cloned: a voice of the engine speaks instead."
    ),
    "reference-short": Code("degraded", "The cloned voice may be unlike the person's."),
    "reference-changed": Code("note", "A recording that you gave was shortened before it was used."),
    "reference-unused": Code("note", "A recording that you gave belongs to nobody in the episode."),
    "consent-missing": Code("note", "A voice is cloned of which no consent is recorded."),
    "people-unsure": Code(
        "doubtful", "A person whom the series may know has the name and the voice of somebody new."
    ),
    "people-differ": Code("note", "The episode keeps what people said in it, the series what it was told."),
    "people-voice-lost": Code("degraded", "A person of the series has another voice than before."),
    "people-voice-elsewhere": Code(
        "note", "A person speaks with another voice than the one chosen for the series."
    ),
    "speakers-hardly-heard": Code("note", "A person with few words may count as somebody else."),
    "speakers-doubtful": Code("doubtful", "Lines of one person may have two voices, or two people one."),
    "listener-fall-back": Code(
        "note", "The word error of the dub is measured with the model that also heard the source."
    ),
    "line-cut": Code("degraded", "The end of the line is not heard."),
    "line-too-long": Code("note", "The line is spoken faster than is pleasant to listen to."),
    "line-far-too-long": Code("degraded", "The line is spoken so fast that it is hard to understand."),
    "recording-not-used": Code("degraded", "What a person recorded for the line is not heard."),
    "recording-held-back": Code("note", "Of several sounds for one line, another one is heard."),
    "recording-without-line": Code("degraded", "What a person recorded is not heard: no line has that name."),
    "recording-misplaced": Code("degraded", "What people recorded is not heard: it lies in another folder."),
    "recording-removed": Code("note", "The line has the voice that it had before it was recorded."),
    "recording-too-long": Code("degraded", "The line runs on, so others make way or are talked over."),
    "recording-faster": Code("note", "A person's performance is played a little faster, at the same pitch."),
    "recording-clipped": Code("doubtful", "The recording may sound distorted."),
    "recording-other-words": Code("doubtful", "What is heard may not be what the line says."),
    "clip-silent": Code("degraded", "The line is not heard."),
    # the picture
    "pictures-unchecked": Code(
        "note", "Faults of generated pictures may be in the dub that nobody looked for."
    ),
    "face-finder": Code("degraded", "Faces may be missed, and their lines then keep the source's lips."),
    "mouths-unseen": Code(
        "note", "Lines may start a little off where the picture shows the speaker's mouth."
    ),
    "ages-unseen": Code("note", "Ages of speakers are guessed from their voices alone."),
    "no-face": Code("degraded", "The whole picture of the clip is generated, not the face alone."),
    "picture-recoded": Code(
        "degraded", "No picture is the source's own bytes any more, and some detail is lost."
    ),
    "frames-filled": Code("degraded", "Pictures that could not be read show their neighbours."),
    # the generator
    "picture-cropped": Code("note", "Part of the source's picture is not in the result."),
    "frames-on-grid": Code("note", "The result is a little longer than was asked for."),
    "rate-changed": Code("note", "The result is faster or slower than the source."),
    "rate-evened": Code("degraded", "Frames are shown a little earlier or later than in the source."),
    "lips-not-moved": Code("degraded", "Lips that a program was to move are the source's."),
    "lips-licence": Code("note", "The licence of what moved the lips limits what the dub may be used for."),
    "clip-held": Code("degraded", "The last picture of a clip stands still for a moment."),
    "clip-scaled": Code("note", "The program that made a clip made larger pictures than were needed."),
    "clip-enlarged": Code("degraded", "A clip is less sharp than the film around it."),
    "clip-long": Code("doubtful", "The clip may drift or fall apart towards its end."),
    "clips-shortened": Code("note", "Lines are generated in more and shorter clips than elsewhere."),
    "memory-fall-back": Code("note", "The result is the same; making it took longer."),
    "device-lost": Code("note", "The others did its work; the result is the same."),
    "lora-missing": Code("doubtful", "Lips and speech may have nothing to do with the source."),
    "lora-unused": Code("degraded", "The LoRA changes less than it was made to."),
    "prompt-not-enhanced": Code("note", "The film is made from the words as they were written."),
    # chunks
    "chunks-without-picture": Code("degraded", "The chunks play without a picture; the finished dub has it."),
    "chunk-long": Code("note", "A part of the dub can be played later than the chunks before it."),
    # hand edits
    "edit-without-line": Code("note", "The edit is kept in edits.json and changes nothing."),
    "edit-out-of-place": Code("note", "The edit may no longer do what it was made for."),
    "lock-conflict": Code("note", "The line stays as it was locked, until somebody unlocks it."),
    "hand-changed": Code("note", "The changed file is kept under another name and is used no more."),
    # packs
    "pack-incomplete": Code("degraded", "Something that a pack usually holds is not in this one."),
    "pack-without": Code("note", "A pack holds less than it could."),
    "lines-to-look-at": Code(
        "doubtful", "Lines are handed over that nobody has approved since they were marked."
    ),
    "not-signed": Code("note", "Nobody can check who made the files of a pack."),
    # subtitles of the user's own
    "encoding-recognised": Code("note", "The text was read in the encoding that fits its language."),
    "encoding-guessed": Code(
        "doubtful", "Letters may be wrong: name the encoding, or save the file as UTF-8."
    ),
    "text-damaged": Code("doubtful", "Letters were damaged before the file came here: compare the texts."),
    "cue-left-out": Code("doubtful", "A subtitle that cannot be read is not in the result."),
    "cue-times-changed": Code("note", "A subtitle begins or ends at another time than its file says."),
    "cue-beyond-end": Code(
        "doubtful", "The film ends before a subtitle begins: the file may be of another cut."
    ),
    "subtitles-not-spoken": Code(
        "note", "What nobody says is not spoken: the source's own sound stays there."
    ),
    "other-languages": Code("note", "Of a file in several languages, the subtitles in one were taken."),
    "subtitle-too-fast": Code("note", "A subtitle is gone before people have read it."),
    "subtitles-empty": Code("note", "There is nothing that needs subtitles of that kind."),
    "sounds-not-told": Code("note", "Subtitles for people who do not hear do not tell all sounds."),
    "timeline-name-cut": Code("note", "A file of the timeline has another name in it than here."),
    "timeline-line-left-out": Code(
        "degraded", "A line that is not spoken, or that a generated clip says, is not on the timeline."
    ),
    "timeline-split": Code(
        "note", "The cast has more tracks than a file of that format: there are several files."
    ),
    "script-part-left-out": Code(
        "note", "A part of a script that dubkit has no use for is not in the result."
    ),
    "subtitles-repeated": Code("note", "What stands several times in a file is spoken once."),
    "translation-left-over": Code("doubtful", "A subtitle of the translation is not in the dub."),
    "translation-times": Code(
        "doubtful", "The line may have the translation of another one: compare the texts."
    ),
}
"""Code -> what it weighs and means."""


def remark(code: str, sentence: str, place: str = "") -> Remark:
    """Make a remark of a code of dubkit's own; its weight is that of the code.

    >>> remark("fall-back", "espeak speaks: a robotic voice").weight
    'degraded'
    """
    return Remark(code, sentence, place, CODES[code].weight)
