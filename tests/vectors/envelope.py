"""Makes envelope.json: sealed envelopes by other code than the node's, from node/docs/envelope.md alone.

    pip install cryptography && python3 tests/vectors/envelope.py > tests/vectors/envelope.json

The output is the same every time. The node's tests read it and have nothing to do with this file.
"""

import hashlib
import hmac
import json
import struct

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

LABEL = b"hive/1 envelope\0"


def hkdf(salt: bytes, material: bytes, info: bytes) -> bytes:
    """HKDF-SHA256 (RFC 5869) of one block, 32 bytes."""
    extracted = hmac.new(salt, material, hashlib.sha256).digest()
    return hmac.new(extracted, info + b"\x01", hashlib.sha256).digest()


def sealing_key(secret: bytes, network: str) -> bytes:
    return hkdf(b"hive/1 network", secret, b"sealing\0generated\0" + network.encode())


def header(case: dict, origin: bytes) -> bytes:
    if "position" in case:
        return b"\x02" + origin + struct.pack(">Q", case["position"])
    live = case["live"]
    text = b"\x01" + origin + struct.pack(">QQQ", live["incarnation"], live["sequence"], live["time"])
    expires = live["expires_ms"]
    text += b"\x00" if expires is None else b"\x01" + struct.pack(">Q", expires)
    channel = live["channel"].encode()
    return text + struct.pack("B", len(channel)) + channel


def seal(case: dict) -> dict:
    secret, boot, seed = (bytes.fromhex(case[name]) for name in ("secret", "boot", "seed"))
    identity = Ed25519PrivateKey.from_private_bytes(seed)
    origin = identity.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    material = sealing_key(secret, case["network"])
    key = hkdf(boot, material, LABEL + origin)
    prefix = b"\x01" + struct.pack(">I", case["epoch"]) + boot + struct.pack(">Q", case["counter"])
    associated = prefix + header(case, origin)
    nonce = bytes(4) + struct.pack(">Q", case["counter"])
    sealed = AESGCM(key).encrypt(nonce, bytes.fromhex(case["plain"]), associated)
    signature = identity.sign(LABEL + hashlib.sha256(associated + sealed).digest())
    made = {
        "origin": origin,
        "sealing_key": material,
        "key": key,
        "associated": associated,
        "envelope": prefix + sealed + signature,
    }
    return case | {name: value.hex() for name, value in made.items()}


def main() -> None:
    common = {
        "network": "vault",
        "secret": "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
        "epoch": 0,
        "seed": "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "boot": "000102030405060708090a0b0c0d0e0f",
        "counter": 0,
    }
    live = {
        "incarnation": 1_763_769_600_000,
        "sequence": 7,
        "time": 1_763_769_600_000 << 16 | 3,
        "expires_ms": None,
        "channel": "door/front",
    }
    cases = [
        {"what": "an empty event"} | common | {"live": live, "plain": ""},
        {"what": "an event that expires, the sender's last but one number"}
        | common
        | {
            "counter": (1 << 32) - 2,
            "live": live | {"expires_ms": 1_763_769_660_000, "channel": "küche/licht"},
            "plain": b'{"celsius": 21.5}'.hex(),
        },
        {"what": "a record of a journal, of a later epoch"}
        | common
        | {
            "secret": "f0" * 32,
            "epoch": 3,
            "counter": 258,
            "position": 72_623_859_790_382_856,
            "plain": bytes(range(100)).hex(),
        },
        {"what": "a record that ends with a block"}
        | common
        | {"network": "farm", "counter": 1, "position": 1, "plain": ("ab" * 64)},
    ]
    print(json.dumps({"envelopes": [seal(case) for case in cases]}, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
