"""`dubkit characters`: the people of a series, over all its episodes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from dubkit.cli.options import languages, open_session, output_option
from dubkit.errors import DubkitError

if TYPE_CHECKING:
    from dubkit.episode.context import Context
    from dubkit.series.people.acts import Hand
    from dubkit.series.people.book import PeopleBook
    from dubkit.series.people.person import Entry, Person, Said
    from dubkit.studio import Session

F = TypeVar("F", bound=Callable[..., object])
MODES = ("preset", "clone", "auto")


@click.group(name="characters")
def command() -> None:
    """Show and change the people of a series: their names, descriptions and voices in all episodes.

    A PERSON is named by id or by name. The series is the nearest series.toml in this folder or above it, or
    what --series names.
    """


def _series_option(function: F) -> F:
    return click.option(
        "--series",
        "place",
        default="",
        metavar="FILE",
        help="The series.toml, or its folder; left out, the nearest one here or in a folder above.",
    )(function)


def _book(place: str) -> PeopleBook:
    """Open the people of the series. Raises DubkitError where there is none."""
    from dubkit.series.people.book import PeopleBook
    from dubkit.series.place import find_series

    named = place or _session(place).settings.series.file
    series = find_series(Path.cwd() / "episode", Path(named) if named else None)
    if series is None:
        raise DubkitError(
            f"There is no series.toml in {Path.cwd()} or a folder above it.\n"
            "Write one beside the episodes (it may be empty), or name one with --series."
        )
    return PeopleBook(series.data)


def _session(place: str, output: Path | str = "Output") -> Session:
    return open_session({"set_series__file": place or None}, Path(output))


def voiced_languages() -> list[str]:
    """Return the languages in which people of the series have a voice."""
    people = _book("").people().values()
    return sorted({key.partition("/")[0] for person in people for key in person.voices})


def _hand(place: str) -> Hand:
    from dubkit.cli.review.episode import who
    from dubkit.series.people.acts import Hand

    return Hand(_book(place), who())


def _say(entry: Entry | None) -> None:
    if entry is None:
        click.echo("Nothing to change: it is like this already.")
        return
    click.echo(f"{entry.number}: {entry.sentence}.")
    click.echo("Episodes take it over when they run next; `dubkit plan` says what that changes.", err=True)


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@_series_option
def list_command(as_json: bool, place: str) -> None:
    """List the people of the series, with their voices and episodes."""
    from dubkit.cli.tables import print_table
    from dubkit.episode.store import canonical

    people = _book(place).people()
    if as_json:
        click.echo(canonical(people).decode())
        return
    if not people:
        click.echo("The series knows nobody yet: people are added when its episodes run.")
        return
    print_table(
        ("id", "name", "seconds", "pitch", "episodes", "voices", "description"),
        [_row(person) for person in people.values()],
    )


def _row(person: Person) -> tuple[str, ...]:
    seen = list(person.sightings.values())
    pitches = [s.pitch_hz for s in seen if s.pitch_hz]
    return (
        person.id,
        person.called,
        f"{sum(s.seconds for s in seen):.1f}",
        f"{sum(pitches) / len(pitches):.0f} Hz" if pitches else "",
        ", ".join(person.episodes),
        ", ".join(f"{key} {said.value}" for key, said in person.voices.items()),
        person.description.value if person.description else "",
    )


@command.command(name="show")
@click.argument("person")
@_series_option
def show_command(person: str, place: str) -> None:
    """Show all that the series knows of a PERSON, and where it comes from."""
    from dubkit.series.people.acts import find_person

    book = _book(place)
    people = book.people()
    found = find_person(people, person)
    click.echo(f"{found.id}  {found.called}")
    fields: dict[str, Said | None] = {
        "name": found.name,
        "description": found.description,
        "age": found.age,
        "mode": found.mode,
        "style": found.style,
        **{f"voice {key}": said for key, said in found.voices.items()},
    }
    for name, said in fields.items():
        if said is not None:
            click.echo(f"  {name}: {said.value} ({_origin(said)})")
    for sighting in found.sightings.values():
        click.echo(
            f"  {sighting.episode}, {sighting.speaker}: {sighting.seconds:.1f} s, {sighting.pitch_hz:.0f} Hz"
        )
        if sighting.reference:
            click.echo(f"    to hear: {book.file(found.id, sighting.reference)}")
        if sighting.face:
            click.echo(f"    to see: {book.file(found.id, sighting.face)}")
    for other in found.apart:
        click.echo(f"  not {people[other].called if other in people else other} ({other})")


def _origin(said: Said) -> str:
    if said.by == "told":
        return "told"
    return f"{'edited' if said.by == 'edited' else 'found'} in {said.episode}"


@command.command(name="rename")
@click.argument("person")
@click.argument("name", required=False)
@click.option("--description", metavar="WORDS", help="Description for the prompt, such as: The young woman.")
@_series_option
def rename_command(person: str, name: str | None, description: str | None, place: str) -> None:
    """Change the NAME or the description of a PERSON in all episodes; an empty value takes it back."""
    if name is None and description is None:
        raise click.UsageError("What should change? Give a NAME or --description.")
    hand = _hand(place)
    if description is not None:
        _say(hand.tell(person, "description", description))
    if name is not None:
        _say(hand.tell(person, "name", name))


@command.command(name="merge")
@click.argument("people", nargs=-1, required=True, metavar="PERSON...")
@click.option("--into", required=True, metavar="PERSON", help="Who they really are.")
@_series_option
def merge_command(people: tuple[str, ...], into: str, place: str) -> None:
    """Merge people who are one person; name and voices of --into count."""
    _say(_hand(place).merge(people, into))


@command.command(name="split")
@click.argument("person")
@click.option("--episode", required=True, metavar="NAME", help="The episode in which it is somebody else.")
@click.option("--speaker", default="", metavar="ID", help="One speaker of the episode, such as spk2.")
@click.option("--name", "called", default="", metavar="NAME", help="Name of the new person.")
@_series_option
def split_command(person: str, episode: str, speaker: str, called: str, place: str) -> None:
    """Split a PERSON who is somebody else in one episode."""
    _say(_hand(place).split(person, episode, speaker, called))


@command.command(name="keep-apart")
@click.argument("person")
@click.argument("other")
@_series_option
def keep_apart_command(person: str, other: str, place: str) -> None:
    """Note that a PERSON and an OTHER who sound alike are two, so that nobody is asked again."""
    _say(_hand(place).keep_apart(person, other))


@command.command(name="undo")
@click.argument("number", type=click.IntRange(1), required=False)
@_series_option
def undo_command(number: int | None, place: str) -> None:
    """Take back your last change, or that with a NUMBER of `dubkit characters history`."""
    _say(_hand(place).undo(number or 0))


@command.command(name="history")
@click.option("--runs", is_flag=True, help="Show what runs noted, too.")
@_series_option
def history_command(runs: bool, place: str) -> None:
    """List what was changed, and by whom."""
    from dubkit.cli.tables import print_table

    entries = [entry for entry in _book(place).history() if entry.who or runs]
    print_table(("change", "by", "what"), [(str(e.number), e.who or "a run", e.sentence) for e in entries])


@command.command(name="set-voice")
@click.argument("person")
@click.argument("voice")
@click.option("--to", "language", required=True, metavar="LANG", help="Language of the voice.")
@click.option(
    "--engine", default="", metavar="NAME", help="Voice engine; left out, the one that speaks here."
)
@_series_option
def set_voice_command(person: str, voice: str, language: str, engine: str, place: str) -> None:
    """Give a PERSON a VOICE in a language; an empty VOICE takes it back."""
    from stages.shared.voices import check_voice, voices_here

    session, tag = _session(place), languages((language,))[0]
    spoken = engine or voices_here(session, tag).choice.engine.name
    if voice and spoken == voices_here(session, tag).choice.engine.name:
        check_voice(session, tag, voice)
    _say(_hand(place).tell(person, f"voices/{tag}/{_engine(spoken)}", voice))


def _engine(name: str) -> str:
    from dubkit.voice.engine import ENGINES

    if name not in ENGINES.records:
        raise click.UsageError(f"There is no voice engine {name}; there are {', '.join(ENGINES.records)}.")
    return name


@command.command(name="set-mode")
@click.argument("person")
@click.argument("mode", type=click.Choice(MODES))
@_series_option
def set_mode_command(person: str, mode: str, place: str) -> None:
    """Let a PERSON speak with a voice of the engine (preset) or their own (clone); auto: as the run says."""
    _say(_hand(place).tell(person, "mode", "" if mode == "auto" else mode))


@command.command(name="set-style")
@click.argument("person")
@click.argument("words")
@_series_option
def set_style_command(person: str, words: str, place: str) -> None:
    """Say in WORDS how a PERSON speaks, where a line says nothing else; empty WORDS take it back."""
    _say(_hand(place).tell(person, "style", words))


@command.command(name="enrol")
@click.argument("episode", type=click.Path(path_type=Path), metavar="EPISODE")
@click.argument("speaker")
@click.option("--as", "as_person", default="", metavar="PERSON", help="Who of the series it is.")
@output_option
def enrol_command(episode: Path, speaker: str, as_person: str, output: Path) -> None:
    """Add a SPEAKER of an EPISODE to its series, as somebody new or as a PERSON whom it knows."""
    from dubkit.cli.review.episode import who
    from dubkit.review.people import enrol_speaker
    from dubkit.series.people.acts import Hand
    from stages.shared.people.memory import open_book

    context = _episode(episode, output)
    if context.series is None:
        raise click.UsageError(f"{episode} belongs to no series: there is no series.toml beside or above it.")
    _say(enrol_speaker(Hand(open_book(context), who()), context, speaker, as_person))


def _episode(episode: Path, output: Path) -> Context:
    from dubkit.review.opening import of_folder
    from dubkit.studio import episode_context

    session = open_session({}, output, episode if episode.is_file() else None)
    if episode.is_file():
        return episode_context(session, episode)
    return of_folder(session, episode if episode.is_dir() else output / episode)


@command.command(name="audition")
@click.argument("person")
@click.option("--to", "language", required=True, metavar="LANG", help="Language to speak.")
@click.option(
    "--text", default="", metavar="WORDS", help="What to say; left out, a sentence of dubkit's own."
)
@click.option(
    "--out",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    help="WAV file to write; left out, NAME.LANG.wav here.",
)
@_series_option
def audition_command(person: str, language: str, text: str, target: Path | None, place: str) -> None:
    """Speak a sentence in the voice of a PERSON, into a file."""
    from dubkit.review.people import audition
    from dubkit.series.people.acts import find_person

    found, tag = find_person(_book(place).people(), person), languages((language,))[0]
    plain = "".join(letter if letter.isalnum() else "_" for letter in found.called)
    file = target or Path(f"{plain}.{tag}.wav")
    voice = audition(_session(place), found, tag, text, file)
    click.echo(f"{file}: {found.called} as {voice}")


@command.command(name="drift")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@_series_option
def drift_command(as_json: bool, place: str) -> None:
    """Report people whose voice differs from one episode to the next: another was cast, or it sounds so.

    Exit codes: 0 nothing differs, 3 something does.
    """
    from dubkit.episode.store import canonical
    from dubkit.review.people import drift_report

    report = drift_report(_session(place), _book(place).people())
    if as_json:
        click.echo(canonical(report).decode())
    for drift in () if as_json else report.drifts:
        click.echo(
            f"{drift.called} ({drift.person}), {drift.language}, {drift.before} → {drift.after}: {drift.why}"
        )
    if not as_json:
        for problem in report.unheard:
            click.echo(f"Not heard: {problem}", err=True)
        click.echo(f"{report.compared} compared, {len(report.drifts)} differ.")
    raise SystemExit(3 if report.drifts else 0)
