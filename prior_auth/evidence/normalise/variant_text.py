"""Gene results in words: `EGFR: no mutation detected`, `BRCA2 c.5946delT pathogenic (germline)`, `ALK negative`.

A text is cut into sentences. In one that begins with a negation all genes are absent; otherwise each gene goes with the
answer that follows it. Where it is open what a negation belongs to, the text is unread.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from prior_auth.evidence.normalise.genes import GENE_NAME, symbols_in
from prior_auth.evidence.normalise.hgvs import egfr_class, egfr_protein_of_coding, protein
from prior_auth.evidence.normalise.reading import Unreadable
from prior_auth.evidence.normalise.significance import SIGNIFICANCE_WORDS
from prior_auth.evidence.normalise.text import Lexicon, Token, doubtful, fold, negated, of_family


@dataclass(frozen=True, slots=True)
class Finding:
    """One result: `genes` are symbols; `protein` canonical; `egfr` the class of a change named by its class alone."""

    genes: tuple[str, ...]
    present: bool
    protein: str | None = None
    coding: str | None = None
    egfr: str | None = None
    source: str | None = None
    significance: str | None = None
    fusion: bool = False
    method: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a test looked for, by its name. `change_said` where it is one change only, not the gene."""

    genes: tuple[str, ...]
    change_said: bool = False
    fusion: bool = False
    source: str | None = None
    method: str | None = None
    finding: Finding | None = None

    def answered(self, answer: str) -> Finding:
        present = answer == "present"
        if present and self.finding:
            return replace(self.finding, present=True)
        return Finding(self.genes, present, source=self.source, fusion=self.fusion, method=self.method)


_CODING = (
    r"(?:nm_\d+(?:\.\d+)?(?:\([a-z0-9]+\))?:)?c\.[0-9_+*-]+(?:[acgt]>[acgt]|delins[acgt]+|(?:del|dup|ins)[acgt]*)|"
    r"\d{3,5}(?:del|ins|dup)[acgt]+"
)
_PROTEIN = (
    r"(?:np_\d+(?:\.\d+)?:)?p\.\(?[a-z*]{1,3}\d+[a-z0-9_*]*\)?|[acdefghiklmnpqrstvwy]\d{2,4}[acdefghiklmnpqrstvwy*]|"
    r"[a-z]\d{2,4}_[a-z]\d{2,4}(?:delins|del|ins|dup)[a-z]*|[a-z]\d{2,4}[a-z]?fs(?:\*|ter|x)?\d*"
)
_THING = (
    r"mutations?|variants?|alterations?|aberrations?|changes?|abnormalit(?:y|ies)|deletions?/duplications?|"
    r"gene rearrangements?|hotspots?"
)
_FUSION = r"rearrange(?:ments?|d)|fusions?|translocations?|break-?apart"
_KIND = (
    r"(?:clinically significant|clinically relevant|known|reportable|actionable|targetable|sensiti[sz]ing|activating|"
    r"driver|common|any|significant)"
)
_PARTNERS = r"(?:eml4|kif5b|cd74|tfg|strn|slc34a2|ezr|sdc4|hip1|met|ccdc6|ncoa4|tpm3|etv6|lmna)"

_LEXICON = Lexicon(
    (
        ("copies", r"amplif\w+|copy number\w*(?: gain| loss)?|over-?express\w+"),
        ("fusion-gene", rf"{_PARTNERS}(?:-|::){_PARTNERS}?(?P<gene>alk|ros1|ret|ntrk[123])"),
        ("exon-19-deletion", r"(?:exon|ex)\s?19\s?(?:deletions?|del)"),
        ("exon-20-insertion", r"(?:exon|ex)\s?20\s?(?:insertions?|ins)"),
        ("G719X", r"g719x"),
        ("germline-gene", r"g(?P<gene>brca(?:\s?1\s?/\s?2|[12])?)(?P<mutated>m)?"),
        ("somatic-gene", r"[st](?P<gene>brca(?:\s?1\s?/\s?2|[12])?)(?P<mutated>m)"),
        ("gene", r"epidermal growth factor receptor|anaplastic lymphoma kinase|" + GENE_NAME),
        ("coding", _CODING),
        ("protein", _PROTEIN),
        (
            "negative",
            rf"negative for|negative|neg|wild[- ]?type|wt|not mutated|unmutated|non-?mutated|not rearranged|"
            rf"non-?rearranged|undetected|absent|none (?:detected|identified|found|seen)|"
            rf"not (?:detected|identified|found|seen|present|observed)|"
            rf"(?:{_THING}) not (?:detected|identified|found|seen)",
        ),
        ("no", r"no evidence of(?: an?| any)?|no|none of the following|absence of|without"),
        ("positive", r"positive for|positive|pos|mutated|mutant|mutation[- ]positive|rearranged|altered"),
        ("detected", r"detected|identified|found|seen|present|observed|reported"),
        ("fusion", _FUSION),
        ("pathogenic-or-likely", r"pathogenic(?: or | ?/ ?|,? and )likely pathogenic|p/lp|plp"),
        *SIGNIFICANCE_WORDS,
        ("germline", r"germ-?line|hereditary"),
        ("somatic", r"somatic"),
        ("ihc", r"ihc|immunohistochemistry|d5f3"),
        ("or", r"and/or|or|nor"),
        ("and", r"and|&|/"),
        ("comma", r","),
        (
            "noise",
            rf"{_THING}|{_KIND}|(?:vaf|maf|allele (?:frequency|fraction))\s?[:=]?\s?(?:of )?\d+(?:\.\d+)?\s?%|"
            r"genes?|analysis|testing|tested|test|results?|status|by|via|using|ngs|next[- ]generation sequencing|pcr|"
            r"fish|"
            r"fluorescence in situ hybridization|sequencing|dna|rna|in|of|for|on|the|an?|is|was|were|has|with|"
            r"exons? \d{1,2}(?: ?(?:-|and|through) ?\d{1,2})?|heterozygous|homozygous|assay|panel|comprehensive|full|"
            r"interpretation|finding|molecular|genomic|lung|breast|cancer|non-small cell|nsclc|sample|specimen|"
            r"all|both|plasma|ctdna|cell-free dna|tissue|tumou?r|blood|"
            r"method|nominal|qualitative|identifier|presence|genetics|"
            r"carrier|report|kinase domain|missense|nonsense|frameshift|point|class [1-5]|[()\[\]-]",
        ),
    )
)
_CLASSES = ("exon-19-deletion", "exon-20-insertion", "G719X")
_MEANINGS = tuple(name for name, _ in SIGNIFICANCE_WORDS)
_CHANGES = (*_CLASSES, "coding", "protein")
_LONG_NAMES = {"epidermal growth factor receptor": "EGFR", "anaplastic lymphoma kinase": "ALK"}


@dataclass(slots=True)
class _Part:
    """Genes and what was said of them, while a sentence is read."""

    genes: list[str] = field(default_factory=list)
    answers: set[str] = field(default_factory=set)  # present, absent
    changes: list[Token] = field(default_factory=list)
    meanings: set[str] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)
    fusion: bool = False
    method: str | None = None
    after_comma: bool = False
    no_open: bool = False  # a "no" whose verb ("detected") may still come
    plainly_negative: bool = False  # "negative", "wild type": an answer of the gene just named

    @property
    def told(self) -> bool:
        """Something was said of the genes, so the next gene begins a new part."""
        return bool(self.answers or self.changes or self.meanings)

    @property
    def implied(self) -> bool:
        """A change or its significance is named without saying whether it is there."""
        return bool((self.changes or self.meanings) and not self.answers)


def _genes_of(token: Token) -> tuple[str, ...]:
    if token.text in _LONG_NAMES:
        return (_LONG_NAMES[token.text],)
    return symbols_in(token.groups.get("gene") or token.text)


def findings_in(text: str, asked: Asked | None) -> tuple[Finding, ...]:
    """All results of a text. Raises Unreadable at any word, doubt or negation that leaves one open."""
    folded = fold(text.replace("\n", ";"))
    if of_family(folded):
        raise Unreadable("the text speaks of the family")
    sentences = [each.strip() for each in re.split(r";|\.(?=\s|$)", folded) if each.strip()]
    found: list[Finding] = []
    for sentence in sentences:
        if not _names_a_gene(sentence) and len(sentences) > 1 and not _says_something(sentence):
            continue
        found += _sentence(sentence, asked)
    if not found:
        raise Unreadable("the text names no result of a gene")
    _agree(found)
    return tuple(found)


def _names_a_gene(sentence: str) -> bool:
    return re.search(rf"(?<![a-z0-9])[gst]?(?:{GENE_NAME})", sentence) is not None


def _says_something(sentence: str) -> bool:
    """Words that could belong to a gene of another sentence."""
    words = (
        r"\b(positive|negative|mutat\w+|wild|pathogenic|benign|variant\w*|vus|detected|identified|found|"
        r"germline|somatic)\b"
    )
    return negated(sentence) or doubtful(sentence) or re.search(words, sentence) is not None


def _agree(found: Sequence[Finding]) -> None:
    harmless = ("benign", "likely-benign", "uncertain")
    absent = {gene for each in found if not each.present for gene in each.genes}
    present = {gene for each in found if each.present and each.significance not in harmless for gene in each.genes}
    if absent & present:
        raise Unreadable("the text says of one gene both that it is changed and that it is not")


def _sentence(sentence: str, asked: Asked | None) -> list[Finding]:
    tokens = _LEXICON.read(sentence, "result of a gene")
    if any(token.kind == "copies" for token in tokens):
        raise Unreadable("a result of copies or expression, not of variants")
    told = [token for token in tokens if token.kind not in ("comma", "and", "or")]
    if not told:
        raise Unreadable("the text names no result of a gene")
    if told[0].kind in ("no", "negative") and len(told) > 1:
        return [_all_absent(told[0], tokens, asked)]
    return _parts(tokens, asked)


def _all_absent(first: Token, tokens: Sequence[Token], asked: Asked | None) -> Finding:
    """`no pathogenic variants detected in BRCA1 or BRCA2`: one negation over the whole sentence."""
    kinds = [token.kind for token in tokens]
    if kinds.count("no") + kinds.count("negative") > 1 or "positive" in kinds or kinds.count("detected") > 1:
        raise Unreadable("the sentence begins with a negation and has a second answer")
    if first.kind == "no" and "comma" in kinds and not {"or", "and"} & set(kinds):
        raise Unreadable("it is open how far the negation goes")
    if "detected" in kinds:
        verb = kinds.index("detected")
        sides = [any(_names_gene(token) for token in side) for side in (tokens[:verb], tokens[verb:])]
        if all(sides):
            raise Unreadable("it is open how far the negation goes")
    part = _Part()
    for token in tokens:
        _take(part, token)
    part.answers = {"absent"}
    return _finding(part, asked)


def _parts(tokens: Sequence[Token], asked: Asked | None) -> list[Finding]:
    parts, leading, before = [_Part()], tokens[0].kind == "positive", ""
    for token in tokens:
        if _begins_a_part(parts[-1], token):
            parts.append(_Part(after_comma=before == "comma"))
            if leading:
                parts[-1].answers.add("present")
        _take(parts[-1], token)
        before = token.kind
    for place, part in enumerate(parts):
        if part.implied and any(_may_reach_back(later) for later in parts[place + 1 :]):
            raise Unreadable("it is open how far the negation goes")
    return [_finding(part, asked) for part in parts]


def _begins_a_part(part: _Part, token: Token) -> bool:
    if not (part.genes and part.told):
        return False
    return _names_gene(token) or token.kind == "no" or (token.kind in _MEANINGS and bool(part.meanings))


def _may_reach_back(part: _Part) -> bool:
    """`EGFR L858R and ALK fusion not detected`: is the first one there? `…, ALK negative` leaves no doubt."""
    return "absent" in part.answers and not (part.after_comma and part.plainly_negative)


def _names_gene(token: Token) -> bool:
    return token.kind in ("gene", "germline-gene", "somatic-gene", "fusion-gene")


def _take(part: _Part, token: Token) -> None:
    if _names_gene(token):
        _take_gene(part, token)
    elif token.kind in _CHANGES:
        part.changes.append(token)
    elif token.kind in _MEANINGS:
        part.meanings.add(token.kind)
    elif token.kind == "pathogenic-or-likely":
        part.meanings.add("likely-pathogenic")  # the weaker of the two that it may be
    elif token.kind in ("germline", "somatic"):
        part.sources.add(token.kind)
    elif token.kind == "fusion":
        part.fusion = True
    elif token.kind == "ihc":
        part.method = "ihc"
    else:
        _take_answer(part, token)


def _take_gene(part: _Part, token: Token) -> None:
    part.genes += _genes_of(token)
    if token.kind in ("germline-gene", "somatic-gene"):
        part.sources.add(token.kind.removesuffix("-gene"))
        if token.groups.get("mutated"):
            part.answers.add("present")
    part.fusion = part.fusion or token.kind == "fusion-gene"


def _take_answer(part: _Part, token: Token) -> None:
    if token.kind in ("negative", "no"):
        part.answers.add("absent")
        part.no_open = token.kind == "no"
        part.plainly_negative = token.text.startswith(("neg", "wild", "wt"))
    elif token.kind == "detected" and part.no_open:
        part.no_open = False  # "no mutation detected": the verb is the negation's
    elif token.kind in ("positive", "detected"):
        part.answers.add("present")
    part.fusion = part.fusion or token.text.endswith("rearranged")


def _finding(part: _Part, asked: Asked | None) -> Finding:
    genes = tuple(dict.fromkeys(part.genes)) or (asked.genes if asked else ())
    if not genes:
        raise Unreadable("a result without a gene")
    answers = part.answers or ({"present"} if part.told else set())
    if len(answers) != 1:
        raise Unreadable("neither present nor absent, or both")
    present = answers == {"present"}
    asks_for_one_change = asked is not None and asked.change_said and set(genes) <= set(asked.genes)
    if not present and (part.changes or asks_for_one_change or part.meanings - {"pathogenic", "likely-pathogenic"}):
        raise Unreadable("one change of the gene is absent, which says nothing of the others")
    if len(part.sources) > 1 or (present and len(part.meanings) > 1):
        raise Unreadable("the significance or the source contradicts itself")
    if part.method == "ihc" and genes != ("ALK",):
        raise Unreadable("a result of expression, not of variants")
    return _described(part, genes, asked, present)


def _described(part: _Part, genes: tuple[str, ...], asked: Asked | None, present: bool) -> Finding:
    change, coding, egfr = _change(part, genes)
    same = asked if asked and set(genes) <= set(asked.genes) else None
    if present and not part.changes and same and same.finding:
        change, coding, egfr = same.finding.protein, same.finding.coding, same.finding.egfr
    return Finding(
        genes,
        present,
        protein=change,
        coding=coding,
        egfr=egfr,
        source=next(iter(part.sources), None) or (same.source if same else None),
        significance=next(iter(part.meanings), None) if present else None,
        fusion=part.fusion or bool(same and same.fusion),
        method=part.method or (same.method if same else None),
    )


def _change(part: _Part, genes: tuple[str, ...]) -> tuple[str | None, str | None, str | None]:
    """Protein change, coding change and EGFR class. Raises Unreadable where there are several of one kind."""
    proteins = {found for token in part.changes if token.kind == "protein" for found in (protein(token.text),) if found}
    codings = {_coding(token.text) for token in part.changes if token.kind == "coding"}
    codings = {each for each in codings if "c." in each} or codings  # 185delAG is the old name of c.68_69delAG
    named = {token.kind for token in part.changes if token.kind in _CLASSES}
    if len(proteins) > 1 or len(codings) > 1:
        raise Unreadable("several changes in one result")
    coding = next(iter(codings), None)
    change = next(iter(proteins), None) or (egfr_protein_of_coding(coding) if coding and genes == ("EGFR",) else None)
    if "EGFR" in genes and change and egfr_class(change) != "other":
        named.add(egfr_class(change))
    if len(named) > 1:
        raise Unreadable("several changes in one result")
    return change, coding, next(iter(named), "other" if change and "EGFR" in genes else None)


_BASES = re.compile(r"[acgt]+(?=>)|(?<=>)[acgt]+|(?<=del)[acgt]+|(?<=ins)[acgt]+|(?<=dup)[acgt]+")


def _coding(folded: str) -> str:
    """In the case that HGVS writes: `NM_005228.5:c.2573T>G`."""
    head, mark, change = folded.rpartition("c.")
    return head.upper() + mark + _BASES.sub(lambda bases: bases.group().upper(), change)


def asked_in(words: str) -> Asked | None:
    """What a test's name asks for; None where it names no gene of the table or asks for copies or expression."""
    for name in words.split("|"):
        folded = fold(name)
        if re.search(r"\beGFR\b", name) or "glomerular" in folded:  # the kidneys, not the gene
            continue
        folded = re.sub(r"\b(mutations?|variants?|rearrangements?) (?:found|identified|detected)\b", r"\1", folded)
        if re.search(r"\bag\b|tested for|over-?express|expression|amplif|copy number|pd-?l1|her-?2|erbb2", folded):
            continue
        try:
            tokens = _LEXICON.read(folded, "name of a test")
        except Unreadable:
            continue
        part = _Part()
        for token in tokens:
            _take(part, token)
        if part.genes and not part.answers and (part.method != "ihc" or part.genes == ["ALK"]):
            return _asked(part)
    return None


def _asked(part: _Part) -> Asked:
    genes = tuple(dict.fromkeys(part.genes))
    source = next(iter(part.sources)) if len(part.sources) == 1 else None
    finding = _described(part, genes, None, True) if part.changes else None
    return Asked(genes, bool(part.changes), part.fusion, source, part.method, finding)
