"""One segment's bytes for reading by position: blocks of a few events, compressed with what they have in common.

A Parquet file is read by decompressing thousands of events for one. Here one costs a read of some 2 KB. The file
holds nothing that the segment does not hold: it may be deleted at any time, and is never trusted further than its
checksums reach. Therefore nothing waits for the disk when it is written either: what a power cut leaves is noticed.

Layout, in the machine's byte order: blocks; then the first position of each, where each begins, the dictionary, and
the trailer, which says how long those are. A block is a CRC-32 and a Zstandard frame of its positions, lengths, bytes.
"""

from __future__ import annotations

import os
import struct
import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import BinaryIO, Final
from zlib import crc32

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

VERSION: Final = 1
BLOCK_EVENTS: Final = 8
"""Twice as many take 8 B less an event, and 6 us more to read."""
BLOCK_BYTES: Final = 16 * 1024
"""A block ends here at the latest: one large event is not decompressed for its small neighbours."""
DICTIONARY_BYTES: Final = 16 * 1024
LEVEL: Final = 1

_MAGIC: Final = 0x61_6C_62_6F_64_69_65_73
"""Reads differently on a machine of the other byte order, whose files are foreign here."""
_TRAILER: Final = struct.Struct("=QI32sQQ")
_CHECKSUM: Final = struct.Struct("=I")
_COUNT: Final = struct.Struct("=I")

Entry = tuple[int, bytes]


class DamagedError(Exception):
    """A file of bodies is not what was written, or not of this segment and version."""


class BodyFile:
    """A file of bodies, its small parts in memory. Usable from several threads; it keeps no file open.

    Args:
        path: the file.
        sha256: the segment's hash, 64 hex digits.

    Raises:
        DamagedError: it is not a whole one of this segment.
        OSError: it cannot be read.
    """

    __slots__ = ("_dictionary", "_firsts", "_offsets", "_path", "size")

    def __init__(self, path: Path, sha256: str) -> None:
        self._path = path
        with path.open("rb") as file:
            self.size = file.seek(0, os.SEEK_END)
            blocks, dictionary, checksum = _read_trailer(file, self.size, sha256)
            begin = self.size - _TRAILER.size - _CHECKSUM.size - dictionary - 8 * (2 * blocks + 1)
            if begin < 0:
                raise DamagedError("it is shorter than it says")
            file.seek(begin)
            tail = file.read()
        if crc32(memoryview(tail)[: -_CHECKSUM.size]) != checksum:
            raise DamagedError("its checksum does not hold")
        self._firsts, self._offsets = array("q"), array("q")
        self._firsts.frombytes(tail[: 8 * blocks])
        self._offsets.frombytes(tail[8 * blocks : 8 * (2 * blocks + 1)])
        self._dictionary = _dictionary(tail[8 * (2 * blocks + 1) :][:dictionary])

    def find(self, positions: Sequence[int]) -> dict[int, bytes]:
        """The bytes at those of the ascending positions that the file holds.

        Raises:
            DamagedError: a block was changed.
            OSError: the file is gone, or the disk fails.
        """
        found: dict[int, bytes] = {}
        descriptor = os.open(self._path, os.O_RDONLY)
        try:
            for number, wanted in groupby(positions, self._number):
                if number >= 0:
                    _pick(self._block(descriptor, number), set(wanted), found)
        finally:
            os.close(descriptor)
        return found

    def _number(self, position: int) -> int:
        return bisect_right(self._firsts, position) - 1

    def _block(self, descriptor: int, number: int) -> bytes:
        begin = self._offsets[number]
        length = self._offsets[number + 1] - begin
        stored = os.pread(descriptor, length, begin)
        frame = stored[_CHECKSUM.size :]
        if len(stored) != length or crc32(frame) != _CHECKSUM.unpack_from(stored)[0]:
            raise DamagedError(f"block {number} was changed")
        try:
            return zstd.decompress(frame, self._dictionary)
        except zstd.ZstdError as error:
            raise DamagedError(f"block {number} was changed") from error


def write_bodies(path: Path, sha256: str, batches: Iterable[Sequence[Entry]]) -> int:
    """Write a segment's entries to a new file; returns its size.

    Args:
        path: the file, which must not exist.
        sha256: the segment's hash.
        batches: all its entries, in order.

    Raises:
        OSError: the disk is full or refuses.
    """
    firsts, offsets, sample, compressor = array("q"), array("q", [0]), b"", None
    with path.open("xb") as file:
        for batch in batches:
            if compressor is None:
                sample = _sample(batch)
                compressor = zstd.ZstdCompressor(LEVEL, zstd_dict=_dictionary(sample))
            for block in _blocks(batch):
                frame = compressor.compress(_pack(block), zstd.ZstdCompressor.FLUSH_FRAME)
                firsts.append(block[0][0])
                offsets.append(offsets[-1] + file.write(_CHECKSUM.pack(crc32(frame)) + frame))
        trailer = _TRAILER.pack(_MAGIC, VERSION, bytes.fromhex(sha256), len(firsts), len(sample))
        tail = firsts.tobytes() + offsets.tobytes() + sample + trailer
        file.write(tail + _CHECKSUM.pack(crc32(tail)))
        return file.tell()


def _read_trailer(file: BinaryIO, size: int, sha256: str) -> tuple[int, int, int]:
    """How many blocks there are, how long the dictionary is, and the checksum of all that follows the blocks."""
    if size < _TRAILER.size + _CHECKSUM.size:
        raise DamagedError("it is too short")
    file.seek(size - _TRAILER.size - _CHECKSUM.size)
    magic, version, of, blocks, dictionary = _TRAILER.unpack(file.read(_TRAILER.size))
    if (magic, version) != (_MAGIC, VERSION):
        raise DamagedError("it is of another version")
    if of.hex() != sha256:
        raise DamagedError("it is of another segment")
    return blocks, dictionary, _CHECKSUM.unpack(file.read(_CHECKSUM.size))[0]


def _dictionary(sample: bytes) -> zstd.ZstdDict:
    return zstd.ZstdDict(sample, is_raw=True)


def _sample(entries: Sequence[Entry]) -> bytes:
    """Some of the first events: as good as a trained dictionary within 5 %, and free."""
    bodies = [raw for _, raw in entries]
    step = max(1, sum(map(len, bodies)) // DICTIONARY_BYTES)
    return b"".join(bodies[::step])[:DICTIONARY_BYTES].ljust(8)  # it must have 8 bytes


def _blocks(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    block: list[Entry] = []
    size = 0
    for entry in entries:
        block.append(entry)
        size += len(entry[1])
        if len(block) == BLOCK_EVENTS or size >= BLOCK_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block


def _pack(block: list[Entry]) -> bytes:
    positions, bodies = zip(*block, strict=True)
    count = len(block)
    return struct.pack(f"=I{count}q{count}I", count, *positions, *map(len, bodies)) + b"".join(bodies)


def _pick(raw: bytes, wanted: set[int], found: dict[int, bytes]) -> None:
    """Add those of a block's entries that are wanted."""
    (count,) = _COUNT.unpack_from(raw)
    numbers = struct.unpack_from(f"={count}q{count}I", raw, _COUNT.size)
    end = _COUNT.size + 12 * count
    for position, length in zip(numbers[:count], numbers[count:], strict=True):
        end += length
        if position in wanted:
            found[position] = raw[end - length : end]
