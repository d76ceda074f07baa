"""Makes contents of files from a random generator: pictures, tables, a small PDF, and incompressible bytes."""

from __future__ import annotations

import struct
import zlib
from random import Random


def picture(random: Random, *, width: int = 160, height: int = 100) -> bytes:
    """Return a PNG of waves below a sky; sizes are pixels."""
    sky = bytes((150 + random.randrange(80), 200, 235))
    sea = bytes((20, 80 + random.randrange(60), 130 + random.randrange(100)))
    level, rows = height // 2, bytearray()
    for y in range(height):
        edge = width if y > level + 12 else max(0, min(width, (y - level) * random.randrange(4, 16)))
        rows += b"\0" + sea * edge + sky * (width - edge)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in parts)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def measurements(random: Random, *, lines: int = 60) -> bytes:
    """Return a CSV table of water levels with this number of lines."""
    level, rows = 120.0, ["hour,level in cm,temperature in °C"]
    for hour in range(lines):
        level = max(20.0, level + random.uniform(-4, 4))
        rows.append(f"{hour},{level:.1f},{random.uniform(4, 22):.1f}")
    return ("\r\n".join(rows) + "\r\n").encode()


def logged(random: Random, *, size: int = 100_000) -> bytes:
    """Return `size` random bytes, which do not compress."""
    return random.randbytes(size)


def sheet(title: str) -> bytes:
    """Return a PDF of one page with the ASCII characters of a title."""
    plain = "".join(letter for letter in title if letter.isascii() and letter not in "()\\")
    text = f"BT /F1 24 Tf 72 720 Td ({plain}) Tj ET".encode()
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    document, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(document))
        document += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(document)
    document += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    document += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    document += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(document)
