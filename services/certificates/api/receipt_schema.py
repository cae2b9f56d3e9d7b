"""What the claims of a receipt are, as a JSON Schema that others can hold one against.

How they are written and read stands in domain.receipts.
"""

from typing import Any

_TEXT = {"type": "string", "minLength": 1}
_SECONDS = {"type": "integer", "description": "seconds since 1970-01-01T00:00:00Z"}
_DATE = {"type": "string", "format": "date"}
_NUMBER = {"type": "string", "pattern": "^[0-7][0-9A-HJKMNP-TV-Z]{25}$"}

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "rengang receipt",
    "description": "Claims of a compact JWS (RFC 7515) signed with Ed25519 (EdDSA, RFC 8037); "
    "header typ: rengang-receipt+jwt; header kid: a key of the signing city's "
    "/.well-known/jwks.json. Claims that are not known are to be passed over.",
    "type": "object",
    "required": ["iss", "jti", "iat", "verdict", "asked", "answered_by"],
    "properties": {
        "iss": {**_TEXT, "description": "id of the city that signed it"},
        "jti": {**_NUMBER, "description": "receipt number, Crockford Base32 of 128 random bits"},
        "iat": _SECONDS,
        "verdict": {
            "type": "string",
            "enum": [
                "valid",
                "expired",
                "revoked",
                "suspended",
                "holder-mismatch",
                "not-found",
                "issuer-unknown",
                "pending",
            ],
        },
        "reason": {**_TEXT, "description": "a stable code that says more of the verdict"},
        "asked": {
            "type": "object",
            "description": "hash: base64url of SHA-256 over salt || JSON, where the salt (16 "
            "bytes) came with the answer, and JSON is the canonical form (RFC 8785) of [number, "
            "holder's name, identity number, occupation or null, issuer or null], each in its "
            "one spelling",
            "required": ["alg", "hash"],
            "properties": {
                "alg": {"const": "sha-256"},
                "hash": {"type": "string", "pattern": "^[0-9A-Za-z_-]{43}$"},
            },
        },
        "answered_by": {
            "type": "object",
            "description": "who answered and when; unsigned: that city does not sign its answers",
            "required": ["city", "at"],
            "properties": {"city": _TEXT, "at": _SECONDS, "unsigned": {"const": True}},
        },
        "certificate": {
            "type": "object",
            "description": "only where the holder asked for is the right one",
            "required": ["occupation", "name", "issuer", "issued_on"],
            "properties": {
                "kind": _TEXT,
                "occupation": {"type": "string", "pattern": "^\\d-\\d\\d-\\d\\d-\\d\\d$"},
                "level": {"type": "integer", "minimum": 1, "maximum": 8},
                "level_label": _TEXT,
                "name": _TEXT,
                "issuer": _TEXT,
                "issued_on": _DATE,
                "valid_until": {**_DATE, "description": "the last good day, by China's calendar"},
                "review_due": _DATE,
            },
        },
        "credentialStatus": {
            "type": "array",
            "description": "places in W3C Bitstring Status Lists",
            "items": {
                "type": "object",
                "required": [
                    "type",
                    "statusPurpose",
                    "statusListIndex",
                    "statusListCredential",
                ],
                "properties": {
                    "type": {"const": "BitstringStatusListEntry"},
                    "statusPurpose": {"enum": ["revocation", "suspension"]},
                    "statusListIndex": {"type": "string", "pattern": "^[0-9]{1,9}$"},
                    "statusListCredential": {"type": "string", "format": "uri"},
                },
            },
        },
        "upload_lag_days": {"type": "integer", "minimum": 0},
        "supersedes": {**_NUMBER, "description": "the receipt that said pending"},
        "aud": {**_TEXT, "description": "id of the city that asked; it proves nothing to others"},
        "nonce": {**_TEXT, "description": "as that city sent it"},
    },
}
