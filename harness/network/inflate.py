"""Bodies unpacked within a limit: a kilobyte that unpacks to a gigabyte stops at the limit.

An HTTP library unpacks each piece whole before anybody can count it, so this is done here.
"""

from __future__ import annotations

import re
import zlib

from harness.network.errors import NetworkError

GZIP_MARK = b"\x1f\x8b"
GZIP, ZLIB, RAW = 31, 15, -15  # zlib's window bits for the three wrappings
OFFERED = "gzip, deflate"
_CODING = re.compile(r"[a-z0-9-]{1,12}(, ?[a-z0-9-]{1,12}){0,3}")


class TooLarge(NetworkError):
    """More bytes than the caller wants to read."""


class Damaged(NetworkError):
    """The body is not what its headers say."""


class Inflater:
    """Takes a body piece by piece and gives back at most `limit` bytes in all."""

    def __init__(self, encoding: str, limit: int) -> None:
        """`encoding` is the Content-Encoding header. Raises Damaged for one not offered."""
        self.limit = limit
        self.encoding = encoding.strip().lower()
        if self.encoding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
            shown = f"as `{self.encoding}`," if _CODING.fullmatch(self.encoding) else "in a way"
            raise Damaged(f"the answer is packed {shown} which was not asked for")
        self.body = bytearray()
        self._packed = 0
        self._start = b""  # the first bytes, until there are enough to tell the wrapping
        self._stream: zlib._Decompress | None = None
        self._plain = self.encoding in {"", "identity"}

    def feed(self, piece: bytes) -> None:
        """Take the next piece. Raises TooLarge, Damaged."""
        self._packed += len(piece)
        if self._packed > self.limit:
            raise self._too_large()
        if self._stream is None and not self._plain:
            self._start += piece
            if len(self._start) < len(GZIP_MARK):
                return
            piece, self._start = self._start, b""
            self._choose(piece)
        if self._plain:
            self.body += piece
        else:
            self._unpack(piece)

    def finish(self) -> bytes:
        """The whole body. Raises Damaged when the packed stream ends in the middle."""
        if self._stream is not None and not self._stream.eof:
            raise Damaged("the answer breaks off in the middle")
        return bytes(self.body) + self._start

    def _choose(self, start: bytes) -> None:
        if self.encoding == "deflate":  # with a zlib header by the standard, without one by habit
            wrapped = start[0] & 0x0F == 8 and int.from_bytes(start[:2], "big") % 31 == 0
            self._stream = zlib.decompressobj(ZLIB if wrapped else RAW)
        elif start.startswith(GZIP_MARK):
            self._stream = zlib.decompressobj(GZIP)
        else:
            self._plain = True  # labelled gzip and sent plain: it happens

    def _unpack(self, piece: bytes) -> None:
        while piece and self._stream is not None:
            room = self.limit - len(self.body)
            try:
                self.body += self._stream.decompress(piece, room + 1)
            except zlib.error as error:
                raise Damaged(f"the answer cannot be unpacked: {error}") from error
            if len(self.body) > self.limit:
                raise self._too_large()
            piece = self._stream.unused_data
            if piece.startswith(GZIP_MARK):  # gzip files may stand one after the other
                self._stream = zlib.decompressobj(GZIP)
            else:
                piece = b""

    def _too_large(self) -> TooLarge:
        return TooLarge(f"the answer is longer than {self.limit // 1024} KiB")
