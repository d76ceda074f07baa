"""Secrets: readable on the site that encrypted them, and nowhere else."""

from __future__ import annotations

import base64
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from courses import encryption
from courses.fields import Reading
from courses.fields.secrets import Secret

FOREIGN = base64.b64encode(bytes(range(96))).decode()


class NoReferences:
    """References that nobody asks for: a secret refers to nothing."""

    def mention(self, item_type: str, old: int) -> int | None:
        raise AssertionError(f"{item_type} {old} was looked for")


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_a_secret_is_read_by_the_site_that_encrypted_it(text: str) -> None:
    hidden = encryption.encrypt(text)
    assert encryption.is_encrypted(hidden)
    assert text not in hidden or len(text) < 4
    assert encryption.reveal(hidden) == text


def test_another_site_reads_nothing(settings: Any) -> None:
    hidden = encryption.encrypt("the key of the tool")
    settings.SITE_KEY = "another site's"
    assert encryption.reveal(hidden) is None


def test_a_changed_secret_is_no_secret() -> None:
    hidden = encryption.encrypt("the key of the tool")
    flipped = ("B" if hidden[-8] == "A" else "A").join([hidden[:-8], hidden[-7:]])
    assert encryption.reveal(flipped) is None


def test_what_another_site_encrypted_is_stored_as_it_came() -> None:
    parse = Secret().parser(Reading(references=NoReferences()))
    assert parse(FOREIGN) == FOREIGN


def test_what_comes_in_clear_is_encrypted_before_it_is_stored() -> None:
    parse = Secret().parser(Reading(references=NoReferences()))
    stored = parse("plain")
    assert stored is not None
    assert encryption.reveal(stored) == "plain"
    assert encryption.reveal(Secret().get_prep_value("plain")) == "plain"
