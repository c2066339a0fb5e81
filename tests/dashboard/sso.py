"""Who is signed in by an identity provider."""

import contextlib
import json
import os
import socket
import subprocess
import time

from selenium.webdriver.common.by import By

from people import OUTPUT, Browser, Client, one, sql
from provider import CLIENT, SECRET, Provider

PEOPLE = {"anna": {"email": "anna@example.com", "email_verified": True}, "ben": {"email": "ben@example.com", "email_verified": True},
          "eve": {"email": "eve's@example.com", "email_verified": True}, "mallory": {"email": "ben@example.com", "email_verified": False},
          "nemo": {}}


@contextlib.contextmanager
def behind_a_provider():
    """The dashboard once more, which knows people by a provider: that, and the address."""
    provider = Provider(PEOPLE, f"{OUTPUT}/provider.pem")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    settings = {"OIDC_ISSUER_URL": provider.address, "OIDC_CLIENT_ID": CLIENT, "OIDC_CLIENT_SECRET": SECRET, "HOST": address}
    with open(f"{OUTPUT}/sso.log", "w", encoding="utf-8") as log:
        pages = subprocess.Popen(["scripts/dashboard.sh", "serve", f"postgres://dashboard@127.0.0.1:{os.environ['PGPORT']}/postgres", address],
                                 env={**os.environ, **settings}, stdout=log, stderr=log)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                if Client(host=address).get("/health").status:
                    break
            time.sleep(0.1)
        yield provider, address
    finally:
        pages.terminate()
        pages.wait(30)
        provider.server.shutdown()


def test_who_comes_from_an_identity_provider_sees_what_his_role_sees():
    for name in ("anna", "ben"):
        sql(f"CALL df_dashboard_user('{name}@example.com', '{name}', NULL, 'dashboard')")
    with behind_a_provider() as (provider, address), Browser(base=f"http://{address}") as browser:
        def choose(name):
            browser.wait("Who are you?")
            assert browser.driver.current_url.startswith(provider.address), browser.driver.current_url
            browser.click(name)

        browser.open("/calls?tenant=clinic&search=nobody-at-all")
        choose("ben")
        browser.wait("No call fits")
        assert browser.driver.find_element(By.NAME, "search").get_attribute("value") == "nobody-at-all"
        browser.open("/account")
        assert "ben@example.com" in browser.text() and "Database role\nben" in browser.text().replace("DATABASE ROLE", "Database role"), browser.text()
        for page in ("/", "/calls?tenant=acme", "/coverage?tenant=acme"):
            browser.open(page)
            assert "acme" not in browser.driver.find_element(By.TAG_NAME, "main").text, page
        browser.open("/account")
        browser.click("Sign out")
        browser.wait("You are signed out")
        assert provider.signed_out == 1 and browser.driver.current_url.endswith("/signedout"), browser.driver.current_url
        assert one("SELECT count(*) FROM dialfire.dashboard_sessions WHERE name = 'ben@example.com'") == "0"

        browser.click("Sign in")
        choose("anna")
        browser.wait("Freshness by tenant")
        assert "clinic" not in browser.driver.find_element(By.TAG_NAME, "main").text
        # The provider signs in somebody else, and the session of before is still there.
        for name in ("sqlpage_auth", "sqlpage_oidc_nonce"):
            browser.driver.delete_cookie(name)
        browser.open("/")
        choose("ben")
        browser.wait("Freshness by tenant")
        assert "acme" not in browser.driver.find_element(By.TAG_NAME, "main").text
        complaints = [line for line in browser.complaints() if provider.address not in line]
        assert not complaints, complaints


def test_whom_the_provider_knows_and_the_database_does_not_is_told_what_to_do():
    with behind_a_provider() as (provider, address), Browser(base=f"http://{address}") as browser:
        browser.open("/")
        for name, words in (("eve", "CALL df_dashboard_user('eve''s@example.com', 'ROLE', NULL, 'dashboard')"),
                            ("mallory", "does not say that ben@example.com is yours"), ("nemo", "must send the claim email")):
            browser.wait("Who are you?")
            browser.click(name)
            browser.wait("Sign in as somebody else")
            assert words in browser.text(), browser.text()
            assert not browser.looks(), browser.looks()
            browser.click("Sign in as somebody else")
            browser.wait("You are signed out")
            browser.click("Sign in")
        assert provider.signed_out == 3


def test_behind_a_provider_programs_vendors_and_monitors_need_none():
    token = one("SELECT df_dashboard_token('ben', '1 hour')")
    with behind_a_provider() as (provider, address):
        nobody = Client(host=address)
        for page in ("/", "/calls", "/login", "/account", "/act"):
            answer = nobody.get(page)
            assert answer.status == 303 and answer.headers["location"].startswith(provider.address + "/authorize?"), (page, answer.status)
        forged = Client(host=address)
        unsigned = provider.token({"iss": provider.address, "aud": CLIENT, "iat": 0, "exp": 9999999999, "sub": "anna", **PEOPLE["anna"]})
        forged.cookie = f"sqlpage_auth={unsigned[:-8]}AAAAAAAA; sqlpage_oidc_nonce=x"
        assert forged.get("/calls").status == 303
        assert forged.get("/api/runs").status == 401
        assert nobody.get("/health").text == '{"status":"ok"}'
        assert nobody.get("/api/kpi").status == 401
        rows = json.loads(nobody.ask("GET", "/api/runs", None, {"Authorization": f"Bearer {token}"}).text)
        assert {row["tenant"] for row in rows} == {"clinic"}
        assert nobody.ask("POST", "/webhooks/voice", "{}", {"Content-Type": "application/json"}).status == 401
    with open(f"{OUTPUT}/sso.log", encoding="utf-8") as log:
        assert SECRET not in log.read()
