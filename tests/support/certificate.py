"""A self-signed certificate for 127.0.0.1, generated in Python, so no other program is needed.

It writes DER by RFC 5280 (certificate) and RFC 8017 (RSA). For tests only.
"""

import base64
import hashlib
import math
import secrets
from datetime import UTC, datetime, timedelta
from functools import cache

E = 65537
SHA256_WITH_RSA = bytes.fromhex("2a864886f70d01010b")
RSA = bytes.fromhex("2a864886f70d010101")
COMMON_NAME = bytes.fromhex("550403")
KEY_ID, KEY_USAGE, ALT_NAME, CONSTRAINTS = (bytes([0x55, 0x1D, number]) for number in (14, 15, 17, 19))
SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
SMALL = math.prod(number for number in range(3, 2000, 2))


@cache
def self_signed(address: bytes = bytes([127, 0, 0, 1])) -> str:
    """PEM of a private key and a certificate for an IPv4 address, valid for an hour.

    Cached per process and address, because two primes take a second.
    """
    p, q = _prime(), _prime()
    n, d = p * q, pow(E, -1, math.lcm(p - 1, q - 1))
    key = _sequence(*map(_integer, (0, n, E, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))))
    body = _to_be_signed(n, address)
    return _pem("RSA PRIVATE KEY", key) + _pem(
        "CERTIFICATE", _sequence(body, _algorithm(SHA256_WITH_RSA), _sign(body, n, d))
    )


def _to_be_signed(n: int, address: bytes) -> bytes:
    now = datetime.now(UTC)
    name = _sequence(_tlv(0x31, _sequence(_tlv(0x06, COMMON_NAME), _tlv(0x0C, b"a model server"))))
    public = _sequence(_integer(n), _integer(E))
    return _sequence(
        _tlv(0xA0, _integer(2)),  # version 3
        _integer(secrets.randbits(100)),
        _algorithm(SHA256_WITH_RSA),
        name,
        _sequence(_time(now - timedelta(minutes=5)), _time(now + timedelta(hours=1))),
        name,
        _sequence(_algorithm(RSA), _bits(public)),
        _tlv(0xA3, _sequence(*_extensions(public, address))),
    )


def _extensions(public: bytes, address: bytes) -> list[bytes]:
    true = _tlv(0x01, b"\xff")
    return [
        _extension(ALT_NAME, _sequence(_tlv(0x87, address))),
        _extension(CONSTRAINTS, _sequence(true), true),
        _extension(KEY_USAGE, _tlv(0x03, bytes([2, 0b10000100])), true),  # it signs certificates, its own too
        _extension(KEY_ID, _tlv(0x04, hashlib.sha256(public).digest()[:20])),
    ]


def _extension(oid: bytes, value: bytes, critical: bytes = b"") -> bytes:
    return _sequence(_tlv(0x06, oid), critical, _tlv(0x04, value))


def _sign(body: bytes, n: int, d: int) -> bytes:
    """RSASSA-PKCS1-v1_5."""
    size = (n.bit_length() + 7) // 8
    info = SHA256_INFO + hashlib.sha256(body).digest()
    padded = b"\x00\x01" + b"\xff" * (size - len(info) - 3) + b"\x00" + info
    return _bits(pow(int.from_bytes(padded, "big"), d, n).to_bytes(size, "big"))


def _prime() -> int:
    """A number of 1,024 bits, the first two set, that passes Fermat's test for four bases."""
    while True:
        found = secrets.randbits(1024) | 3 << 1022 | 1
        if (
            math.gcd(found, SMALL) == 1
            and found % E != 1
            and all(pow(base, found - 1, found) == 1 for base in (2, 3, 5, 7))
        ):
            return found


def _tlv(tag: int, value: bytes) -> bytes:
    size = len(value)
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag]) + (bytes([size]) if size < 0x80 else bytes([0x80 | len(length)]) + length) + value


def _sequence(*parts: bytes) -> bytes:
    return _tlv(0x30, b"".join(parts))


def _integer(number: int) -> bytes:
    return _tlv(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _bits(value: bytes) -> bytes:
    return _tlv(0x03, b"\x00" + value)


def _algorithm(oid: bytes) -> bytes:
    return _sequence(_tlv(0x06, oid), _tlv(0x05, b""))


def _time(moment: datetime) -> bytes:
    return _tlv(0x17, moment.strftime("%y%m%d%H%M%SZ").encode())


def _pem(label: str, der: bytes) -> str:
    return f"-----BEGIN {label}-----\n{base64.encodebytes(der).decode()}-----END {label}-----\n"
