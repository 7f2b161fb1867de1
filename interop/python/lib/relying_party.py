"""What a relying party checks of an ID token (OIDC Core §3.1.3.7), with PyJWT."""

import jwt


def check(raw, metadata, client_id, nonce):
    key = jwt.PyJWKClient(metadata["jwks_uri"]).get_signing_key_from_jwt(raw)
    claims = jwt.decode(
        raw,
        key.key,
        algorithms=metadata["id_token_signing_alg_values_supported"],
        audience=client_id,
        issuer=metadata["issuer"],
        options={"require": ["exp", "iat", "iss", "aud", "sub"]},
    )
    assert claims["nonce"] == nonce
    return claims


def tampered(raw):
    """The same token with one character of its signature's middle changed."""
    head, payload, signature = raw.split(".")
    middle = len(signature) // 2
    other = "A" if signature[middle] != "A" else "B"
    return ".".join([head, payload, signature[:middle] + other + signature[middle + 1 :]])
