"""Cells of tables that spreadsheets open."""

from __future__ import annotations

import re
from typing import Any

# Quotes before it count too, so that every cell comes back as it was. Spreadsheets pass over blanks, and
# some take the full-width signs for the plain ones.
_FORMULA = re.compile(r"'*\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")


def quoted(cell: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula: texts that begin like one get a `'` before them.

    >>> quoted("=1+1"), quoted("- Olá"), quoted("Olá")
    ("'=1+1", "'- Olá", 'Olá')
    """
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def unquoted(cell: str) -> str:
    """Return what `quoted` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
