"""The administrator's pages of accounts: find, make and change people, their roles, their passwords and their access."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.core.mail import send_mail
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from archive.errors import NotFound, UsageError
from archive.numbers import whole_or
from courses import account_changes, role_changes
from courses.account_changes import EDITABLE
from courses.accounts import person, require_administrator
from courses.capabilities import ASSIGNABLE
from courses.models import Category, Course, Role, User
from courses.paging import key_page
from courses.role_changes import Place
from sign_in.second_factor import device_of
from vault.catalogue import category_choices
from vault.email_texts import link, text_of

PAGE = 50
CRUMBS = [("/administration/", "Administration")]
DAY = 24 * 3600
LABELS = {
    "username": "User name",
    "firstname": "First name",
    "lastname": "Last name",
    "email": "E-mail address",
    "idnumber": "ID number",
}


@login_required
@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """Show the accounts by user name, those that match a search."""
    require_administrator(request.user)
    search = request.GET.get("search", "").strip()[:200]
    found = _matching(search)
    context = {
        "search": search,
        "people": key_page(found, request.GET, size=PAGE, order=("username",)),
        "crumbs": CRUMBS,
    }
    return render(request, "vault/accounts.html", context)


def _matching(search: str) -> QuerySet[User]:
    """Return the accounts whose names, address or ID number begin with the words of a search, by user name."""
    found = User.objects.filter(deleted=0).order_by("username")
    for word in search.split()[:5]:
        begins = Q()
        for column in EDITABLE:
            begins |= Q(**{f"{column}__istartswith": word})
        found = found.filter(begins)
    return found


@login_required
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Show the form of a new account, and make it."""
    require_administrator(request.user)
    values = _values(request) if request.method == "POST" else dict.fromkeys(EDITABLE, "")
    found = account_changes.faults(values) if request.method == "POST" else []
    if request.method == "POST" and not found:
        made = account_changes.create_person(values, by=person(request.user))
        messages.success(request, f"The account of {made} was made. Send a link to set the password.")
        return redirect("account", pk=made.pk)
    return _form(
        request, values, found, {"account": None, "crumbs": [*CRUMBS, (reverse("accounts"), "People")]}
    )


@login_required
@require_http_methods(["GET", "POST"])
def account(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an account with its roles, and change its names and address."""
    require_administrator(request.user)
    found = _found(pk)
    values = (
        _values(request) if request.method == "POST" else {name: getattr(found, name) for name in EDITABLE}
    )
    wrong = account_changes.faults(values, account=found) if request.method == "POST" else []
    if request.method == "POST" and not wrong:
        changed = account_changes.change_person(found, values, by=person(request.user))
        if "email" in changed and found.pk == request.user.pk:
            # This session goes on; the person's others have ended.
            update_session_auth_hash(request, found)
        messages.success(request, f"The account of {found} was saved.")
        return redirect("account", pk=pk)
    return _form(request, values, wrong, _account_context(request, found))


def _account_context(request: HttpRequest, found: User) -> dict[str, Any]:
    by = person(request.user)
    return {
        "account": found,
        "own": found.pk == by.pk,
        "roles": role_changes.roles_of(found),
        "site_roles": role_changes.roles_offered(by, None),
        "course_roles": Role.objects.filter(archetype__in=ASSIGNABLE),
        "categories": category_choices(),
        "mail": settings.EMAIL_IS_SET and bool(found.email),
        "second_factor": device_of(found),
        "identities": found.identities.order_by("provider"),
        "crumbs": [*CRUMBS, (reverse("accounts"), "People")],
    }


def _form(
    request: HttpRequest,
    values: dict[str, str],
    found: list[account_changes.AccountFault],
    context: dict[str, Any],
) -> HttpResponse:
    wrong = {fault.column: fault.sentence for fault in found}
    fields = [(name, LABELS[name], values[name], wrong.get(name, "")) for name in EDITABLE]
    errors = list(wrong.items())
    return render(
        request,
        "vault/account.html",
        {"fields": fields, "errors": errors, **context},
        status=400 if errors else 200,
    )


def _values(request: HttpRequest) -> dict[str, str]:
    return {name: request.POST.get(name, "").strip() for name in EDITABLE}


def _found(pk: int) -> User:
    return get_object_or_404(User, pk=pk, deleted=0)


@login_required
@require_POST
def give_role(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a person a role at the site, in a category, or in the course whose short name or id is named."""
    require_administrator(request.user)
    found = _found(pk)
    role = Role.objects.filter(pk=whole_or(request.POST.get("role", ""))).first()
    if role is None:
        raise UsageError("No role is chosen.", hint="Choose one from the list.")
    place = _place(request)
    if role_changes.give_role(found, role, place, by=person(request.user)):
        messages.success(request, f"{found} has the role {role} for {role_changes.title_of(place)} now.")
    else:
        messages.info(request, f"{found} had the role {role} for {role_changes.title_of(place)} already.")
    return redirect("account", pk=pk)


def _place(request: HttpRequest) -> Place:
    """Return the place that a form names. Raises NotFound if it is not there, UsageError if none is named."""
    where, name = request.POST.get("where", ""), request.POST.get("course", "").strip()[:255]
    if where == "site":
        return None
    if where == "category":
        category = Category.objects.filter(pk=whole_or(request.POST.get("category", ""))).first()
        if category is None:
            raise NotFound("There is no such category.", hint="Choose one from the list.")
        return category
    if where != "course" or not name:
        raise UsageError(
            "It is not said where the role holds.", hint="Choose the site, a category or a course."
        )
    course = Course.objects.filter(Q(shortname=name) | Q(pk=whole_or(name, 0))).first()
    if course is None:
        raise NotFound(f"There is no course “{name}”.", hint="Enter the short name or the id of the course.")
    return course


@login_required
@require_POST
def take_role(request: HttpRequest, pk: int, assignment: int) -> HttpResponse:
    """Take a role from a person."""
    require_administrator(request.user)
    found = _found(pk)
    given = next((one for one in role_changes.roles_of(found) if one.assignment.pk == assignment), None)
    if given is None:
        raise NotFound(f"{found} does not hold this role any more.")
    role_changes.take_role(given, found, by=person(request.user))
    messages.success(request, f"{found} has the role {given.role} for {given.title} no longer.")
    return redirect("account", pk=pk)


CHANGES: dict[str, tuple[Callable[..., None], bool, str]] = {
    "suspend": (account_changes.set_suspended, True, "{} may not sign in any more."),
    "reactivate": (account_changes.set_suspended, False, "{} may sign in again."),
    "administrator": (account_changes.set_administrator, True, "{} administers the site now."),
    "no-administrator": (
        account_changes.set_administrator,
        False,
        "{} does not administer the site any more.",
    ),
}
"""Changes of access by the name in the address: the function, its value, and what the page says afterwards."""


@login_required
@require_POST
def change_access(request: HttpRequest, pk: int, change: str) -> HttpResponse:
    """Suspend or reactivate an account, make its person an administrator, or end that."""
    require_administrator(request.user)
    if change not in CHANGES:
        raise NotFound("There is no such change of an account.")
    found, (function, value, said) = _found(pk), CHANGES[change]
    function(found, value, by=person(request.user))
    messages.success(request, said.format(found))
    return redirect("account", pk=pk)


@login_required
@require_POST
def password(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a person the link to set a password, or show it to be handed over."""
    require_administrator(request.user)
    found, by_mail = _found(pk), request.POST.get("how") == "mail"
    if by_mail and not (settings.EMAIL_IS_SET and found.email):
        raise UsageError(
            f"No e-mail can be sent to {found}.",
            hint="Show the link instead, and hand it over some other way.",
        )
    parts = account_changes.password_link(found, by=person(request.user), how="mail" if by_mail else "shown")
    address = link("password-set", *parts)
    days = settings.PASSWORD_RESET_TIMEOUT // DAY
    if not by_mail:
        context = {"account": found, "address": address, "days": days, "crumbs": _account_crumbs(found)}
        return render(request, "vault/account_link.html", context)
    text = text_of("password", account=found, address=address, days=days)
    try:
        send_mail(text.subject, text.body, None, [found.email])
    except (OSError, smtplib.SMTPException) as problem:
        raise UsageError(
            f"The mail server did not take the e-mail to {found}: {problem}.",
            hint="Try again later, or show the link and hand it over.",
        ) from problem
    messages.success(request, f"A link to set the password was sent to {found.email}.")
    return redirect("account", pk=pk)


def _account_crumbs(found: User) -> list[tuple[str, str]]:
    return [*CRUMBS, (reverse("accounts"), "People"), (reverse("account", args=[found.pk]), str(found))]
