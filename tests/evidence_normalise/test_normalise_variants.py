"""Variants, genes, protein changes and significance; what is absent, and of what."""

import pytest

from prior_auth.evidence.normalise import NORMALISERS, Unreadable
from prior_auth.evidence.normalise.hgvs import egfr_class, is_sensitizing, protein
from prior_auth.evidence.normalise.significance import significance_in

LNC, SCT, HGNC, HGVS = (
    "http://loinc.org",
    "http://snomed.info/sct",
    "http://www.genenames.org",
    "http://varnomen.hgvs.org",
)
PRESENT, ABSENT = "LA9633-4", "LA9634-2"


def coded(code: str, system: str = LNC, display: str | None = None) -> dict[str, object]:
    return {"coding": [{"system": system, "code": code} | ({"display": display} if display else {})]}


def component(code: str, value: object) -> dict[str, object]:
    return {"code": coded(code), "valueCodeableConcept": value}


def observation(
    *components: dict[str, object], text: str | None = None, code: str | None = "69548-6"
) -> dict[str, object]:
    concept: dict[str, object] = coded(code) if code else {}
    if text:
        concept["text"] = text
    return {"resourceType": "Observation", "code": concept, "component": list(components)}


def gene(code: str, display: str | None = None) -> dict[str, object]:
    return component("48018-6", coded(code, HGNC, display))


def asked(text: str | None) -> dict[str, object]:
    return observation(text=text, code=None)


def read(resource: dict[str, object], value: object):
    return [
        (each.value, tuple(found.display for found in each.extra["genes"]))
        for each in NORMALISERS["variant"](resource, value)
    ]


def test_a_variant_by_components_tells_gene_change_source_and_significance():
    resource = observation(
        gene("HGNC:3236", "EGFR"),
        component("48005-3", coded("NP_005219.2:p.(L858R)", HGVS)),
        component("48004-6", coded("NM_005228.5:c.2573T>G", HGVS)),
        component("48002-0", coded("LA6684-0")),
        component("53037-8", coded("LA6668-3")),
    )
    (reading,) = NORMALISERS["variant"](resource, coded(PRESENT))
    assert reading.value == "present"
    assert reading.extra["gene"].code == "HGNC:3236"
    assert reading.extra["protein"] == "p.Leu858Arg"
    assert reading.extra["coding_change"] == "NM_005228.5:c.2573T>G"
    assert (reading.extra["source"], reading.extra["significance"]) == ("somatic", "pathogenic")
    assert (reading.extra["egfr"], reading.extra["sensitizing"]) == ("L858R", True)


def test_a_change_of_the_coding_sequence_alone_tells_the_well_known_protein_change():
    resource = observation(gene("3236"), component("48004-6", coded("NM_005228.5:c.2573T>G", HGVS)))
    assert NORMALISERS["variant"](resource, coded(PRESENT))[0].extra["protein"] == "p.Leu858Arg"


def test_clinvars_name_tells_the_protein_change():
    name = coded("611264", "http://www.ncbi.nlm.nih.gov/clinvar", "NM_000455.5(STK11):c.725G>A (p.Gly242Glu)")
    resource = observation(gene("HGNC:11389", "STK11"), component("81252-9", name))
    assert NORMALISERS["variant"](resource, coded(PRESENT))[0].extra["protein"] == "p.Gly242Glu"


def test_significance_that_is_not_stated_is_not_inferred():
    resource = observation(gene("HGNC:1100", "BRCA1"), component("48002-0", coded("LA6683-2")))
    (reading,) = NORMALISERS["variant"](resource, coded(PRESENT))
    assert (reading.extra["source"], reading.extra["significance"]) == ("germline", None)


def test_an_absent_observation_is_negative_for_each_of_its_genes():
    resource = observation(gene("HGNC:7989", "NRAS"), gene("HGNC:6342", "KIT"), gene("1097"))
    assert read(resource, coded(ABSENT)) == [("absent", ("NRAS",)), ("absent", ("KIT",)), ("absent", ("BRAF",))]


def test_displays_swapped_within_one_observation_name_the_same_genes():
    resource = observation(gene("HGNC:6342", "NRAS"), gene("HGNC:7989", "KIT"), gene("HGNC:1097", "BRAF"))
    assert {genes for _, genes in read(resource, coded(ABSENT))} == {("KIT",), ("NRAS",), ("BRAF",)}


def test_a_code_and_a_display_of_different_genes_are_no_gene():
    with pytest.raises(Unreadable):
        NORMALISERS["variant"](observation(gene("HGNC:6407", "EGFR")), coded(ABSENT))


def test_one_absent_change_does_not_make_the_gene_negative():
    resource = observation(gene("HGNC:3236", "EGFR"), component("48005-3", coded("p.Thr790Met", HGVS)))
    with pytest.raises(Unreadable):
        NORMALISERS["variant"](resource, coded(ABSENT))


@pytest.mark.parametrize("code", ["LA18198-4", "LA11884-6", "LA13538-6"])
def test_no_call_indeterminate_and_not_tested_are_unread(code):
    with pytest.raises(Unreadable):
        NORMALISERS["variant"](observation(gene("HGNC:3236", "EGFR")), coded(code))


def test_a_fusion_names_both_partners():
    resource = observation(
        gene("HGNC:1316", "EML4"),
        gene("HGNC:427", "ALK"),
        component("48019-4", coded("SO:0001565", "http://www.sequenceontology.org/", "gene_fusion")),
    )
    (reading,) = NORMALISERS["variant"](resource, coded(PRESENT))
    assert [each.display for each in reading.extra["genes"]] == ["EML4", "ALK"]
    assert reading.extra["fusion"] is True


@pytest.mark.parametrize(
    ("code", "value", "expected"),
    [
        ("78205-2", coded("260385009", SCT), ("absent", ("ALK",))),
        ("78205-2", "Positive", ("present", ("ALK",))),
        ("47303-3", coded("LA6577-6"), ("absent", ("ALK",))),
        ("21636-6", coded("LA11883-8"), ("absent", ("BRCA1",))),
        ("38530-2", coded("LA9633-4"), ("present", ("BRCA2",))),
        ("55766-0", coded("LA9633-4"), ("present", ("EGFR",))),
        ("21636-6", {"text": "none found"}, ("absent", ("BRCA1",))),
        ("21636-6", "No mutation identified", ("absent", ("BRCA1",))),
    ],
)
def test_a_test_of_one_gene_is_known_by_its_loinc_code(code, value, expected):
    assert read(observation(code=code), value) == [expected]


def test_alk_by_immunohistochemistry_says_its_method():
    assert NORMALISERS["variant"](observation(code="47303-3"), coded("LA6577-6"))[0].extra["method"] == "ihc"


def test_the_absence_of_l858r_alone_says_nothing_of_egfr():
    with pytest.raises(Unreadable):
        NORMALISERS["variant"](observation(code="55766-0"), coded(ABSENT))


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        (None, "EGFR: no mutation detected", [("absent", ("EGFR",))]),
        (None, "EGFR wild type", [("absent", ("EGFR",))]),
        (None, "EGFR wild-type, ALK negative", [("absent", ("EGFR",)), ("absent", ("ALK",))]),
        (None, "ALK negative", [("absent", ("ALK",))]),
        (None, "ALK rearrangement not detected", [("absent", ("ALK",))]),
        (None, "No ALK rearrangement", [("absent", ("ALK",))]),
        (None, "EGFR and ALK negative", [("absent", ("EGFR",)), ("absent", ("ALK",))]),
        (None, "No EGFR mutation or ALK rearrangement detected", [("absent", ("EGFR",)), ("absent", ("ALK",))]),
        (None, "Negative: EGFR, ALK, ROS1", [("absent", ("EGFR",)), ("absent", ("ALK",)), ("absent", ("ROS1",))]),
        (None, "no pathogenic variants detected in BRCA1 or BRCA2", [("absent", ("BRCA1",)), ("absent", ("BRCA2",))]),
        (None, "BRCA2 c.5946delT pathogenic (germline)", [("present", ("BRCA2",))]),
        (None, "EGFR L858R detected", [("present", ("EGFR",))]),
        (None, "EGFR exon 19 deletion positive, ALK negative", [("present", ("EGFR",)), ("absent", ("ALK",))]),
        (None, "EGFR L858R detected, no ALK rearrangement", [("present", ("EGFR",)), ("absent", ("ALK",))]),
        (None, "EML4-ALK fusion detected", [("present", ("ALK",))]),
        (None, "KRAS G12C positive; EGFR negative", [("present", ("KRAS",)), ("absent", ("EGFR",))]),
        (None, "VUS in BRCA2", [("present", ("BRCA2",))]),
        (None, "EGFR L858R; PD-L1 TPS 60%", [("present", ("EGFR",))]),
        ("EGFR mutation analysis", "Not detected", [("absent", ("EGFR",))]),
        ("EGFR mutation analysis", "No mutation identified", [("absent", ("EGFR",))]),
        ("EGFR mutation analysis", "exon 20 insertion", [("present", ("EGFR",))]),
        ("ALK FISH", "Negative", [("absent", ("ALK",))]),
        ("ALK gene rearrangement", "No rearrangement detected", [("absent", ("ALK",))]),
        ("BRCA1/2 germline testing", "negative", [("absent", ("BRCA1",)), ("absent", ("BRCA2",))]),
        ("EGFR T790M", "Detected", [("present", ("EGFR",))]),
        (
            "EGFR gene mutations found [Identifier] in Blood or Tissue by Molecular genetics method Nominal",
            "None detected",
            [("absent", ("EGFR",))],
        ),
        (None, "EGFR, ALK and ROS1 all negative", [("absent", ("EGFR",)), ("absent", ("ALK",)), ("absent", ("ROS1",))]),
    ],
)
def test_a_result_in_words_is_read(question, text, expected):
    assert read(asked(question), text) == expected


@pytest.mark.parametrize(
    ("question", "text"),
    [
        (None, ""),
        (None, "see report"),
        (None, "EGFR"),
        (None, "EGFR not tested"),
        (None, "EGFR pending"),
        (None, "possible EGFR mutation"),
        (None, "EGFR mutation suspected"),
        (None, "EGFR: insufficient sample"),
        (None, "EGFR T790M not detected"),
        (None, "EGFR negative for L858R"),
        (None, "EGFR L858R and ALK not detected"),
        (None, "no EGFR mutation, ALK rearrangement detected"),
        (None, "EGFR negative. EGFR L858R positive"),
        (None, "EGFR L858R. Not detected."),
        (None, "EGFR amplified"),
        (None, "EGFR overexpressed"),
        (None, "Mother with BRCA1 pathogenic variant"),
        (None, "family history of BRCA1 mutation"),
        (None, "Patient denies BRCA testing"),
        (None, "positive"),
        ("EGFR T790M", "Not detected"),
        ("EGFR exon 20 insertion", "negative"),
        ("EGFR IHC", "positive"),
        ("HER2 FISH", "positive"),
        ("eGFR", "negative"),
        ("Estimated GFR (eGFR), glomerular filtration", "not detected"),
        ("Genomic test", "none"),
        ("PD-L1", "negative"),
        ("BRCA1+BRCA2 gene mutations tested for in Blood or Tissue", "not detected"),
    ],
)
def test_a_result_that_words_leave_open_is_unread(question, text):
    with pytest.raises(Unreadable):
        NORMALISERS["variant"](asked(question), text)


def test_epidermal_growth_factor_receptor_antigen_is_no_variant():
    resource = {
        "resourceType": "Observation",
        "code": coded("39004-7", display="Epidermal growth factor receptor Ag [Presence] in Tissue"),
    }
    with pytest.raises(Unreadable):
        NORMALISERS["variant"](resource, coded("10828004", SCT))


@pytest.mark.parametrize(
    ("text", "details"),
    [
        ("BRCA2 c.5946delT pathogenic (germline)", ("germline", "pathogenic", None)),
        ("gBRCA1 mutated", ("germline", None, None)),
        ("BRCA1 c.68_69delAG (185delAG) pathogenic germline", ("germline", "pathogenic", None)),
        ("BRCA1 likely pathogenic variant, germline", ("germline", "likely-pathogenic", None)),
        ("BRCA1 variant of uncertain significance", (None, "uncertain", None)),
        ("Somatic BRCA1 pathogenic variant", ("somatic", "pathogenic", None)),
        ("BRCA2 pathogenic variant in tumor tissue", (None, "pathogenic", None)),
        ("EGFR exon 19 deletion", (None, None, "exon-19-deletion")),
        ("EGFR E746_A750del detected", (None, None, "exon-19-deletion")),
        ("EGFR exon 20 insertion detected", (None, None, "exon-20-insertion")),
        ("EGFR G719X positive", (None, None, "G719X")),
    ],
)
def test_words_tell_source_significance_and_class(text, details):
    (reading,) = NORMALISERS["variant"](asked(None), text)
    assert (reading.extra["source"], reading.extra["significance"], reading.extra["egfr"]) == details


@pytest.mark.parametrize(
    ("stated", "canonical"),
    [
        ("p.Val600Glu", "p.Val600Glu"),
        ("p.V600E", "p.Val600Glu"),
        ("p.(Val600Glu)", "p.Val600Glu"),
        ("V600E", "p.Val600Glu"),
        ("NP_004647.1:p.(Gln590Ter)", "p.Gln590Ter"),
        ("p.Q590*", "p.Gln590Ter"),
        ("E746_A750del", "p.Glu746_Ala750del"),
        ("p.Leu747_Pro753delinsSer", "p.Leu747_Pro753delinsSer"),
        ("p.D770_N771insNPG", "p.Asp770_Asn771insAsnProGly"),
        ("p.Ser1982ArgfsTer22", "p.Ser1982ArgfsTer22"),
        ("S1982Rfs*22", "p.Ser1982ArgfsTer22"),
        ("c.2573T>G", None),
        ("p.?", None),
        ("exon 19", None),
        ("", None),
    ],
)
def test_a_protein_change_has_one_spelling(stated, canonical):
    assert protein(stated) == canonical


@pytest.mark.parametrize(
    ("change", "name", "sensitizing"),
    [
        ("p.Leu858Arg", "L858R", True),
        ("p.Glu746_Ala750del", "exon-19-deletion", True),
        ("p.Leu747_Pro753delinsSer", "exon-19-deletion", True),
        ("p.Gly719Ala", "G719X", True),
        ("p.Leu861Gln", "L861Q", True),
        ("p.Thr790Met", "T790M", False),
        ("p.Asp770_Asn771insAsnProGly", "exon-20-insertion", False),
        ("p.Ala767_Val769dup", "exon-20-insertion", False),
        ("p.Val600Glu", "other", None),
        ("p.Glu709_Thr710delinsAsp", "other", None),
    ],
)
def test_a_change_of_egfr_has_a_class(change, name, sensitizing):
    assert egfr_class(change) == name
    assert is_sensitizing(name) is sensitizing


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Pathogenic", "pathogenic"),
        ("Likely pathogenic", "likely-pathogenic"),
        ("Variant of uncertain significance", "uncertain"),
        ("VUS", "uncertain"),
        ("Likely benign", "likely-benign"),
        ("Benign", "benign"),
        ("not pathogenic", None),
        ("possibly pathogenic", None),
        ("non-pathogenic", None),
    ],
)
def test_significance_is_a_whole_word_or_nothing(text, name):
    assert significance_in(text) == name


@pytest.mark.parametrize(
    ("value", "symbols"),
    [
        (coded("HGNC:1100", HGNC), ["BRCA1"]),
        (coded("1100", HGNC), ["BRCA1"]),
        (coded("BRCA1", HGNC), ["BRCA1"]),
        (coded("672", "https://www.ncbi.nlm.nih.gov/gene", "BRCA1"), ["BRCA1"]),
        (coded("HGNC:8975", "http://www.genenames.org/geneId", "PIK3CA"), ["PIK3CA"]),
        ({"text": "BRCA1, BRCA2 and PALB2"}, ["BRCA1", "BRCA2", "PALB2"]),
        ("BRCA1/2", ["BRCA1", "BRCA2"]),
        ("BRCA1+BRCA2", ["BRCA1", "BRCA2"]),
        (
            {"coding": [{"system": HGNC, "code": "1100"}, {"system": HGNC, "code": "1101", "display": "BRCA2"}]},
            ["BRCA1", "BRCA2"],
        ),
        (
            {
                "coding": [
                    {"system": HGNC, "code": "HGNC:427"},
                    {"system": "https://www.ncbi.nlm.nih.gov/gene", "code": "238", "display": "ALK"},
                ]
            },
            ["ALK"],
        ),
    ],
)
def test_genes_are_found_in_every_form(value, symbols):
    assert [each.value for each in NORMALISERS["genes"]({}, value)] == symbols


@pytest.mark.parametrize("value", ["", "not BRCA1", "panel of 50 genes", {"text": "BRCA1 mutation"}, {"coding": []}, 7])
def test_what_is_no_list_of_genes_is_unread(value):
    with pytest.raises(Unreadable):
        NORMALISERS["genes"]({}, value)
