"""Reads JWTs and checks their signatures (RS256, ES256) with integers alone: no package is needed."""

import base64
import hashlib
import json


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(text):
    return int.from_bytes(unbase64(text), "big")


def decode(jwt):
    """Header and claims; None for what is no JWT."""
    parts = jwt.split(".")
    if len(parts) != 3:
        return None
    try:
        header, claims = (json.loads(unbase64(part)) for part in parts[:2])
    except ValueError:
        return None
    return (header, claims) if isinstance(header, dict) and isinstance(claims, dict) else None


def verify(jwt, keys):
    """Says whether a key of the set made the signature."""
    signed, _, signature = jwt.rpartition(".")
    header, _ = decode(jwt)
    if header["alg"] == "none":
        return "none" if signature == "" else "bad"
    named = [key for key in keys if key["kid"] == header.get("kid")]
    check = {"RS256": rs256, "ES256": es256}[header["alg"]]
    good = any(check(key, signed.encode(), unbase64(signature)) for key in named)
    return "good" if good else "bad"


SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


def rs256(key, message, signature):
    """RFC 8017 §8.2.2."""
    modulus = number(key["n"])
    length = (modulus.bit_length() + 7) // 8
    found = pow(int.from_bytes(signature, "big"), number(key["e"]), modulus).to_bytes(length, "big")
    info = SHA256_INFO + hashlib.sha256(message).digest()
    return found == b"\0\1" + b"\xff" * (length - len(info) - 3) + b"\0" + info


P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
     0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)


def add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P) % P
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P) % P
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def multiply(point, factor):
    result = None
    while factor:
        if factor & 1:
            result = add(result, point)
        point, factor = add(point, point), factor >> 1
    return result


def es256(key, message, signature):
    """FIPS 186-5 §6.4.2."""
    if len(signature) != 64:
        return False
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if not (0 < r < N and 0 < s < N):
        return False
    digest, inverse = int.from_bytes(hashlib.sha256(message).digest(), "big"), pow(s, -1, N)
    public = (number(key["x"]), number(key["y"]))
    point = add(multiply(G, digest * inverse % N), multiply(public, r * inverse % N))
    return point is not None and point[0] % N == r
