"""One typed value, or an honest "unread", from every way a chart can state a fact.

A normaliser is a pure function `(resource, value) -> readings`: the resource as plain FHIR JSON, and the element's
value as plain JSON (a Quantity, CodeableConcept, Ratio or Range object, a string, a number). It gives at least one
reading or raises `Unreadable`; it never guesses. Names in `NORMALISERS` are those that evidence definitions use:

==================== ==================================================================================================
`status`             positive, negative, equivocal: value `"positive"`…, coded SCT
`er.status`,         as `status`, from coded, percent, Allred, text, `ER+/PR-/HER2-`; extra `percent`,
`pr.status`          `percent_comparator`, `allred` where said
`her2.ihc`           as `status`; text is the score `0`, `1+`, `2+`, `3+` where said
`her2.ish`           one reading each: status (code LNC 85318-4), ratio (49683-6), copies (74860-8)
`pdl1.tps`           Decimal in `%`, comparator where stated; extra `clone`; `high` of a range (value is its low end)
`pdl1.cps`           Decimal in `1`
`pdl1.ic`            Decimal in `%`
`tmb`                Decimal in `1/1000000{Base}`
`msi`                `"msi-high"`, `-low`, `-stable`, `-indeterminate` (LNC 81695-9); `"mmr-deficient"`, `-proficient`
`recurrence-score`   Decimal in `1`, 0 to 100
`stage.group`        value `"IIIC"`, coded SCT, code SCT 399537006 c / 399588009 p / 399390009 not said; extra `rank`
`stage.T` `.N` `.M`  value `"T2a"`, coded SCT, code by c/p; extra `prefix` (`c`, `p`, `yp` …), `axis`, `rank`
`stage.tnm`          the same, all that one text states
`ecog`, `karnofsky`, int
`lansky`
`disease-status`     value `"worsened"`…, coded SCT
`lvef`               Decimal `%`, comparator where stated; extra `high`
`weight`, `height`   Decimal `kg`, `cm`
`bsa`, `tumor-size`  Decimal `m2`, `mm`
`smoking`            value `"current"`, `"former"`, `"never"`, coded SCT; `pack-years` Decimal; `quit-date`
`history-metastatic` bool; a code without value is true
`stage.lymphoma`     value `"IIB"`; `gleason` int, the grade group
`hrd`                value `"positive"`, `"negative"`, coded SCT
`lab.<analyte>`      Decimal in the analyte's unit (`units.ANALYTES`); extra `range_low`, `range_high` of the laboratory
`histology`          value and coded ICD-O-3 `"8140/3"`; extra `family`, `lung` (`nsclc`, `sclc`)
`histologic-grade`   value `"low"`…, coded SCT
`laterality`         value `"left"`…, coded SCT
`diagnosis`          Condition.code: value site name, coded canonical SCT; extra `kind` primary, secondary, history …
`comorbidity`        Condition.code or related-condition: value `"autoimmune"` …, coded SCT; extra `history`
`pregnancy-status`   value `"pregnant"`, `"not-pregnant"`, coded SCT
`variant`            an Observation: value `"present"`/`"absent"`, coded LNC; extra as `variants` says
`significance`       value `"pathogenic"`…, coded LNC
`genes`              a concept or text naming genes: one reading a gene, coded HGNC
`drug`               one reading a drug: value ingredient name, coded RxNorm (or ours); extra `ingredient`, `product`
`rt.technique`       value `"imrt"`, `"3d"`, `"protons"`…, coded SCT
`rt.dose`            Decimal `cGy`; `rt.fractions` int
`dvh.heart`,         Decimal `cm3`; `dvh.hot-spot` Decimal `%` of the prescribed dose; extra `technique` of the plan
`breast-volume`
`treatment-intent`   value `"curative"`, `"palliative"`, `"supportive"`…, coded SCT
`stop-reason`        value `"not-tolerated"`…, coded SCT
==================== ==================================================================================================

Texts go through small lexicons: a word that a lexicon does not hold makes the text unread, so denial, doubt, family
and history never pass unnoticed. Codes and words that contradict each other are unread as well.
"""

from __future__ import annotations

from collections.abc import Mapping

from prior_auth.evidence.normalise.cardiac import CARDIAC_NORMALISERS
from prior_auth.evidence.normalise.concepts import CONCEPT_NORMALISERS
from prior_auth.evidence.normalise.conditions import DIAGNOSIS_NORMALISERS
from prior_auth.evidence.normalise.drugs import DRUG_NORMALISERS
from prior_auth.evidence.normalise.genes import GENE_NORMALISERS
from prior_auth.evidence.normalise.genomic_scores import GENOMIC_SCORE_NORMALISERS
from prior_auth.evidence.normalise.her2 import HER2_NORMALISERS
from prior_auth.evidence.normalise.histology import HISTOLOGY_NORMALISERS
from prior_auth.evidence.normalise.history import HISTORY_NORMALISERS
from prior_auth.evidence.normalise.laterality import LATERALITY_NORMALISERS
from prior_auth.evidence.normalise.pdl1 import PDL1_NORMALISERS
from prior_auth.evidence.normalise.performance import PERFORMANCE_NORMALISERS
from prior_auth.evidence.normalise.radiotherapy import RADIOTHERAPY_NORMALISERS
from prior_auth.evidence.normalise.reading import Normaliser, Reading, Unreadable
from prior_auth.evidence.normalise.receptors import RECEPTOR_NORMALISERS
from prior_auth.evidence.normalise.significance import SIGNIFICANCE_NORMALISERS
from prior_auth.evidence.normalise.stage import STAGE_NORMALISERS
from prior_auth.evidence.normalise.status import status
from prior_auth.evidence.normalise.units import UNIT_NORMALISERS
from prior_auth.evidence.normalise.variants import VARIANT_NORMALISERS

__all__ = ["NORMALISERS", "Normaliser", "Reading", "Unreadable"]

NORMALISERS: Mapping[str, Normaliser] = {
    "status": status,
    **STAGE_NORMALISERS,
    **PERFORMANCE_NORMALISERS,
    **HER2_NORMALISERS,
    **RECEPTOR_NORMALISERS,
    **PDL1_NORMALISERS,
    **CARDIAC_NORMALISERS,
    **UNIT_NORMALISERS,
    **DRUG_NORMALISERS,
    **GENE_NORMALISERS,
    **GENOMIC_SCORE_NORMALISERS,
    **HISTORY_NORMALISERS,
    **RADIOTHERAPY_NORMALISERS,
    **SIGNIFICANCE_NORMALISERS,
    **VARIANT_NORMALISERS,
    **LATERALITY_NORMALISERS,
    **HISTOLOGY_NORMALISERS,
    **DIAGNOSIS_NORMALISERS,
    **CONCEPT_NORMALISERS,
}
