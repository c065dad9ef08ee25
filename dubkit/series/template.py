"""The series.toml that `dubkit series init` writes."""

from __future__ import annotations

import json
from pathlib import Path

from dubkit.errors import DubkitError
from dubkit.series.place import FILE

TEMPLATE = """\
# What the episodes of a series have in common. Films in this folder and in those below it follow it.
# Lines that begin with # are examples. Every entry may have a scope:
#   episodes = ["s01e*"]        only films whose names (without .mp4) match one of these
#   characters = ["Mara"]       only what these people say: names or ids such as spk1

title = {title}

# A term: what a word of the source is called in each language. The first approved form is the preferred one.
# [[terms]]
# source = "Warden"
# note = "The keeper of the gate, not of a prison."
# approved.pt-BR = ["Guardião", "Guardiã"]
# forbidden.pt-BR = ["Diretor"]

# How one person addresses another; `both = true` where the other one answers in the same way.
# [[address]]
# from = "Mara"
# to = "Tom"
# use.de = "du"
# use.fr = "tu"
# both = true

# What translators should heed; without languages, in all of them.
# [[style]]
# note = "Short sentences, no slang."
# languages = ["pt-BR"]

# How a word is said, written as the language would spell it. Subtitles keep the word.
# [[pronunciations]]
# word = "Xibalba"
# say = "chibalbá"
# languages = ["pt-BR"]
# engines = ["kokoro"]

# Running titles, which stay exactly as they are written here.
# [titles]
# "The Long Winter" = {{pt-BR = "O Longo Inverno", de = "Der lange Winter"}}
"""


def write_template(folder: Path, title: str) -> Path:
    """Write a series.toml into a folder and return it. Raises DubkitError where there is one."""
    file = folder / FILE
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(TEMPLATE.format(title=json.dumps(title, ensure_ascii=False)))
    except FileExistsError:
        raise DubkitError(
            f"{file} is there already.\nEdit it, or check it: dubkit series check {folder}"
        ) from None
    return file
