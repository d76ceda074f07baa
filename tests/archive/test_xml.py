"""XML of archives: no door is open while it is read, and every fault has its file and line."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import xml
from archive.errors import ArchiveError, DamagedArchive, HostileArchive, InvalidValue

MEMBER = "activities/forum_7/forum.xml"
BOMB = """<?xml version="1.0"?>
<!DOCTYPE users [
  <!ENTITY a "ha">
  <!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
  <!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">
]>
<users><user id="1"><username>&c;</username></user></users>"""


def read(data: bytes) -> list[str]:
    return [str(element.text) for element in xml.records(io.BytesIO(data), member=MEMBER, tags=("a",))]


def refuse(data: bytes, kind: type[ArchiveError]) -> ArchiveError:
    for way in (lambda: xml.parse(data, member=MEMBER), lambda: read(data)):
        with pytest.raises(kind) as caught:
            way()
        assert "\n" not in caught.value.sentence()
        assert caught.value.where.startswith(MEMBER)
    return caught.value


def test_an_entity_bomb_is_refused_unread() -> None:
    refuse(BOMB.encode(), HostileArchive)


@pytest.mark.parametrize("before", ["", "\n\n", "<!-- c -->", "<?x y?>", "\ufeff"])
def test_an_external_entity_is_never_opened(tmp_path: Path, before: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    document = f'{before}<!DOCTYPE a [<!ENTITY x SYSTEM "{secret.as_uri()}">]><a>&x;</a>'
    assert "secret" not in refuse(document.encode(), HostileArchive).sentence()


def test_an_entity_that_nobody_declared_is_malformed() -> None:
    refuse(b"<a>&nothing;</a>", DamagedArchive)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_another_encoding_cannot_hide_a_document_type(encoding: str) -> None:
    refuse(BOMB.encode(encoding), DamagedArchive)
    refuse(b'<?xml version="1.0" encoding="UTF-7"?>' + BOMB.encode("utf-7"), DamagedArchive)


def test_a_document_type_behind_a_long_comment_is_refused() -> None:
    refuse(b"<!--" + b"x" * 300_000 + b"-->" + BOMB.encode()[22:], HostileArchive)
    refuse(b" " * 300_000 + BOMB.encode()[22:], HostileArchive)


def test_malformed_xml_is_told_with_its_file_and_line() -> None:
    error = refuse(b"<posts>\n  <post>\n    <subject>one</subjekt>\n  </post>\n</posts>", DamagedArchive)
    assert error.where == f"{MEMBER}, line 3"
    assert "malformed" in error.message


@pytest.mark.parametrize(
    "data", [b"", b"<a>", b"<a><b></a>", b"text", b"<a/><b/>", b"<a>\x01</a>", b"<a>\xff</a>"]
)
def test_xml_that_is_none_is_told_in_one_sentence(data: bytes) -> None:
    refuse(data, DamagedArchive)


def test_a_tree_deeper_than_any_archive_is_refused() -> None:
    refuse(b"<a>" * 5000 + b"</a>" * 5000, HostileArchive)


def test_a_text_larger_than_any_archive_has_is_refused() -> None:
    refuse(b"<a>" + b"x" * 11_000_000 + b"</a>", DamagedArchive)


def test_records_come_one_by_one_and_are_emptied_behind() -> None:
    data = b"<r>" + b"".join(b"<a><b>%d</b></a>" % number for number in range(5000)) + b"</r>"
    seen = 0
    before = None
    for element in xml.records(io.BytesIO(data), member=MEMBER, tags=("a",)):
        assert element.findtext("b") == str(seen)
        if before is not None:
            assert len(before) == 0
            previous = element.getprevious()
            assert previous is None or len(previous) == 0
        before = element
        seen += 1
    assert seen == 5000


def test_the_tree_of_a_document_grows_block_by_block_under_one_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml, "CHUNK", 20)
    data = b"<r>" + b"".join(b"<a><r>%d</r></a>" % number for number in range(30)) + b"</r>"
    seen = [(root.tag, len(root), ended) for root, ended in xml.trees(io.BytesIO(data), member=MEMBER)]
    assert [ended for _, _, ended in seen] == [False] * (len(seen) - 1) + [True]
    assert len(seen) > 10
    assert seen == sorted(seen)
    assert seen[-1] == ("r", 30, True)


def test_a_document_that_is_malformed_later_gives_what_stands_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml, "CHUNK", 20)
    seen: list[int] = []
    with pytest.raises(DamagedArchive, match="malformed"):
        seen.extend(
            len(root) for root, _ in xml.trees(io.BytesIO(b"<r>" + b"<a/>" * 20 + b"</x>"), member=MEMBER)
        )
    assert seen
    assert seen[-1] > 10
    with pytest.raises(DamagedArchive, match="empty"):
        list(xml.trees(io.BytesIO(b""), member=MEMBER))


def test_a_stream_that_gives_a_few_bytes_at_a_time_is_read_the_same() -> None:
    class Trickle(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 3, 3))

    stream = Trickle(BOMB.encode())
    with pytest.raises(HostileArchive):
        list(xml.records(stream, member=MEMBER, tags=("user",)))
    assert [e.text for e in xml.records(Trickle(b"<r><a>1</a></r>"), member=MEMBER, tags=("a",))] == ["1"]


@given(st.text())
def test_escaped_text_comes_back_as_it_was_but_for_what_xml_cannot_hold(text: str) -> None:
    back = xml.parse(f"<a>{xml.escape(text)}</a>".encode(), member=MEMBER).text or ""
    expected = text.replace("\r\n", "\n").replace("\r", "\n")
    assert back == "".join(
        character
        for character in expected
        if character in "\t\n"
        or (
            ord(character) >= 32
            and character not in "\x7f\ufffe\uffff"
            and not 0xD800 <= ord(character) < 0xE000
        )
    )


@given(
    st.text(
        alphabet=st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\ufffe\uffff")
    )
)
def test_an_escaped_attribute_comes_back_as_it_was(text: str) -> None:
    assert xml.parse(f'<a b="{xml.escape_attribute(text)}"/>'.encode(), member=MEMBER).get("b") == text


def test_null_is_a_value_of_its_own() -> None:
    root = xml.parse(
        f"<a><b>{xml.value(None)}</b><c>{xml.value('')}</c><d>{xml.value(7)}</d></a>".encode(), member=MEMBER
    )
    assert [xml.text_of(child) for child in root] == [None, "", "7"]


def test_what_should_be_a_number_is_told_with_its_line() -> None:
    root = xml.parse(b"<a>\n<b>seven</b></a>", member=MEMBER)
    with pytest.raises(InvalidValue, match="'seven'") as caught:
        xml.whole_number(root[0].text, member=MEMBER, element=root[0])
    assert caught.value.where == f"{MEMBER}, line 2"
