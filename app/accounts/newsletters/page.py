"""HTML pages of the unsubscribe link, in five languages: question with a button, confirmation, invalid link."""

from html import escape

from app.customers.newsletter import UNSUBSCRIBE_PATH
from app.platform.languages import LANGUAGES

CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'"
_TEXTS = {
    "title": ("Newsletter", "Newsletter", "Newsletter", "Newsletter", "Boletín"),
    "question": (
        "Do you want to stop receiving the newsletter?",
        "Möchten Sie den Newsletter abbestellen?",
        "Voulez-vous vous désabonner de la newsletter ?",
        "Vuoi annullare l’iscrizione alla newsletter?",
        "¿Quiere dejar de recibir el boletín?",
    ),
    "button": ("Unsubscribe", "Abbestellen", "Se désabonner", "Annulla l’iscrizione", "Darse de baja"),
    "done": (
        "You will not receive the newsletter any more.",
        "Sie erhalten den Newsletter nicht mehr.",
        "Vous ne recevrez plus la newsletter.",
        "Non riceverai più la newsletter.",
        "Ya no recibirá el boletín.",
    ),
    "invalid": (
        "This link is not valid. Open it again from the mail.",
        "Dieser Link ist ungültig. Öffnen Sie ihn noch einmal aus der E-Mail.",
        "Ce lien n’est pas valable. Ouvrez-le à nouveau depuis l’e-mail.",
        "Questo link non è valido. Aprilo di nuovo dall’e-mail.",
        "Este enlace no es válido. Ábralo de nuevo desde el correo.",
    ),
}


def question(language: str, token: str) -> str:
    """The page that asks for confirmation; only its button unsubscribes."""
    action = f"{UNSUBSCRIBE_PATH}?token={token}"
    form = (
        f'<form method="post" action="{escape(action)}">'
        '<input type="hidden" name="List-Unsubscribe" value="One-Click">'
        f"<button>{_text('button', language)}</button></form>"
    )
    return _page(language, f"<p>{_text('question', language)}</p>{form}")


def done(language: str) -> str:
    """The page after unsubscribing."""
    return _page(language, f"<p>{_text('done', language)}</p>")


def invalid(language: str) -> str:
    """The page for an invalid link."""
    return _page(language, f"<p>{_text('invalid', language)}</p>")


def _text(name: str, language: str) -> str:
    return escape(_TEXTS[name][LANGUAGES.index(language)])


def _page(language: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f"<title>{_text('title', language)}</title>"
        "<style>body{font:18px/1.5 system-ui,sans-serif;max-width:32em;margin:4em auto;padding:0 1em}"
        "button{font:inherit;padding:.6em 1.2em}</style></head>"
        f"<body><main><h1>{_text('title', language)}</h1>{body}</main></body></html>"
    )
