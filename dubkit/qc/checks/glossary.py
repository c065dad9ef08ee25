"""Whether lines have the words of their series: its terms, its forms of address."""

from __future__ import annotations

from dubkit.qc.check import Check, Finding
from dubkit.qc.evidence import LineEvidence


def _terms(line: LineEvidence, _: None) -> Finding:
    return Finding(bool(line.terms), "; ".join(line.terms or ()) or None)


def _address(line: LineEvidence, _: None) -> Finding:
    return Finding(bool(line.address), line.address or None)


GLOSSARY = Check(
    "glossary",
    "Other term",
    "The line does not say a term as its series approves it, or says a forbidden form.",
    line=_terms,
    needs=("terms",),
    measures="Terms",
    retake=False,
)
ADDRESS = Check(
    "address",
    "Other address",
    "The line addresses somebody in another form than its series has for the two.",
    line=_address,
    needs=("address",),
    mild=True,
    measures="Address",
)
