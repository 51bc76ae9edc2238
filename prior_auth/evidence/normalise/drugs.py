"""Which drug is this: ingredient, classes and product, from RxNorm, HCPCS, names, brands and biosimilar suffixes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.evidence.normalise.codes import HCPCS, RXN, codings, refuse_absent, statements
from prior_auth.evidence.normalise.drug_table import (
    HCPCS_DRUGS,
    INGREDIENTS,
    PRODUCT_BY_NAME,
    PRODUCTS,
    RXNORM_PRODUCTS,
    Ingredient,
    Product,
)
from prior_auth.evidence.normalise.reading import Normaliser, Reading, Unreadable
from prior_auth.evidence.normalise.regimens import regimens_in
from prior_auth.evidence.normalise.text import doubtful, fold, of_family

INGREDIENT = "urn:prior-auth:ingredient"
_BY_RXNORM = {each.rxnorm: each.name for each in INGREDIENTS.values() if each.rxnorm} | dict(RXNORM_PRODUCTS)
_CONJUGATE = r"(?!(?:[\s-]+(?:emtansine|deruxtecan|duocarmazine|rezetecan|botidotin|vedotin)))"
_NOT_GIVEN = re.compile(
    r"\b(no|not|without|never|denies|declin\w*|refus\w*|avoid\w*|instead of|rather than|allerg\w*|intoleran\w*|"
    r"contraindicat\w*|hold|held|considered?|considering|possible|family history|mother|discontinued before)\b"
)


def _pattern(name: str) -> str:
    """A name as charts write it: blanks and hyphens alike."""
    return r"[\s-]+".join(re.escape(part) for part in re.split(r"[\s-]+", name)) if name else ""


def _names() -> Iterable[tuple[str, str, Product | None]]:
    """(pattern, ingredient, product) of everything a drug is called, longest first."""
    for ingredient in INGREDIENTS.values():
        for name in (ingredient.name, *ingredient.names):
            yield _pattern(name) + (_CONJUGATE if name == "trastuzumab" else ""), ingredient.name, None
    for product in PRODUCTS:
        for name in (product.name.lower(), *product.names):
            yield _pattern(name), product.ingredient, product
        if product.suffix:
            yield rf"{product.ingredient}-\s?{product.suffix}", product.ingredient, product


_ALL_NAMES = sorted(_names(), key=lambda each: len(each[0].removesuffix(_CONJUGATE)), reverse=True)
_ANY_NAME = re.compile(
    "|".join(f"(?P<n{index}>(?<![a-z0-9]){pattern}(?![a-z0-9]))" for index, (pattern, _, _) in enumerate(_ALL_NAMES))
)
_WORD = re.compile(r"[a-z0-9]+")
# Every name begins with one of these: a text without any names no drug, and most texts of a chart are such.
_FIRST_WORDS = frozenset(
    _WORD.findall(name)[0] for each in INGREDIENTS.values() for name in (each.name, *each.names)
) | frozenset(_WORD.findall(name)[0] for each in PRODUCTS for name in (each.name.lower(), *each.names))
# Four letters after the name mark a biosimilar of these, listed in the table or not.
_UNLISTED_SUFFIX = re.compile(r"\b(trastuzumab|bevacizumab|rituximab|pegfilgrastim)-(?P<suffix>[a-z]{4})\b")


def named_in(text: str) -> tuple[tuple[Ingredient, Product | None], ...]:
    """Every drug a text names as such, in order; a drug that it says was not given is none of them."""
    folded = fold(text)
    if _FIRST_WORDS.isdisjoint(_WORD.findall(folded)):
        return ()
    if doubtful(folded) or of_family(folded):
        raise Unreadable("the text doubts, or speaks of the family")
    found: dict[str, set[Product]] = {}
    for match in _ANY_NAME.finditer(folded):
        _, name, product = _ALL_NAMES[int((match.lastgroup or "n0")[1:])]
        before = folded[: match.start()].rsplit(";", 1)[-1].split()[-4:]
        if _NOT_GIVEN.search(" ".join(before)):
            raise Unreadable("the text names a drug that was not given, or doubts it")
        product = product or _unlisted(folded, name)
        found.setdefault(name, set())
        if product:
            found[name].add(product)
    return tuple((INGREDIENTS[name], _one(products)) for name, products in found.items())


def of_regimens(text: str) -> tuple[Ingredient, ...]:
    """The drugs of the regimens that a text names. Raises Unreadable where it denies or doubts."""
    folded = fold(text)
    found = regimens_in(folded)
    if found and (doubtful(folded) or of_family(folded)):
        raise Unreadable("the text doubts, or speaks of the family")
    for place, _ in found:
        if _NOT_GIVEN.search(" ".join(folded[:place].rsplit(";", 1)[-1].split()[-4:])):
            raise Unreadable("the text names a regimen that was not given, or doubts it")
    return tuple(INGREDIENTS[name] for name in dict.fromkeys(name for _, names in found for name in names))


def _unlisted(folded: str, name: str) -> Product | None:
    match = _UNLISTED_SUFFIX.search(folded)
    if match is None or match[1] != name:
        return None
    return Product(name, "biosimilar", f"{name}-{match['suffix']}", match["suffix"])


def _by_code(coding: Coding) -> tuple[str, Product | None] | None:
    if coding.system == RXN and coding.code in _BY_RXNORM:
        return _BY_RXNORM[coding.code], None
    if coding.system == INGREDIENT and coding.code.replace("-", " ") in INGREDIENTS:
        return coding.code.replace("-", " "), None
    if coding.system == HCPCS or (not coding.system and re.fullmatch(r"[JQ]\d{4}", coding.code)):
        known = HCPCS_DRUGS.get(coding.code.upper())
        return (known[0], PRODUCT_BY_NAME[known[1]] if known[1] else None) if known else None
    return None


def recognise(value: Any) -> tuple[tuple[Ingredient, Product | None], ...]:
    """The drugs of a CodeableConcept or text. Raises Unreadable where codes and words name different drugs."""
    refuse_absent(value)
    by_code = [found for found in map(_by_code, codings(value)) if found]
    by_name = [found for words in statements(value) for found in named_in(words)]
    if not by_code and not by_name:  # a drug that is named is itself, whatever regimen it belongs to
        by_name = [(each, None) for words in statements(value) for each in of_regimens(words)]
    names = {name for name, _ in by_code} | {ingredient.name for ingredient, _ in by_name}
    if by_code and len(names) > 1:
        raise Unreadable("codes and words name different drugs")
    products: dict[str, set[Product]] = {name: set() for name in names}
    for name, product in (*by_code, *((ingredient.name, product) for ingredient, product in by_name)):
        if product:
            products[name].add(product)
    order = dict.fromkeys([name for name, _ in by_code] + [ingredient.name for ingredient, _ in by_name])
    return tuple((INGREDIENTS[name], _one(products[name])) for name in order)


def _one(products: set[Product]) -> Product | None:
    """The one product that is named; two of one drug leave open which is meant, not which drug."""
    return next(iter(products)) if len(products) == 1 else None


def ingredient(codings_: Sequence[Coding], text: str | None) -> Ingredient | None:
    """The one ingredient of codings and text together; None where none is known or they disagree."""
    raw = [{"system": each.system, "code": each.code, "display": each.display or ""} for each in codings_]
    try:
        found = recognise({"coding": raw, "text": text or ""})
    except Unreadable:
        return None
    return found[0][0] if len(found) == 1 else None


def coded_ingredient(found: Ingredient) -> Coding:
    """RxNorm's ingredient; a code of our own where the table knows none, so that classes still hold the drug."""
    return (
        Coding(RXN, found.rxnorm, found.name)
        if found.rxnorm
        else Coding(INGREDIENT, found.name.replace(" ", "-"), found.name)
    )


def drug(_: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """One reading for each drug that is named; `extra["ingredient"]` and `extra["product"]` tell the rest."""
    found = recognise(value)
    if not found:
        raise Unreadable("no drug of the ingredient table")
    text = next(iter(statements(value)), None)
    return tuple(
        Reading(each.name, coded=coded_ingredient(each), text=text, extra={"ingredient": each, "product": product})
        for each, product in found
    )


DRUG_NORMALISERS: Mapping[str, Normaliser] = {"drug": drug}
