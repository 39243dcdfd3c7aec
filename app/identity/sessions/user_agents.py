"""Device names, derived from the `User-Agent` header (RFC 9110, section 10.1.5)."""

# The order matters: browsers include the names of older ones in their headers.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Vivaldi", "Vivaldi"),
    ("FxiOS", "Firefox"),
    ("Firefox", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)
PROGRAM_MAX = 32


def device_name(user_agent: str) -> str | None:
    """A name such as `Firefox on Windows`, or that of a program such as `okhttp`; None for an empty header."""
    browser = _first(BROWSERS, user_agent)
    system = _first(SYSTEMS, user_agent)
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or _program(user_agent)


def _first(markers: tuple[tuple[str, str], ...], user_agent: str) -> str | None:
    return next((name for mark, name in markers if mark in user_agent), None)


def _program(user_agent: str) -> str | None:
    name = user_agent.split("/", maxsplit=1)[0].strip()
    return name[:PROGRAM_MAX] if name.isprintable() and name else None
