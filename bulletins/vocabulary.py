"""The tables of synonyms, kept as data beside this file: headers, coded values, languages."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import yaml

from bulletins.look_alikes import word


class VocabularyError(ValueError):
    """A table of synonyms in which one word means two things, or a code has no entry."""


@cache
def _table(name: str) -> dict[str, dict[str, list[str]]]:
    text = files("bulletins").joinpath("words", f"{name}.yaml").read_text(encoding="utf-8")
    table: dict[str, dict[str, list[str]]] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return table


@cache
def header_words(columns: tuple[str, ...]) -> Mapping[str, str]:
    """Every spelling of the headers of one kind of file -> the column it names."""
    headers = _table("headers")["headers"]
    return _spellings("headers", {column: headers.get(column, []) for column in columns})


@cache
def value_words(kind: str, codes: tuple[str, ...]) -> Mapping[str, str]:
    """Every spelling of the coded values of `kind` -> the code; VocabularyError if a code has no synonyms."""
    values = _table("values")[kind]
    if set(values) != set(codes):
        raise VocabularyError(f"values.yaml, {kind}: expected entries for {', '.join(codes)}")
    return _spellings(kind, values)


@cache
def language_words() -> Mapping[str, str]:
    """ISO 639-1 codes and the names of languages in Kazakh and Russian -> the code."""
    languages = _table("languages")
    names = languages["names"]
    return _spellings("languages", {code: names.get(code, []) for code in languages["codes"]["iso_639_1"]})


def _spellings(kind: str, synonyms: dict[str, list[str]]) -> Mapping[str, str]:
    spellings: dict[str, str] = {}
    for code, others in synonyms.items():
        for spelling in (code, *others):
            known = spellings.setdefault(word(spelling), code)
            if known != code:
                raise VocabularyError(f"{kind}: '{spelling}' means both {known} and {code}")
    return MappingProxyType(spellings)
