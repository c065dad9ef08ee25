"""What messages say to whom."""

from __future__ import annotations

import doctest

import pytest

from dubkit.web.accounts import redaction
from dubkit.web.accounts.people import Person, Role
from dubkit.web.accounts.redaction import redact_paths


@pytest.mark.parametrize(("role", "said"), [("viewer", "3.11 at …"), ("admin", "3.11 at /opt/py/bin/python")])
def test_where_programs_lie_is_for_admins(role: Role, said: str) -> None:
    assert redact_paths(Person("somebody", role), "3.11 at /opt/py/bin/python") == said


def test_sentences_without_places_stay_as_they_are() -> None:
    said = "2 cores, 23/24 GB free; ask for either/or at https://dub.example/a/b"
    assert redact_paths(Person("eve", "editor"), said) == said


def test_the_example_is_true() -> None:
    assert doctest.testmod(redaction).failed == 0
