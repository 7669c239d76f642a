import base64
import json
import os

import jwt

from verify import TokenVerifier


def refusal(verifier, token):
    try:
        verifier.verify(token)
    except jwt.PyJWTError as error:
        return type(error)
    return None


issuer, token = os.environ["ISSUER"], os.environ["ACCESS_TOKEN"]
verifier = TokenVerifier(issuer)

claims = verifier.verify(token)
assert claims["iss"] == issuer and claims["roles"] == [], claims

header, _, signature = token.split(".")
payload = base64.urlsafe_b64encode(json.dumps({**claims, "roles": ["admin"]}).encode()).rstrip(b"=").decode()
assert refusal(verifier, f"{header}.{payload}.{signature}") is jwt.InvalidSignatureError
assert refusal(TokenVerifier(issuer, "https://elsewhere.example.com"), token) is jwt.InvalidAudienceError
print("The example works: PyJWT accepts the token, and refuses it with another payload or for another audience.")
