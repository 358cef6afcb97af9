"""Counts the scans of a JPEG file. A decoder processes the whole image once per scan."""

import re

START = b"\xff\xd8"
END_OF_IMAGE, START_OF_SCAN, WITHOUT_LENGTH = 0xD9, 0xDA, 0x01
# In the compressed data of a scan, FF is followed by 00 or by a restart marker. Neither starts a segment.
MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")


def count_scans(raw: bytes) -> int:
    """Counts the scans of the first image in a JPEG file; 0 for any other file. Reads only markers (ITU-T T.81)."""
    position, scans = len(START), 0
    while raw.startswith(START) and (marker := MARKER.search(raw, position)):
        kind, position = marker[1][0], marker.end()
        if kind == END_OF_IMAGE:
            break
        scans += kind == START_OF_SCAN
        position += 0 if kind == WITHOUT_LENGTH else int.from_bytes(raw[position : position + 2])
    return scans
