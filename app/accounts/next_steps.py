"""What a customer who may log in does next, by the rules of the organization."""

from app.accounts.registration import NextStep
from app.customers.records import CustomerDetails
from app.platform.principal import OrganizationSettings


def next_step(settings: OrganizationSettings, personal: CustomerDetails) -> NextStep:
    """Accept the terms of today, choose a login name where people log in by it, or nothing."""
    if settings.has_terms and not accepts_current_terms(settings, personal):
        return NextStep.ACCEPT_TERMS
    if settings.require_login_name and personal.login_name is None:
        return NextStep.CHOOSE_LOGIN_NAME
    return NextStep.DONE


def accepts_current_terms(settings: OrganizationSettings, personal: CustomerDetails) -> bool:
    """Whether the version of today was agreed to; without versions, whether anything was."""
    if personal.terms_accepted_at is None:
        return False
    return settings.terms_version in {None, personal.terms_version}
