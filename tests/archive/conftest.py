"""The libraries that compress archives, for tests that have to pass with each of them."""

from __future__ import annotations

import zlib

import pytest

from archive import compression
from archive.compression import Compressor


@pytest.fixture(params=[True, False], ids=["zlib-ng", "the standard library"])
def by_each_library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With zlib-ng where it is installed, and as it is where there is no wheel of it."""
    if not request.param:
        monkeypatch.setattr(compression, "SMALL", Compressor(zlib, 6))
        monkeypatch.setattr(compression, "QUICK", Compressor(zlib, 6))
        monkeypatch.setattr(compression, "ALONE", Compressor(zlib, 9))
        monkeypatch.setattr(compression, "ALONE_SHORT", Compressor(zlib, 9))
    elif compression.SMALL.library is zlib:
        pytest.skip("zlib-ng is not installed")
