"""Links: every address that stands for a record becomes a token and an address again, and nothing else does."""

from __future__ import annotations

import html
import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.links import Link
from courses import activities
from courses.links import decode, encode, link_of, links, relink, renumber
from viewer import unserialised

ROOT = "http://site.example:8000"
ELSEWHERE = "https://moodle.example/learning"
ID = st.integers(1, 10**15)
LINK = st.sampled_from(sorted(links().values(), key=lambda link: link.token))


def all_came(kind: str, old: int) -> int | None:
    return old + 1000


def none_came(kind: str, old: int) -> int | None:
    return None


def plain(link: Link) -> str:
    """The address of a link as people see it."""
    return html.unescape(link.address)


def first_with(link: Link) -> Link:
    """The link that is written for an address: of two tokens with the same one, the first declared."""
    return next(
        other for other in links().values() if (plain(other), other.inside) == (plain(link), link.inside)
    )


@st.composite
def linked(draw: st.DrawFn) -> tuple[Link, list[int]]:
    """A link and ids for it."""
    link = draw(LINK)
    return link, draw(st.lists(ID, min_size=len(link.item_types), max_size=len(link.item_types)))


def test_every_address_has_as_many_places_as_kinds_of_ids() -> None:
    for link in links().values():
        assert set(re.findall(r"\$\d", link.address)) == {
            f"${n}" for n in range(1, len(link.item_types) + 1)
        }, link


def test_every_described_type_has_a_link_to_its_activities() -> None:
    for name in activities.types():
        link = link_of(f"{name.upper()}VIEWBYID")
        assert link is not None
        assert link.item_types == ("course_module",), name


@given(linked(), st.sampled_from([0, 1, 2]))
def test_an_address_becomes_its_token_however_often_it_was_escaped(
    made: tuple[Link, list[int]], times: int
) -> None:
    link, ids = made
    address = html.unescape(link.url(ROOT, ids))
    for _ in range(times):
        address = address.replace("&", "&amp;")
    token = f"$@{first_with(link).token}*{'*'.join(map(str, ids))}@$"
    assert encode(f'<a href="{address}">', root=ROOT) == f'<a href="{token}">'


@given(linked())
def test_a_token_becomes_the_address_of_what_came(made: tuple[Link, list[int]]) -> None:
    link, ids = made
    token = f"$@{link.token}*{'*'.join(map(str, ids))}@$"
    expected = link.url(ROOT, [number + 1000 for number in ids])
    assert decode(f"a {token} b", known=all_came, root=ROOT, original=ELSEWHERE) == f"a {expected} b"


@given(linked())
def test_there_and_back_is_the_same_token_with_the_new_ids(made: tuple[Link, list[int]]) -> None:
    link, ids = made
    written = first_with(link)
    token = f"$@{written.token}*{'*'.join(map(str, ids))}@$"
    address = decode(token, known=all_came, root=ROOT, original=ELSEWHERE)
    again = encode(html.escape(address), root=ROOT)
    assert again == f"$@{written.token}*{'*'.join(str(number + 1000) for number in ids)}@$"
    assert renumber(token, known=all_came, original=ELSEWHERE) == again


@given(linked())
def test_what_did_not_come_leads_to_the_site_that_it_came_from(made: tuple[Link, list[int]]) -> None:
    link, ids = made
    token = f"$@{link.token}*{'*'.join(map(str, ids))}@$"
    assert decode(token, known=none_came, root=ROOT, original=ELSEWHERE) == link.url(ELSEWHERE, ids)
    kept = renumber(token, known=none_came, original=ELSEWHERE)
    assert html.unescape(kept) == html.unescape(link.url(ELSEWHERE, ids))
    assert re.search(r"&(?!amp;)", kept) is None


def test_one_id_that_did_not_come_is_enough() -> None:
    two = next(link for link in links().values() if len(link.item_types) == 2)

    def only_the_first(kind: str, old: int) -> int | None:
        return old if old == 5 else None

    text = f"$@{two.token}*5*6@$"
    assert decode(text, known=only_the_first, root=ROOT, original=ELSEWHERE) == two.url(ELSEWHERE, [5, 6])


@given(linked())
def test_addresses_of_other_sites_stay(made: tuple[Link, list[int]]) -> None:
    link, ids = made
    for root in (ELSEWHERE, "http://site.example", "http://site.example:80001", "http://other.example:8000"):
        text = f"{link.url(root, ids)} and {ROOT}/"
        assert encode(text, root=ROOT) == text


@given(linked(), st.sampled_from(["&amp;forceview=1", "#p7", "/mod_page/content/1/a.png", '"', "</p>", "."]))
def test_what_follows_the_ids_stays_behind_the_token(made: tuple[Link, list[int]], rest: str) -> None:
    link, ids = made
    address = html.unescape(link.url(ROOT, ids))
    found = encode(address.replace("&", "&amp;") + rest, root=ROOT)
    assert found.startswith("$@")
    assert found.endswith(f"@${rest}")


def test_the_address_of_a_file_inside_another_address_becomes_a_token_of_its_own() -> None:
    """As editors write interactive content into a text."""
    text = f'<iframe src="{ROOT}/h5p/embed.php?url=http%3A%2F%2Fsite.example%3A8000%2Fpluginfile.php%2F12%2Fmod%2Fx.h5p">'
    tokens = '<iframe src="$@H5PEMBED@$?url=$@PLUGINFILEBYCONTEXTURLENCODED*12@$%2Fmod%2Fx.h5p">'
    assert encode(text, root=ROOT) == tokens
    moved = decode(tokens, known=all_came, root=ROOT, original=ELSEWHERE)
    assert moved == text.replace("%2F12%2F", "%2F1012%2F")
    assert renumber(tokens, known=all_came, original=ELSEWHERE) == tokens.replace("*12@", "*1012@")


def test_an_address_inside_another_is_found_where_the_site_stands_nowhere_else() -> None:
    text = "url=http%3A%2F%2Fsite.example%3A8000%2Fpluginfile.php%2F12%2Fx"
    assert encode(text, root=ROOT) == "url=$@PLUGINFILEBYCONTEXTURLENCODED*12@$%2Fx"


def test_an_address_with_two_ids_is_not_taken_for_the_one_that_it_begins_with() -> None:
    for link in links().values():
        if len(link.item_types) == 2:
            found = encode(html.unescape(link.url(ROOT, [12, 34])).replace("&", "&amp;"), root=ROOT)
            assert found == f"$@{first_with(link).token}*12*34@$"


def test_several_addresses_in_one_text_become_a_token_each() -> None:
    text = f"{ROOT}/mod/forum/view.php?id=1 {ROOT}/course/view.php?id=2, {ROOT}/mod/page/view.php?id=3"
    assert encode(text, root=ROOT) == "$@FORUMVIEWBYID*1@$ $@COURSEVIEWBYID*2@$, $@PAGEVIEWBYID*3@$"


def test_the_addresses_that_every_type_has_work_for_one_that_nothing_describes() -> None:
    text = f"{ROOT}/mod/wheel/view.php?id=12 {ROOT}/mod/wheel/index.php?id=3"
    tokens = "$@WHEELVIEWBYID*12@$ $@WHEELINDEX*3@$"
    assert encode(text, root=ROOT) == tokens
    assert link_of("WHEELVIEWBYID") == Link("WHEELVIEWBYID", "/mod/wheel/view.php?id=$1", ("course_module",))
    assert decode(tokens, known=lambda kind, old: old, root=ROOT, original=ELSEWHERE) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        ROOT,
        f"{ROOT}/",
        f"{ROOT}/mod/forum/view.php",
        f"{ROOT}/mod/forum/view.php?id=",
        f"{ROOT}/mod/forum/view.php?id=x",
        f"{ROOT}/mod/forum/view.php?id={'1' * 19}",
        f"{ROOT}/mod/forum/edit.php?id=4",
        f"{ROOT}/course/edit.php?id=4",
    ],
)
def test_short_texts_and_what_is_no_link_stay(text: str) -> None:
    assert encode(text, root=ROOT) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "$@",
        "$@$",
        "$@NULL@$",
        "$@FORUMVIEWBYID@$",
        "$@FORUMVIEWBYID*@$",
        "$@FORUMVIEWBYID*1*2@$",
        "$@FORUMVIEWBYID*x@$",
        f"$@FORUMVIEWBYID*{'1' * 19}@$",
        "$@WHEELTURN*5@$",
        "$@forumviewbyid*5@$",
    ],
)
def test_what_is_no_token_stays(text: str) -> None:
    assert decode(text, known=all_came, root=ROOT, original=ELSEWHERE) == text
    assert renumber(text, known=all_came, original=ELSEWHERE) == text


@given(linked(), st.text(st.characters(codec="utf-8")), st.booleans())
def test_in_a_serialised_value_the_lengths_are_counted_anew(
    made: tuple[Link, list[int]], text: str, came: bool
) -> None:
    link, ids = made
    known = all_came if came else none_came
    for ampersand in ("&", "&amp;"):
        address = link.url(ELSEWHERE, ids).replace("&amp;", "&").replace("&", ampersand)
        said = f"{text} {address} é&amp;"
        value = f'a:2:{{i:0;s:{len(said.encode())}:"{said}";s:1:"b";i:3;}}'
        archived = encode(value, root=ELSEWHERE)
        assert ELSEWHERE not in archived or ELSEWHERE in text
        read = unserialised.read(relink(archived, known=known, root=ROOT, original=ELSEWHERE))
        assert set(read) == {0, "b"}
        assert read["b"] == 3
        if came:
            assert ROOT in unquote(read[0])
        else:
            assert html.unescape(read[0]) == html.unescape(said)


def test_a_serialised_value_whose_lengths_never_fitted_keeps_them() -> None:
    text = 'a:1:{i:0;s:3:"$@FORUMVIEWBYID*5@$";}'
    assert relink(text, known=all_came, root=ROOT, original=ELSEWHERE) == decode(
        text, known=all_came, root=ROOT, original=ELSEWHERE
    )


@given(st.text())
def test_texts_without_links_stay(text: str) -> None:
    assert encode(text, root=ROOT) == text
    assert decode(text, known=all_came, root=ROOT, original=ELSEWHERE) == text
