"""Values of edits, field by field: what one is now, and the edits with another one."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import msgspec

from dubkit.episode.edits.events import FORMS, Change
from dubkit.episode.edits.forms import Edits
from dubkit.errors import EditRefused


def value_of(edits: Edits, change: Change) -> Any:
    """Return what a field of an item is now, as plain JSON; None when nobody edited it."""
    entry = getattr(edits, change.section).get(change.item)
    return None if entry is None else msgspec.to_builtins(getattr(entry, change.field))


def with_value(edits: Edits, change: Change) -> Edits:
    """Return the edits with a change made. Raises EditRefused for a value the field cannot have."""
    form = FORMS[change.section]
    entries = dict(getattr(edits, change.section))
    entry = entries.get(change.item) or form()
    table = {f.name: msgspec.to_builtins(getattr(entry, f.name)) for f in fields(entry)}
    if change.field not in table:
        raise EditRefused(f"{change.section}.{change.item}.{change.field}: no such field.")
    try:
        entries[change.item] = msgspec.convert(table | {change.field: change.after}, form)
    except msgspec.ValidationError as error:
        value = str(change.after)[:80]
        raise EditRefused(f"{change.item}: {change.field} cannot be {value!r}: {error}.") from None
    if entries[change.item] == form():
        del entries[change.item]
    return replace(edits, **{change.section: entries})
