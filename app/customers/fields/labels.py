"""Labels of the built-in fields, by field and language."""

from app.platform.languages import LANGUAGES

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
    "country": ("Country", "Land", "Pays", "Paese", "País"),
    "isBusiness": (
        "This is a business address",
        "Dies ist eine Firmenadresse",
        "C’est une adresse d’entreprise",
        "È un indirizzo aziendale",
        "Es una dirección de empresa",
    ),
    "line1": ("Street and number", "Strasse und Hausnummer", "Rue et numéro", "Via e numero", "Calle y número"),
    "line2": (
        "Address supplement",
        "Adresszusatz",
        "Complément d’adresse",
        "Informazioni aggiuntive",
        "Información adicional",
    ),
    "postalCode": ("Postal code", "Postleitzahl", "Code postal", "Codice postale", "Código postal"),
    "city": ("City", "Ort", "Localité", "Località", "Localidad"),
    "zone": (
        "State or province",
        "Bundesland oder Kanton",
        "Région ou canton",
        "Provincia o cantone",
        "Provincia o estado",
    ),
    "notes": (
        "Notes for the delivery",
        "Hinweise zur Lieferung",
        "Remarques pour la livraison",
        "Note per la consegna",
        "Notas para la entrega",
    ),
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
_ZONES = {
    "area": ("Area", "Gebiet", "Zone", "Zona", "Zona"),
    "county": ("County", "Grafschaft", "Comté", "Contea", "Condado"),
    "department": ("Department", "Departement", "Département", "Dipartimento", "Departamento"),
    "district": ("District", "Bezirk", "District", "Distretto", "Distrito"),
    "do_si": ("Province or city", "Provinz oder Stadt", "Province ou ville", "Provincia o città", "Provincia o ciudad"),
    "emirate": ("Emirate", "Emirat", "Émirat", "Emirato", "Emirato"),
    "island": ("Island", "Insel", "Île", "Isola", "Isla"),
    "oblast": ("Oblast", "Oblast", "Oblast", "Oblast", "Óblast"),
    "parish": ("Parish", "Kirchspiel", "Paroisse", "Parrocchia", "Parroquia"),
    "prefecture": ("Prefecture", "Präfektur", "Préfecture", "Prefettura", "Prefectura"),
    "province": ("Province", "Provinz", "Province", "Provincia", "Provincia"),
    "state": ("State", "Bundesstaat", "État", "Stato", "Estado"),
}
BUILT_IN_LABELS = {name: dict(zip(LANGUAGES, texts, strict=True)) for name, texts in _LABELS.items()}
ZONE_LABELS = {name: dict(zip(LANGUAGES, texts, strict=True)) for name, texts in _ZONES.items()}
"""Of the zone of an address, by what its country calls it (`AddressFormat.zone_type`)."""
