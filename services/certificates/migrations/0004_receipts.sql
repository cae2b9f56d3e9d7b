-- next: published, not signing yet  ->  current: signs  ->  retired: published for a year more
--                                            \-> withdrawn: its secret may be known; not published
CREATE TABLE signing_keys (
    -- JWK thumbprint (RFC 7638)
    kid text PRIMARY KEY CHECK (kid ~ '^[0-9A-Za-z_-]{43}$'),
    public bytea NOT NULL CHECK (octet_length(public) = 32),
    -- nonce and ciphertext (AES-256-GCM) of the private part; destroyed with the last signature
    sealed bytea CHECK (octet_length(sealed) = 12 + 32 + 16),
    state text NOT NULL CHECK (state IN ('next', 'current', 'retired', 'withdrawn')),
    made_at timestamptz NOT NULL,
    signs_from timestamptz,
    signs_until timestamptz,
    CHECK ((state IN ('next', 'current')) = (sealed IS NOT NULL)),
    CHECK ((state = 'next') = (signs_from IS NULL)),
    CHECK ((state IN ('retired', 'withdrawn')) = (signs_until IS NOT NULL))
);

-- serves the signer; there is one of each
CREATE UNIQUE INDEX signing_keys_one_each ON signing_keys (state)
    WHERE state IN ('next', 'current');
