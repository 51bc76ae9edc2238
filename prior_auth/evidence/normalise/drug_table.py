"""Cancer drugs and what goes with them: ingredient, RxNorm code, classes, names.

RxNorm ingredient codes: rows marked `seen` stood in a public map or example; the others are from memory and must be
checked against RxNorm before production. HCPCS codes are general knowledge [L], not re-read against the code book.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

ProductKind = Literal["originator", "biosimilar", "subcutaneous"]


@dataclass(frozen=True, slots=True)
class Ingredient:
    """`verified` is false where the RxNorm code is from memory. `names` are brands and other names, lower case."""

    name: str
    rxnorm: str | None
    classes: frozenset[str]
    verified: bool
    names: tuple[str, ...] = ()

    @property
    def is_anticancer(self) -> bool:
        """Systemic treatment of the cancer itself: no antiemetic, steroid, growth factor or bone agent."""
        return not self.classes <= SUPPORTIVE_CLASSES


@dataclass(frozen=True, slots=True)
class Product:
    """One of several products of an ingredient, where it matters which: originator, biosimilar, subcutaneous."""

    ingredient: str
    kind: ProductKind
    name: str
    suffix: str | None = None
    names: tuple[str, ...] = field(default=())


SUPPORTIVE_CLASSES = frozenset(
    {"supportive", "steroid", "antiemetic", "growth-factor", "bone", "esa", "folate", "immunosuppressant"}
)

SEEN, MEMORY = True, False

# name; RxNorm ingredient; how sure; classes; other names
_ROWS: tuple[tuple[str, str | None, bool, str, str], ...] = (
    # platinum and other cytotoxic drugs
    ("cisplatin", "2555", SEEN, "platinum cytotoxic", "platinol|cddp"),
    ("carboplatin", "40048", SEEN, "platinum cytotoxic", "paraplatin"),
    ("oxaliplatin", "32592", SEEN, "platinum cytotoxic", "eloxatin"),
    ("doxorubicin", "3639", SEEN, "anthracycline cytotoxic", "adriamycin"),
    ("doxorubicin liposomal", None, MEMORY, "anthracycline cytotoxic", "doxil|lipodox|pegylated liposomal doxorubicin"),
    ("epirubicin", "3995", SEEN, "anthracycline cytotoxic", "ellence"),
    ("idarubicin", "5650", SEEN, "anthracycline cytotoxic", "idamycin"),
    ("cyclophosphamide", "3002", SEEN, "alkylating cytotoxic", "cytoxan"),
    ("ifosfamide", "5657", MEMORY, "alkylating cytotoxic", "ifex"),
    ("paclitaxel", "56946", SEEN, "taxane cytotoxic", "taxol"),
    (
        "nab-paclitaxel",
        "589511",
        MEMORY,
        "taxane cytotoxic",
        "abraxane|paclitaxel protein-bound|paclitaxel protein bound|protein-bound paclitaxel|albumin-bound paclitaxel|"
        "nab paclitaxel|paclitaxel albumin-bound",
    ),
    ("docetaxel", "72962", SEEN, "taxane cytotoxic", "taxotere"),
    ("gemcitabine", "12574", SEEN, "antimetabolite cytotoxic", "gemzar|infugem"),
    ("capecitabine", "194000", SEEN, "fluoropyrimidine antimetabolite cytotoxic", "xeloda"),
    ("fluorouracil", "4492", SEEN, "fluoropyrimidine antimetabolite cytotoxic", "5-fluorouracil|5-fu|adrucil"),
    ("methotrexate", "6851", SEEN, "antimetabolite cytotoxic", "trexall"),
    ("pemetrexed", "68446", MEMORY, "antimetabolite cytotoxic", "alimta|pemfexy"),
    ("irinotecan", "51499", SEEN, "topoisomerase cytotoxic", "camptosar"),
    ("topotecan", "57308", MEMORY, "topoisomerase cytotoxic", "hycamtin"),
    ("etoposide", "4179", SEEN, "topoisomerase cytotoxic", "vp-16|etopophos|toposar"),
    ("vinorelbine", "39541", MEMORY, "vinca cytotoxic", "navelbine"),
    ("vincristine", "11202", SEEN, "vinca cytotoxic", "oncovin"),
    ("vinblastine", "11198", MEMORY, "vinca cytotoxic", "velban"),
    ("mitomycin", "632", MEMORY, "cytotoxic", "mutamycin|mitomycin c"),
    ("mitoxantrone", "7005", MEMORY, "cytotoxic", "novantrone"),
    ("bleomycin", "1622", MEMORY, "cytotoxic", "blenoxane"),
    ("cytarabine", "3041", MEMORY, "antimetabolite cytotoxic", "ara-c"),
    ("dacarbazine", "3098", MEMORY, "alkylating cytotoxic", "dtic"),
    ("temozolomide", "37776", MEMORY, "alkylating cytotoxic", "temodar"),
    ("bendamustine", "134547", MEMORY, "alkylating cytotoxic", "treanda|bendeka"),
    ("lurbinectedin", None, MEMORY, "cytotoxic", "zepzelca"),
    ("eribulin", "1045453", MEMORY, "cytotoxic", "halaven"),
    ("ixabepilone", "337523", MEMORY, "cytotoxic", "ixempra"),
    # endocrine
    ("anastrozole", "84857", SEEN, "aromatase-inhibitor endocrine", "arimidex"),
    ("letrozole", "72965", SEEN, "aromatase-inhibitor endocrine", "femara"),
    ("exemestane", "258494", SEEN, "aromatase-inhibitor endocrine", "aromasin"),
    ("tamoxifen", "10324", SEEN, "serm endocrine", "nolvadex|soltamox"),
    ("toremifene", "38409", MEMORY, "serm endocrine", "fareston"),
    ("fulvestrant", "282357", SEEN, "serd endocrine", "faslodex"),
    ("elacestrant", None, MEMORY, "serd endocrine", "orserdu"),
    ("leuprolide", "42375", SEEN, "gnrh endocrine", "lupron|eligard|leuprorelin|camcevi"),
    ("goserelin", "50610", SEEN, "gnrh endocrine", "zoladex"),
    ("triptorelin", "38782", MEMORY, "gnrh endocrine", "trelstar"),
    ("degarelix", "475230", MEMORY, "gnrh endocrine", "firmagon"),
    ("relugolix", None, MEMORY, "gnrh endocrine", "orgovyx"),
    ("abiraterone", "1100072", MEMORY, "antiandrogen endocrine", "zytiga|yonsa"),
    ("enzalutamide", "1307298", MEMORY, "antiandrogen endocrine", "xtandi"),
    ("apalutamide", "1999574", MEMORY, "antiandrogen endocrine", "erleada"),
    ("darolutamide", None, MEMORY, "antiandrogen endocrine", "nubeqa"),
    ("bicalutamide", "83008", MEMORY, "antiandrogen endocrine", "casodex"),
    # HER2
    ("trastuzumab", "224905", SEEN, "her2", ""),  # its products: below
    ("pertuzumab", "1298944", SEEN, "her2", "perjeta"),
    (
        "pertuzumab-trastuzumab-hyaluronidase",
        None,
        MEMORY,
        "her2",
        "phesgo|pertuzumab, trastuzumab, and hyaluronidase|pertuzumab/trastuzumab/hyaluronidase|"
        "pertuzumab, trastuzumab and hyaluronidase",
    ),
    (
        "trastuzumab emtansine",
        "1371041",
        SEEN,
        "her2 adc",
        "ado-trastuzumab emtansine|ado-trastuzumab|t-dm1|tdm1|kadcyla",
    ),
    (
        "trastuzumab deruxtecan",
        None,
        MEMORY,
        "her2 adc",
        "fam-trastuzumab deruxtecan|fam-trastuzumab|t-dxd|tdxd|enhertu|ds-8201|ds-8201a",
    ),
    ("margetuximab", None, MEMORY, "her2", "margenza"),
    ("lapatinib", "480167", SEEN, "her2 her2-tki", "tykerb"),
    ("neratinib", "1940643", MEMORY, "her2 her2-tki", "nerlynx"),
    ("tucatinib", None, MEMORY, "her2 her2-tki", "tukysa"),
    ("sacituzumab govitecan", None, MEMORY, "adc", "trodelvy"),
    # checkpoint inhibitors
    ("pembrolizumab", "1547545", SEEN, "pd1 checkpoint", "keytruda"),
    ("nivolumab", "1597876", SEEN, "pd1 checkpoint", "opdivo"),
    # Products of their own, in other doses: no order of one is an order of the antibody alone.
    (
        "nivolumab relatlimab",
        None,
        MEMORY,
        "pd1 checkpoint",
        "opdualag|nivolumab and relatlimab|nivolumab/relatlimab|nivolumab, relatlimab|relatlimab and nivolumab|"
        "relatlimab",
    ),
    (
        "nivolumab hyaluronidase",
        None,
        MEMORY,
        "pd1 checkpoint",
        "opdivo qvantig|nivolumab and hyaluronidase|nivolumab/hyaluronidase|nivolumab, hyaluronidase",
    ),
    (
        "pembrolizumab berahyaluronidase",
        None,
        MEMORY,
        "pd1 checkpoint",
        "keytruda qlex|pembrolizumab and berahyaluronidase alfa|pembrolizumab and berahyaluronidase|"
        "pembrolizumab/berahyaluronidase",
    ),
    ("cemiplimab", None, MEMORY, "pd1 checkpoint", "libtayo"),
    ("dostarlimab", None, MEMORY, "pd1 checkpoint", "jemperli"),
    ("atezolizumab", "1792776", SEEN, "pdl1 checkpoint", "tecentriq"),
    ("durvalumab", "1919503", MEMORY, "pdl1 checkpoint", "imfinzi"),
    ("avelumab", "1875534", MEMORY, "pdl1 checkpoint", "bavencio"),
    ("ipilimumab", "1094833", MEMORY, "ctla4 checkpoint", "yervoy"),
    # tyrosine kinase inhibitors of lung cancer
    ("osimertinib", "1721560", MEMORY, "egfr-tki", "tagrisso"),
    ("gefitinib", "328134", MEMORY, "egfr-tki", "iressa"),
    ("erlotinib", "337525", MEMORY, "egfr-tki", "tarceva"),
    ("afatinib", "1430438", MEMORY, "egfr-tki", "gilotrif"),
    ("dacomitinib", None, MEMORY, "egfr-tki", "vizimpro"),
    ("lazertinib", None, MEMORY, "egfr-tki", "lazcluze"),
    ("amivantamab", None, MEMORY, "egfr-antibody", "rybrevant"),
    ("crizotinib", "1148495", SEEN, "alk-tki ros1-tki", "xalkori"),
    ("alectinib", "1727455", SEEN, "alk-tki", "alecensa"),
    ("brigatinib", "1921217", SEEN, "alk-tki", "alunbrig"),
    ("ceritinib", "1535457", SEEN, "alk-tki", "zykadia"),
    ("lorlatinib", "2103164", SEEN, "alk-tki ros1-tki", "lorbrena"),
    ("entrectinib", None, MEMORY, "ros1-tki ntrk-tki", "rozlytrek"),
    ("cetuximab", "318341", SEEN, "egfr-antibody", "erbitux"),
    ("panitumumab", "263034", MEMORY, "egfr-antibody", "vectibix"),
    # PARP, CDK4/6, others
    ("olaparib", "1597582", SEEN, "parp", "lynparza"),
    ("niraparib", "1918231", MEMORY, "parp", "zejula"),
    ("rucaparib", "1862579", MEMORY, "parp", "rubraca"),
    ("talazoparib", None, MEMORY, "parp", "talzenna"),
    ("palbociclib", "1601374", SEEN, "cdk46", "ibrance"),
    ("ribociclib", "1873916", SEEN, "cdk46", "kisqali"),
    ("abemaciclib", "1946825", SEEN, "cdk46", "verzenio"),
    ("inavolisib", None, MEMORY, "pi3k", "itovebi"),
    ("alpelisib", None, MEMORY, "pi3k", "piqray"),
    ("axitinib", "1243002", MEMORY, "vegf-tki", "inlyta"),
    ("lenvatinib", "1603296", MEMORY, "vegf-tki", "lenvima"),
    ("cabozantinib", "1363268", MEMORY, "vegf-tki", "cabometyx|cometriq"),
    ("sunitinib", "357977", MEMORY, "vegf-tki", "sutent"),
    ("pazopanib", "714438", MEMORY, "vegf-tki", "votrient"),
    ("sorafenib", "495881", MEMORY, "vegf-tki", "nexavar"),
    ("regorafenib", None, MEMORY, "vegf-tki", "stivarga"),
    ("brentuximab vedotin", "1147320", MEMORY, "adc cd30", "adcetris|brentuximab"),
    ("everolimus", "141704", MEMORY, "mtor", "afinitor"),
    ("bevacizumab", "253337", SEEN, "antiangiogenic", ""),  # its products: below
    ("ramucirumab", None, MEMORY, "antiangiogenic", "cyramza"),
    (
        "interferon alfa",
        None,
        MEMORY,
        "interferon",
        "interferon alfa-2a|interferon alfa-2b|interferon alpha|interferon alpha-2b|intron a|roferon-a",
    ),
    ("rituximab", "121191", SEEN, "cd20", ""),  # its products: below
    ("obinutuzumab", None, MEMORY, "cd20", "gazyva"),
    ("fludarabine", "24698", MEMORY, "antimetabolite cytotoxic", "fludara"),
    ("chlorambucil", "2346", MEMORY, "alkylating cytotoxic", "leukeran"),
    ("lenalidomide", "342369", MEMORY, "immunomodulator", "revlimid"),
    ("ibrutinib", None, MEMORY, "btk", "imbruvica"),
    ("acalabrutinib", None, MEMORY, "btk", "calquence"),
    ("zanubrutinib", None, MEMORY, "btk", "brukinsa"),
    ("venetoclax", None, MEMORY, "bcl2", "venclexta"),
    # myeloma
    ("bortezomib", "358258", MEMORY, "proteasome-inhibitor", "velcade"),
    ("carfilzomib", "1302966", MEMORY, "proteasome-inhibitor", "kyprolis"),
    ("ixazomib", None, MEMORY, "proteasome-inhibitor", "ninlaro"),
    ("pomalidomide", "1369713", MEMORY, "immunomodulator", "pomalyst"),
    ("thalidomide", "10432", MEMORY, "immunomodulator", "thalomid"),
    ("daratumumab", "1721947", MEMORY, "cd38", "darzalex|daratumumab and hyaluronidase"),
    ("isatuximab", None, MEMORY, "cd38", "sarclisa"),
    ("melphalan", "6718", MEMORY, "alkylating cytotoxic", "alkeran|evomela"),
    # cells of the patient with a receptor made for one target
    ("axicabtagene ciloleucel", None, MEMORY, "car-t cd19", "yescarta|axi-cel|axicabtagene"),
    ("tisagenlecleucel", None, MEMORY, "car-t cd19", "kymriah|tisa-cel"),
    ("brexucabtagene autoleucel", None, MEMORY, "car-t cd19", "tecartus|brexu-cel|brexucabtagene"),
    ("lisocabtagene maraleucel", None, MEMORY, "car-t cd19", "breyanzi|liso-cel|lisocabtagene"),
    ("idecabtagene vicleucel", None, MEMORY, "car-t bcma", "abecma|ide-cel|idecabtagene"),
    ("ciltacabtagene autoleucel", None, MEMORY, "car-t bcma", "carvykti|cilta-cel|ciltacabtagene"),
    # supportive
    ("pegfilgrastim", "338036", MEMORY, "growth-factor supportive", ""),
    ("filgrastim", "68442", MEMORY, "growth-factor supportive", "neupogen|zarxio|nivestym|granix|tbo-filgrastim"),
    ("darbepoetin", "283838", MEMORY, "esa supportive", "aranesp|darbepoetin alfa"),
    ("epoetin", "105694", MEMORY, "esa supportive", "epoetin alfa|epogen|procrit|retacrit"),
    ("denosumab", "993449", SEEN, "bone supportive", "xgeva|prolia"),
    ("zoledronic acid", "77655", SEEN, "bone supportive", "zometa|zoledronate|reclast"),
    ("pamidronate", "11473", MEMORY, "bone supportive", "aredia|pamidronic acid|pamidronate disodium"),
    ("prednisone", "8640", SEEN, "steroid supportive", "deltasone"),
    ("prednisolone", "8638", MEMORY, "steroid supportive", ""),
    ("dexamethasone", "3264", MEMORY, "steroid supportive", "decadron"),
    ("methylprednisolone", "6902", MEMORY, "steroid supportive", "solu-medrol|medrol"),
    ("ondansetron", "26225", SEEN, "antiemetic supportive", "zofran"),
    ("palonosetron", "70561", SEEN, "antiemetic supportive", "aloxi"),
    ("leucovorin", "6313", SEEN, "folate supportive", "folinic acid|calcium folinate"),
)

INGREDIENTS: Mapping[str, Ingredient] = MappingProxyType(
    {
        name: Ingredient(
            name, rxnorm, frozenset(classes.split()), seen, tuple(each for each in names.split("|") if each)
        )
        for name, rxnorm, seen, classes, names in _ROWS
    }
)

PRODUCTS: tuple[Product, ...] = (
    Product("trastuzumab", "originator", "Herceptin"),
    Product(
        "trastuzumab",
        "subcutaneous",
        "Herceptin Hylecta",
        "oysk",
        ("trastuzumab and hyaluronidase", "trastuzumab/hyaluronidase", "trastuzumab-hyaluronidase"),
    ),
    Product("trastuzumab", "biosimilar", "Ontruzant", "dttb"),
    Product("trastuzumab", "biosimilar", "Herzuma", "pkrb"),
    Product("trastuzumab", "biosimilar", "Ogivri", "dkst"),
    Product("trastuzumab", "biosimilar", "Trazimera", "qyyp"),
    Product("trastuzumab", "biosimilar", "Kanjinti", "anns"),
    Product("trastuzumab", "biosimilar", "Hercessi", "strf"),
    Product("bevacizumab", "originator", "Avastin"),
    Product("bevacizumab", "biosimilar", "Mvasi", "awwb"),
    Product("bevacizumab", "biosimilar", "Zirabev", "bvzr"),
    Product("bevacizumab", "biosimilar", "Alymsys", "maly"),
    Product("bevacizumab", "biosimilar", "Vegzelma", "adcd"),
    Product("rituximab", "originator", "Rituxan"),
    Product("rituximab", "subcutaneous", "Rituxan Hycela", None, ("rituximab and hyaluronidase",)),
    Product("rituximab", "biosimilar", "Truxima", "abbs"),
    Product("rituximab", "biosimilar", "Ruxience", "pvvr"),
    Product("rituximab", "biosimilar", "Riabni", "arrx"),
    Product("pegfilgrastim", "originator", "Neulasta"),
    Product("pegfilgrastim", "biosimilar", "Fulphila", "jmdb"),
    Product("pegfilgrastim", "biosimilar", "Udenyca", "cbqv"),
    Product("pegfilgrastim", "biosimilar", "Ziextenzo", "bmez"),
    Product("pegfilgrastim", "biosimilar", "Nyvepria", "apgf"),
    Product("pegfilgrastim", "biosimilar", "Stimufend", "fpgk"),
    Product("pegfilgrastim", "biosimilar", "Fylnetra", "pbbk"),
)
PRODUCT_BY_NAME: Mapping[str, Product] = MappingProxyType({product.name: product for product in PRODUCTS})

# HCPCS code -> ingredient, and the product where the code tells.
HCPCS_DRUGS: Mapping[str, tuple[str, str | None]] = MappingProxyType(
    {
        "J9355": ("trastuzumab", "Herceptin"),
        "J9356": ("trastuzumab", "Herceptin Hylecta"),
        "Q5112": ("trastuzumab", "Ontruzant"),
        "Q5113": ("trastuzumab", "Herzuma"),
        "Q5114": ("trastuzumab", "Ogivri"),
        "Q5116": ("trastuzumab", "Trazimera"),
        "Q5117": ("trastuzumab", "Kanjinti"),
        "Q5146": ("trastuzumab", "Hercessi"),
        "J9035": ("bevacizumab", "Avastin"),
        "Q5107": ("bevacizumab", "Mvasi"),
        "Q5118": ("bevacizumab", "Zirabev"),
        "Q5126": ("bevacizumab", "Alymsys"),
        "Q5129": ("bevacizumab", "Vegzelma"),
        "J9312": ("rituximab", "Rituxan"),
        "J9311": ("rituximab", "Rituxan Hycela"),
        "Q5115": ("rituximab", "Truxima"),
        "Q5119": ("rituximab", "Ruxience"),
        "Q5123": ("rituximab", "Riabni"),
        "J2506": ("pegfilgrastim", "Neulasta"),
        "Q5108": ("pegfilgrastim", "Fulphila"),
        "Q5111": ("pegfilgrastim", "Udenyca"),
        "Q5120": ("pegfilgrastim", "Ziextenzo"),
        "Q5122": ("pegfilgrastim", "Nyvepria"),
        "Q5127": ("pegfilgrastim", "Stimufend"),
        "Q5130": ("pegfilgrastim", "Fylnetra"),
        "J9271": ("pembrolizumab", None),
        "J9299": ("nivolumab", None),
        "J9298": ("nivolumab relatlimab", None),
        "J9289": ("nivolumab hyaluronidase", None),
        "J9228": ("ipilimumab", None),
        "J9022": ("atezolizumab", None),
        "J9023": ("avelumab", None),
        "J9173": ("durvalumab", None),
        "J9119": ("cemiplimab", None),
        "J9306": ("pertuzumab", None),
        "J9316": ("pertuzumab-trastuzumab-hyaluronidase", None),
        "J9354": ("trastuzumab emtansine", None),
        "J9358": ("trastuzumab deruxtecan", None),
        "J9353": ("margetuximab", None),
        "J9317": ("sacituzumab govitecan", None),
        "J9045": ("carboplatin", None),
        "J9060": ("cisplatin", None),
        "J9263": ("oxaliplatin", None),
        "J9000": ("doxorubicin", None),
        "Q2050": ("doxorubicin liposomal", None),
        "J9178": ("epirubicin", None),
        "J9070": ("cyclophosphamide", None),
        "J9267": ("paclitaxel", None),
        "J9264": ("nab-paclitaxel", None),
        "J9171": ("docetaxel", None),
        "J9201": ("gemcitabine", None),
        "J9190": ("fluorouracil", None),
        "J9305": ("pemetrexed", None),
        "J9206": ("irinotecan", None),
        "J9181": ("etoposide", None),
        "J9390": ("vinorelbine", None),
        "J9370": ("vincristine", None),
        "J9360": ("vinblastine", None),
        "J9280": ("mitomycin", None),
        "J9293": ("mitoxantrone", None),
        "J9040": ("bleomycin", None),
        "J9100": ("cytarabine", None),
        "J9130": ("dacarbazine", None),
        "J9223": ("lurbinectedin", None),
        "J9179": ("eribulin", None),
        "J9207": ("ixabepilone", None),
        "J8520": ("capecitabine", None),
        "J8521": ("capecitabine", None),
        "J9395": ("fulvestrant", None),
        "J9217": ("leuprolide", None),
        "J9202": ("goserelin", None),
        "J9055": ("cetuximab", None),
        "J9303": ("panitumumab", None),
        "J9308": ("ramucirumab", None),
        "J9042": ("brentuximab vedotin", None),
        "J9214": ("interferon alfa", None),
        "Q2041": ("axicabtagene ciloleucel", None),
        "Q2042": ("tisagenlecleucel", None),
        "Q2053": ("brexucabtagene autoleucel", None),
        "Q2054": ("lisocabtagene maraleucel", None),
        "Q2055": ("idecabtagene vicleucel", None),
        "Q2056": ("ciltacabtagene autoleucel", None),
        "J9041": ("bortezomib", None),
        "J9047": ("carfilzomib", None),
        "J9145": ("daratumumab", None),
        "J0897": ("denosumab", None),
        "J3489": ("zoledronic acid", None),
        "J2430": ("pamidronate", None),
        "J0881": ("darbepoetin", None),
        "J0885": ("epoetin", None),
        "Q5106": ("epoetin", None),
        "Q5136": ("denosumab", None),
        "J1100": ("dexamethasone", None),
        "J2405": ("ondansetron", None),
        "J2469": ("palonosetron", None),
    }
)

# RxNorm codes of clinical drugs that public examples use.
RXNORM_PRODUCTS: Mapping[str, str] = MappingProxyType(
    {
        "309311": "cisplatin",
        "349472": "gefitinib",
        "1790099": "doxorubicin",
        "1721581": "osimertinib",
    }
)
