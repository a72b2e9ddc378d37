"""An ES256 key set and a token of it, by the openssl program: keys are made for each run and never kept."""

import base64
import json
import subprocess
import time
from typing import Tuple


def _openssl(*arguments: str, stdin: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, check=True).stdout


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def raw_signature(der: bytes) -> bytes:
    """r and s, 32 bytes each (RFC 7518, 3.4), of an ECDSA signature in DER."""
    assert der[0] == 0x30 and der[1] < 0x80
    at, parts = 2, []
    for _ in range(2):
        assert der[at] == 0x02
        size = der[at + 1]
        parts.append(int.from_bytes(der[at + 2 : at + 2 + size], "big").to_bytes(32, "big"))
        at += 2 + size
    return b"".join(parts)


def make(key_file: str) -> Tuple[str, str]:
    """The JWK set and a token of issuer and audience `bench`, good for a day; the private key goes to `key_file`."""
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key_file)
    point = _openssl("ec", "-in", key_file, "-pubout", "-outform", "DER")[-64:]
    key = {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "bench-1", "x": _b64(point[:32]), "y": _b64(point[32:])}
    now = int(time.time())
    head = {"alg": "ES256", "typ": "JWT", "kid": "bench-1"}
    claims = {"iss": "bench", "aud": "bench", "sub": "customer-0042", "iat": now, "exp": now + 86400}
    signed = ".".join(_b64(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims))
    signature = raw_signature(_openssl("dgst", "-sha256", "-sign", key_file, stdin=signed.encode()))
    return json.dumps({"keys": [key]}), f"{signed}.{_b64(signature)}"
