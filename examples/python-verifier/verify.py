"""Verifies access tokens (RFC 9068) with the public keys of their issuer."""

import jwt


class TokenVerifier:
    def __init__(self, issuer, audience=None):
        self.issuer = issuer
        self.audience = audience or issuer
        self.keys = jwt.PyJWKClient(f"{issuer}/.well-known/jwks.json")

    def verify(self, token):
        """Returns the claims of a good token. Raises jwt.PyJWTError for any other."""
        if jwt.get_unverified_header(token).get("typ") != "at+jwt":
            raise jwt.InvalidTokenError("not an access token")
        return jwt.decode(
            token,
            self.keys.get_signing_key_from_jwt(token).key,
            algorithms=["ES256"],
            issuer=self.issuer,
            audience=self.audience,
            options={"require": ["exp", "iss", "aud", "sub", "sid", "roles"]},
        )
