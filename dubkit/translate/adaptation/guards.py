"""What a text loses of a line when it is said otherwise: names, numbers, negation, meaning."""

from __future__ import annotations

from dataclasses import dataclass

from dubkit.translate.adaptation.names import has_name, names
from dubkit.translate.adaptation.negation import denials
from dubkit.translate.adaptation.numbers import other_numbers


@dataclass(frozen=True, slots=True)
class Guards:
    """Compares texts of one pair of languages with the first translation of their line."""

    source_language: str
    language: str

    def losses(self, source: str, first: str, text: str) -> tuple[str, ...]:
        """Return what a text loses of what the first translation kept, and what it says besides.

        >>> Guards("en", "pt-BR").losses("Ana is not 12.", "Ana não tem 12 anos.", "Ela tem doze anos.")
        ('name: Ana', 'negation')
        """
        lost = [
            f"name: {name}"
            for name in names(source, first, self.source_language, self.language)
            if not has_name(text, name)
        ]
        lost += [f"number: {number}" for number in other_numbers(first, text, self.language)]
        lost += [f"other number: {number}" for number in other_numbers(text, first, self.language)]
        denied, denies = denials(first, self.language), denials(text, self.language)
        if denied is not None and denies is not None and denied > denies:
            lost.append("negation")
        if not denied and denies and not denials(source, self.source_language):
            lost.append("other negation")
        if first.rstrip().endswith("?") and not text.rstrip().endswith("?"):
            lost.append("question")
        return tuple(lost)
