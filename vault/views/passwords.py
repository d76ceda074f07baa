"""Pages on which people set their own password: by the link that an administrator made, or while they are signed in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.views import PasswordChangeView, PasswordResetConfirmView
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy

from archive.errors import NotFound
from courses.account_changes import record_password
from courses.accounts import person
from courses.models import User
from courses.password_tokens import password_tokens


class SetPassword(PasswordResetConfirmView):
    """Show the form to set a password by a link that works once, and set it. Other sessions of the person end."""

    template_name = "registration/password_set.html"
    success_url = reverse_lazy("login")
    token_generator = password_tokens

    def get_user(self, uidb64: str) -> User | None:
        """Return the person whom the link is for; None, as for a link that is not valid, if the person may not sign in."""
        found = super().get_user(uidb64)
        return found if isinstance(found, User) and found.is_active else None

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        """Set the password and record it, in one transaction."""
        answer = super().form_valid(form)
        record_password(form.user, by=form.user)
        messages.success(self.request, "Your password was set. Sign in with it.")
        return answer


class ChangePasswordForm(PasswordChangeForm):
    """The form to change one's own password. The old one is checked as at a sign-in, with its limits of attempts."""

    request: HttpRequest | None = None

    def clean_old_password(self) -> str:
        """Return the old password. Raises ValidationError if it is wrong, or too many attempts failed."""
        old = self.cleaned_data["old_password"]
        # A password of the directory is none of this account: with it somebody would make one that outlives the entry there.
        found = authenticate(self.request, username=self.user.username, password=old, own_only=True)
        if found is None or found.pk != self.user.pk:
            raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        return str(old)


class ChangePassword(PasswordChangeView):
    """Show the form to change one's own password, and change it. Other sessions of the person end."""

    template_name = "registration/password_change.html"
    success_url = reverse_lazy("courses")
    form_class = ChangePasswordForm

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Answer. Raises NotFound where the site takes no passwords, and for people whose account has none."""
        if not settings.PASSWORD_SIGN_IN:
            raise NotFound("This site takes no passwords.")
        if request.user.is_authenticated and not request.user.has_usable_password():
            raise NotFound(
                "Your account has no password of this site.",
                hint="Change it where you signed in: at your provider.",
            )
        return super().dispatch(request, *args, **kwargs)

    def get_form(self, form_class: Any = None) -> Any:
        """Return the form, which counts attempts for the address of this request."""
        form: Any = super().get_form(form_class)
        form.request = self.request
        return form

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        """Change the password and record it, in one transaction."""
        answer = super().form_valid(form)
        record_password(person(self.request.user), by=person(self.request.user))
        messages.success(self.request, "Your password was changed.")
        return answer
