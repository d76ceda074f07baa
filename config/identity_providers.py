"""Makes the options of sign-in from `COURSEKEEP_OIDC_...` and `COURSEKEEP_LDAP_...`, and refuses what would not be safe."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from config.environment import Environment
from sign_in.options import LOCAL, DirectoryOptions, FirstSignIn, OidcOptions


def oidc_options(environment: Environment) -> OidcOptions | None:
    """Return the provider of OpenID Connect, None where the site has none. Raises ImproperlyConfigured."""
    names = ("COURSEKEEP_OIDC_ISSUER", "COURSEKEEP_OIDC_CLIENT_ID", "COURSEKEEP_OIDC_CLIENT_SECRET")
    missing = [name for name in names if not environment.is_set(name)]
    if len(missing) == len(names):
        return None
    if missing:
        raise ImproperlyConfigured(
            f"{' and '.join(missing)} is missing. Sign-in by OpenID Connect needs {', '.join(names[:2])} and {names[2]}."
        )
    issuer, client_id, client_secret = (environment.text(name) for name in names)
    parts = urlsplit(issuer)
    if parts.scheme != "https" and parts.hostname not in LOCAL:
        raise ImproperlyConfigured(
            f"COURSEKEEP_OIDC_ISSUER is “{issuer}”, an address without TLS. Set it to one of https."
        )
    return OidcOptions(
        issuer=issuer,
        client_id=client_id,
        client_secret=client_secret,
        name=environment.text("COURSEKEEP_OIDC_NAME") or str(parts.hostname),
        scopes=environment.text("COURSEKEEP_OIDC_SCOPES"),
        algorithm=environment.value("COURSEKEEP_OIDC_ALGORITHM"),
        username_claim=environment.text("COURSEKEEP_OIDC_USERNAME_CLAIM"),
        groups_claim=environment.text("COURSEKEEP_OIDC_GROUPS_CLAIM"),
        administrators=environment.text("COURSEKEEP_OIDC_ADMINISTRATORS"),
        first=FirstSignIn(
            match=environment.value("COURSEKEEP_OIDC_MATCH"),
            create=environment.switch("COURSEKEEP_OIDC_CREATE"),
        ),
    )


def directory_options(environment: Environment) -> DirectoryOptions | None:
    """Return the LDAP directory, None where the site has none. Raises ImproperlyConfigured."""
    if not environment.is_set("COURSEKEEP_LDAP_URL"):
        return None
    if importlib.util.find_spec("django_auth_ldap") is None or importlib.util.find_spec("ldap") is None:
        raise ImproperlyConfigured(
            "COURSEKEEP_LDAP_URL is set, and the packages for LDAP are not installed. Run apt-get install gcc python3-dev "
            "libldap-dev libsasl2-dev, then pip install -r requirements-ldap.lock."
        )
    url, start_tls = _way_to_directory(environment)
    search = _checked_search(environment)
    return DirectoryOptions(
        url=url,
        base=environment.text("COURSEKEEP_LDAP_BASE"),
        search=search,
        bind_dn=environment.text("COURSEKEEP_LDAP_BIND_DN"),
        bind_password=environment.text("COURSEKEEP_LDAP_BIND_PASSWORD"),
        start_tls=start_tls,
        authorities=environment.text("COURSEKEEP_LDAP_CA_FILE"),
        identifier=environment.text("COURSEKEEP_LDAP_ID_ATTRIBUTE"),
        name=environment.text("COURSEKEEP_LDAP_NAME_ATTRIBUTE"),
        first=FirstSignIn(
            match="username" if environment.switch("COURSEKEEP_LDAP_MATCH") else "none",
            create=environment.switch("COURSEKEEP_LDAP_CREATE"),
        ),
    )


def _way_to_directory(environment: Environment) -> tuple[str, bool]:
    """Return the address of the directory, and whether TLS begins after the connection. Raises ImproperlyConfigured."""
    url = environment.text("COURSEKEEP_LDAP_URL")
    parts = urlsplit(url)
    local = parts.hostname in LOCAL
    start_tls = environment.switch("COURSEKEEP_LDAP_STARTTLS", default=parts.scheme == "ldap" and not local)
    if parts.scheme == "ldap" and not (local or start_tls):
        raise ImproperlyConfigured(
            f"COURSEKEEP_LDAP_URL is “{url}”, and passwords would go there without TLS. "
            "Set it to an address of ldaps, or COURSEKEEP_LDAP_STARTTLS to 1."
        )
    if parts.scheme == "ldaps" and start_tls:
        raise ImproperlyConfigured(
            "COURSEKEEP_LDAP_STARTTLS is for addresses of ldap. Remove it: ldaps has TLS."
        )
    return url, start_tls


def _checked_search(environment: Environment) -> str:
    """Return the filter that finds a person; check it, and what else the search needs. Raises ImproperlyConfigured."""
    search = environment.text("COURSEKEEP_LDAP_FILTER")
    if not environment.is_set("COURSEKEEP_LDAP_BASE"):
        raise ImproperlyConfigured(
            "COURSEKEEP_LDAP_BASE is missing. Set it to the entry below which people are."
        )
    if search.replace("%(user)s", "").count("%") or "%(user)s" not in search:
        raise ImproperlyConfigured(
            f"COURSEKEEP_LDAP_FILTER is “{search}”. Write %(user)s where the user name comes, and no other %."
        )
    authorities = environment.text("COURSEKEEP_LDAP_CA_FILE")
    if authorities and not Path(authorities).is_file():
        raise ImproperlyConfigured(f"COURSEKEEP_LDAP_CA_FILE names {authorities}, and there is no such file.")
    bind_dn = environment.text("COURSEKEEP_LDAP_BIND_DN")
    if bool(bind_dn) != environment.is_set("COURSEKEEP_LDAP_BIND_PASSWORD"):
        raise ImproperlyConfigured(
            "COURSEKEEP_LDAP_BIND_DN and COURSEKEEP_LDAP_BIND_PASSWORD belong together. Set both, or neither."
        )
    return search


def refuse_no_way_in(*, passwords: bool, oidc: OidcOptions | None) -> None:
    """Raise ImproperlyConfigured if nobody could sign in by any page."""
    if not passwords and oidc is None:
        raise ImproperlyConfigured(
            "COURSEKEEP_PASSWORD_SIGN_IN is off, and there is no OpenID Connect, so nobody could sign in. "
            "Set COURSEKEEP_OIDC_ISSUER, or COURSEKEEP_PASSWORD_SIGN_IN to 1."
        )
