"""A small identity provider of OpenID Connect on loopback: code flow, tokens signed by RS256 with openssl, sign-out."""

import base64
import html
import http.server
import json
import re
import secrets
import subprocess
import threading
import time
import urllib.parse

CLIENT, SECRET = "calls", "secret of the client"


def encoded(raw):
    return base64.urlsafe_b64encode(raw if isinstance(raw, bytes) else json.dumps(raw).encode()).rstrip(b"=").decode()


class Provider:
    """Who signs in is asked for by a form with a button for each of people, a dict of claims by name."""

    def __init__(self, people, key):
        self.people, self.key, self.codes, self.signed_out = people, key, {}, 0
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True, timeout=60)
        modulus = subprocess.run(["openssl", "rsa", "-in", key, "-noout", "-modulus"], check=True, capture_output=True, text=True, timeout=60).stdout
        self.modulus = bytes.fromhex(modulus.strip().split("=")[1])
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                self.answer({})

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
                self.answer({name: values[0] for name, values in urllib.parse.parse_qs(body).items()})

            def answer(self, form):
                path, _, query = self.path.partition("?")
                asked = {name: values[0] for name, values in urllib.parse.parse_qs(query).items()}
                status, kind, body = provider.answer(path, asked, form, self.headers)
                self.send_response(status)
                self.send_header("Location" if status == 303 else "Content-Type", body if status == 303 else kind)
                self.end_headers()
                if status != 303:
                    self.wfile.write(body.encode())

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # Another site than that of the dashboard, which is 127.0.0.1.
        self.address = f"http://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def token(self, claims):
        signed = encoded({"alg": "RS256", "kid": "1", "typ": "JWT"}) + "." + encoded(claims)
        done = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], input=signed.encode(), check=True, capture_output=True, timeout=60)
        return signed + "." + encoded(done.stdout)

    def answer(self, path, asked, form, headers):
        if path == "/.well-known/openid-configuration":
            return 200, "application/json", json.dumps({
                "issuer": self.address, "authorization_endpoint": self.address + "/authorize", "token_endpoint": self.address + "/token",
                "jwks_uri": self.address + "/jwks", "end_session_endpoint": self.address + "/logout", "response_types_supported": ["code"],
                "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"]})
        if path == "/jwks":
            return 200, "application/json", json.dumps({"keys": [
                {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1", "n": encoded(self.modulus), "e": encoded(b"\x01\x00\x01")}]})
        if path == "/authorize" and not form:
            assert asked["client_id"] == CLIENT and asked["response_type"] == "code" and "openid" in asked["scope"].split(), asked
            buttons = "".join(f'<button name="who" value="{html.escape(name)}">{html.escape(name)}</button>' for name in self.people)
            return 200, "text/html", f'<title>Provider</title><main><h1>Who are you?</h1><form method="post">{buttons}</form></main>'
        if path == "/authorize":
            code = secrets.token_urlsafe(24)
            self.codes[code] = {**self.people[form["who"]], "sub": form["who"], "nonce": asked["nonce"]}, asked["redirect_uri"]
            return 303, "", asked["redirect_uri"] + "?" + urllib.parse.urlencode({"code": code, "state": asked["state"]})
        if path == "/token":
            basic = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode()
            claims, redirect = self.codes.pop(form["code"])
            assert [urllib.parse.unquote_plus(part) for part in basic.split(":")] == [CLIENT, SECRET] and form["redirect_uri"] == redirect, form
            now = int(time.time())
            return 200, "application/json", json.dumps({"access_token": secrets.token_urlsafe(24), "token_type": "Bearer", "expires_in": 3600,
                "id_token": self.token({"iss": self.address, "aud": CLIENT, "iat": now, "exp": now + 3600, **claims})})
        if path == "/logout":
            self.signed_out += 1
            assert re.match(r"http://127\.0\.0\.1:\d+/", asked["post_logout_redirect_uri"]), asked
            return 303, "", asked["post_logout_redirect_uri"]
        return 404, "text/plain", path
