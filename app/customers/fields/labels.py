"""Labels of the built-in fields, by field and language."""

LANGUAGES = ("en", "de", "fr", "it", "es")

_LABELS = {
    "email": ("Email address", "E-Mail-Adresse", "Adresse e-mail", "Indirizzo e-mail", "Correo electrónico"),
    "loginName": ("Login name", "Benutzername", "Nom d’utilisateur", "Nome utente", "Nombre de usuario"),
    "password": ("Password", "Passwort", "Mot de passe", "Password", "Contraseña"),
    "passwordConfirmation": (
        "Repeat password",
        "Passwort wiederholen",
        "Répéter le mot de passe",
        "Ripeti la password",
        "Repetir la contraseña",
    ),
    "firstName": ("First name", "Vorname", "Prénom", "Nome", "Nombre"),
    "lastName": ("Last name", "Nachname", "Nom", "Cognome", "Apellidos"),
    "phone": ("Telephone", "Telefon", "Téléphone", "Telefono", "Teléfono"),
    "fax": ("Fax", "Fax", "Fax", "Fax", "Fax"),
    "company": ("Company", "Firma", "Société", "Azienda", "Empresa"),
    "imageUrl": (
        "Web address of a profile image",
        "Webadresse eines Profilbilds",
        "Adresse web d’une photo de profil",
        "Indirizzo web dell’immagine del profilo",
        "Dirección web de la imagen de perfil",
    ),
    "birthDate": ("Date of birth", "Geburtsdatum", "Date de naissance", "Data di nascita", "Fecha de nacimiento"),
    "locale": ("Language", "Sprache", "Langue", "Lingua", "Idioma"),
    "newsletter": (
        "Send me the newsletter",
        "Newsletter abonnieren",
        "Recevoir la newsletter",
        "Ricevere la newsletter",
        "Recibir el boletín",
    ),
    "acceptTerms": (
        "I agree to the terms",
        "Ich stimme den Bedingungen zu",
        "J’accepte les conditions",
        "Accetto le condizioni",
        "Acepto las condiciones",
    ),
}
BUILT_IN_LABELS = {name: dict(zip(LANGUAGES, texts, strict=True)) for name, texts in _LABELS.items()}
