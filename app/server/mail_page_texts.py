"""Texts of the plain pages behind the links of mails, in the languages of the mails."""

from collections.abc import Mapping
from typing import Any


def _texts(pages: tuple[tuple[str, str], ...], *others: str) -> dict[str, Any]:
    names = (
        "verify-email",
        "reset-password",
        "confirm-email-change",
        "undo-email-change",
        "unsubscribe",
        "data-export",
    )
    found: dict[str, Any] = {
        name: {"title": title, "done": done} for name, (title, done) in zip(names, pages, strict=True)
    }
    return {**found, **dict(zip(("invalid", "password", "confirmation", "loginName", "terms"), others, strict=True))}


TEXTS: Mapping[str, Mapping[str, Any]] = {
    "en": _texts(
        (
            ("Confirm your email address", "Your email address is confirmed."),
            ("Choose a new password", "Your password is set. You can log in with it now."),
            ("Confirm your new email address", "Your email address was changed."),
            (
                "Keep your old email address",
                "Your old email address is back. A mail lets you choose a password.",
            ),
            ("Unsubscribe from the newsletter", "You will not receive the newsletter any more."),
            ("Download what we know about you", "The download has begun."),
        ),
        "This link is not valid. Open it again from the mail.",
        "New password",
        "The same password once more",
        "Login name",
        "I agree to the terms",
    ),
    "de": _texts(
        (
            ("E-Mail-Adresse bestätigen", "Ihre E-Mail-Adresse ist bestätigt."),
            ("Neues Passwort wählen", "Ihr Passwort ist gesetzt. Sie können sich jetzt damit anmelden."),
            ("Neue E-Mail-Adresse bestätigen", "Ihre E-Mail-Adresse wurde geändert."),
            (
                "Alte E-Mail-Adresse behalten",
                "Ihre alte E-Mail-Adresse gilt wieder. Sie erhalten eine E-Mail, um ein Passwort zu wählen.",
            ),
            ("Newsletter abbestellen", "Sie erhalten den Newsletter nicht mehr."),
            ("Herunterladen, was wir über Sie wissen", "Der Download hat begonnen."),
        ),
        "Dieser Link ist ungültig. Öffnen Sie ihn noch einmal aus der E-Mail.",
        "Neues Passwort",
        "Dasselbe Passwort noch einmal",
        "Anmeldename",
        "Ich stimme den Bedingungen zu",
    ),
    "fr": _texts(
        (
            ("Confirmer votre adresse e-mail", "Votre adresse e-mail est confirmée."),
            (
                "Choisir un nouveau mot de passe",
                "Votre mot de passe est défini. Vous pouvez vous connecter.",
            ),
            ("Confirmer votre nouvelle adresse e-mail", "Votre adresse e-mail a été modifiée."),
            (
                "Garder votre ancienne adresse e-mail",
                "Votre ancienne adresse est rétablie. Vous recevrez un e-mail pour choisir un mot de passe.",
            ),
            ("Se désabonner de la newsletter", "Vous ne recevrez plus la newsletter."),
            ("Télécharger ce que nous savons de vous", "Le téléchargement a commencé."),
        ),
        "Ce lien n’est pas valable. Ouvrez-le à nouveau depuis l’e-mail.",
        "Nouveau mot de passe",
        "Le même mot de passe encore une fois",
        "Nom d’utilisateur",
        "J’accepte les conditions",
    ),
    "it": _texts(
        (
            ("Confermare l’indirizzo e-mail", "Il suo indirizzo e-mail è confermato."),
            ("Scegliere una nuova password", "La password è impostata. Ora può accedere."),
            ("Confermare il nuovo indirizzo e-mail", "Il suo indirizzo e-mail è stato modificato."),
            (
                "Mantenere il vecchio indirizzo e-mail",
                "Il vecchio indirizzo è di nuovo valido. Riceverà un’e-mail per scegliere una password.",
            ),
            ("Annullare l’iscrizione alla newsletter", "Non riceverà più la newsletter."),
            ("Scaricare ciò che sappiamo di lei", "Il download è iniziato."),
        ),
        "Questo link non è valido. Lo apra di nuovo dall’e-mail.",
        "Nuova password",
        "La stessa password ancora una volta",
        "Nome utente",
        "Accetto le condizioni",
    ),
    "es": _texts(
        (
            ("Confirmar su correo electrónico", "Su correo electrónico está confirmado."),
            ("Elegir una nueva contraseña", "Su contraseña está guardada. Ya puede iniciar sesión."),
            ("Confirmar su nuevo correo electrónico", "Su correo electrónico se ha cambiado."),
            (
                "Conservar su correo anterior",
                "Su correo anterior vuelve a ser válido. Recibirá un mensaje para elegir una contraseña.",
            ),
            ("Darse de baja del boletín", "Ya no recibirá el boletín."),
            ("Descargar lo que sabemos de usted", "La descarga ha comenzado."),
        ),
        "Este enlace no es válido. Ábralo de nuevo desde el correo.",
        "Nueva contraseña",
        "La misma contraseña otra vez",
        "Nombre de usuario",
        "Acepto las condiciones",
    ),
}
