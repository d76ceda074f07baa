"""Search by trigrams: a text has those of its capital letters, however many these are."""

from __future__ import annotations

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db

LONGER = "SELECT collname FROM pg_collation WHERE collname IN ('pg_unicode_fast', 'de-x-icu') LIMIT 1"
"""A collation in which a text may be longer in capitals; which of them there is depends on the server's version."""


def test_a_text_that_is_longer_in_capitals_has_all_its_trigrams() -> None:
    with connection.cursor() as cursor:
        cursor.execute(LONGER)
        [(collation,)] = cursor.fetchall()
        text = f"""'Maß' COLLATE "{collation}\""""
        cursor.execute(f"SELECT upper({text}), coursekeep_trigrams({text})")
        capitals, trigrams = cursor.fetchone()
    assert capitals == "MASS"
    assert sorted(trigrams) == ["ASS", "MAS"]


def test_a_text_of_fewer_than_three_characters_has_no_trigrams() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coursekeep_trigrams(''), coursekeep_trigrams('ab'), coursekeep_trigrams('abc')"
        )
        assert cursor.fetchone() == ([], [], ["ABC"])


@pytest.mark.parametrize("text", ["Flüsse", "a\u0301b\U0001f600c", "long " * 60_000])
def test_the_trigrams_are_all_three_letters_in_a_row(text: str) -> None:
    with connection.cursor() as cursor:
        # The long one would take minutes if each letter were looked for from the beginning of the text.
        cursor.execute("SET LOCAL statement_timeout = '60s'")
        cursor.execute("SELECT upper(%s), coursekeep_trigrams(%s)", [text, text])
        capitals, trigrams = cursor.fetchone()
    assert set(trigrams) == {capitals[place : place + 3] for place in range(len(capitals) - 2)}
