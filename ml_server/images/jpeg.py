"""How many times a JPEG file has its picture drawn over: each scan costs a decoder a walk over all of it."""

import re

START = b"\xff\xd8"
END_OF_IMAGE, START_OF_SCAN, WITHOUT_LENGTH = 0xD9, 0xDA, 0x01
# Within the packed data of a scan FF is followed by 00 or by a restart's mark, which are no markers.
MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")


def count_scans(raw: bytes) -> int:
    """Of the first picture in a JPEG file; 0 for anything else. Reads the markers alone, as ITU-T T.81 has them."""
    place, scans = len(START), 0
    while raw.startswith(START) and (marker := MARKER.search(raw, place)):
        kind, place = marker[1][0], marker.end()
        if kind == END_OF_IMAGE:
            break
        scans += kind == START_OF_SCAN
        place += 0 if kind == WITHOUT_LENGTH else int.from_bytes(raw[place : place + 2])
    return scans
