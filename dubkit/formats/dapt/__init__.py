"""DAPT, the W3C's format for the scripts of dubs and audio descriptions: read, held to its rules, written."""
