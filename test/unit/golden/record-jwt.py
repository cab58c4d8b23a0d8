#!/usr/bin/python3
"""Record the assertion that OpenSSL signs for a service account: test/unit/golden/record-jwt.py. Writes jwt.hex."""

import base64
import json
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
KEY = HERE.parents[1] / "fuzz" / "corpus" / "pem" / "pkcs8-rsa"
HEADER = {"alg": "RS256", "typ": "JWT", "kid": "key-1"}
CLAIMS = {"iss": "routes@demo-project.iam.gserviceaccount.com", "scope": "https://www.googleapis.com/auth/compute",
          "aud": "https://oauth2.googleapis.com/token", "iat": 1699999990, "exp": 1700003590}


def part(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=")


signed = b".".join(part(json.dumps(value, separators=(",", ":")).encode()) for value in (HEADER, CLAIMS))
signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", KEY], input=signed, check=True, capture_output=True).stdout
text = (signed + b"." + part(signature)).hex(" ")
lines = [text[i:i + 96].strip() for i in range(0, len(text), 96)]
(HERE / "jwt.hex").write_text("# openssl dgst -sha256 -sign, of a header and claims by Python's json\n" + "\n".join(lines) + "\n")
