"""Members are written kind by kind, and the rows of the next kind are read meanwhile."""

from __future__ import annotations

from typing import Any, cast

import pytest

from backup import members


def test_the_rows_of_the_next_kind_are_asked_for_before_one_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []

    def begin(context: Any, kind: Any) -> str | None:
        done.append(f"ask for {kind}")
        return None if kind == "empty" else str(kind)

    def write(context: Any, begun: Any) -> Any:
        done.append(f"write {begun}")
        yield 1

    monkeypatch.setattr(members, "_begin", begin)
    monkeypatch.setattr(members, "_write_kind", write)
    kinds = cast("list[members.Members]", ["forum", "empty", "quiz"])
    assert list(members.write_members(cast(Any, None), kinds)) == [1, 1]
    assert done == ["ask for forum", "ask for empty", "ask for quiz", "write forum", "write quiz"]
