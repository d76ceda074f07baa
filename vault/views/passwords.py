"""Pages on which people set their own password: by the link that an administrator made, or while they are signed in."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.views import PasswordChangeView, PasswordResetConfirmView
from django.http import HttpResponse
from django.urls import reverse_lazy

from courses.account_changes import record_password
from courses.accounts import person


class SetPassword(PasswordResetConfirmView):
    """Show the form to set a password by a link that works once, and set it. Other sessions of the person end."""

    template_name = "registration/password_set.html"
    success_url = reverse_lazy("login")

    def form_valid(self, form: Any) -> HttpResponse:
        """Set the password and record it."""
        answer = super().form_valid(form)
        record_password(form.user, by=form.user)
        messages.success(self.request, "Your password was set. Sign in with it.")
        return answer


class ChangePassword(PasswordChangeView):
    """Show the form to change one's own password, and change it. Other sessions of the person end."""

    template_name = "registration/password_change.html"
    success_url = reverse_lazy("courses")

    def form_valid(self, form: Any) -> HttpResponse:
        """Change the password and record it."""
        answer = super().form_valid(form)
        record_password(person(self.request.user), by=person(self.request.user))
        messages.success(self.request, "Your password was changed.")
        return answer
