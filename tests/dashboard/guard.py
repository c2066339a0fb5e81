"""What those find who are not, or not rightly, let in."""

import glob
import http.client
import json
import re
import threading
import urllib.parse

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from people import API, BASE, HOST, OUTPUT, PAGES, SECRETS, Browser, Client, one, sql


def test_nobody_sees_anything_without_signing_in():
    for page in PAGES:
        answer = Client().get(page)
        assert answer.status == 302 and answer.headers["location"].startswith("/login"), (page, answer.status)
        assert not any(word in answer.text for word in ("acme", "clinic")), page
    for name in API:
        answer = Client().get(f"/api/{name}")
        assert answer.status == 401 and "error" in json.loads(answer.text), (name, answer.status)
    forged = Client()
    forged.cookie = "session=" + "x" * 43
    assert forged.get("/calls").status == 302


def test_a_wrong_password_opens_nothing_and_ten_of_them_lock():
    assert Client("anna", "wrong").cookie is None
    assert Client("nobody", "secret of anna").cookie is None
    assert Client("webhooks", "x").cookie is None
    assert Client("lock").cookie
    for _ in range(11):
        assert Client("lock", "wrong").cookie is None
    assert Client("lock").cookie is None, "the right password opens after eleven wrong ones"
    assert Client("anna").cookie
    for evil in ("//evil.example", "/\\evil.example", "https://evil.example", "/calls\r\nX: y"):
        answer = Client().post("/signin?next=" + urllib.parse.quote(evil), username="anna", password="secret of anna")
        assert answer.headers["location"] == "/", (evil, answer.headers["location"])


def test_two_people_see_two_worlds():
    with Browser() as anna, Browser() as ben:
        anna.sign_in("anna")
        ben.sign_in("ben")
        anna.wait("Freshness by tenant")
        ben.wait("Freshness by tenant")
        for page in ("/", "/calls?tenant=clinic", "/coverage?tenant=clinic", "/run?tenant=clinic&run=2", "/agents?tenant=clinic"):
            anna.open(page)
            assert "clinic" not in anna.driver.find_element(By.TAG_NAME, "main").text, page
        for page in ("/", "/calls?tenant=acme", "/coverage?tenant=acme", "/run?tenant=acme&run=1", "/agents?tenant=acme"):
            ben.open(page)
            assert "acme" not in ben.driver.find_element(By.TAG_NAME, "main").text, page
    cleo = Client("cleo")
    assert "may use no tenant" in cleo.get("/").text
    for page in PAGES:
        answer = cleo.get(page)
        assert answer.status == 200 and "An error occurred" not in answer.text, page
        assert not any(f"tenant={name}" in answer.text for name in ("acme", "clinic", "voice")), page


def test_worlds_never_mix_on_shared_connections():
    """Two connections, four people at a time, requests that make no sense and readers who hang up."""
    people = {name: Client(name) for name in ("anna", "ben")}
    own, others = {"anna": "acme", "ben": "clinic"}, {"anna": "clinic", "ben": "acme"}
    wrong, counts = [], {"anna": 0, "ben": 0}

    def work(name, seed):
        client = people[name]
        for n in range(60):
            kind = (n + seed) % 6
            if kind == 0:
                text = client.get("/account").text
                if f"\n                            {name}\n" not in text or others[name] in text:
                    wrong.append((name, "account"))
            elif kind == 1:
                rows = json.loads(client.get("/api/runs", limit="5").text)
                if any(row["tenant"] == others[name] for row in rows):
                    wrong.append((name, rows))
            elif kind == 2:
                client.get("/calls", tenant=others[name], before="no instant", before_id="x")
            elif kind == 3:
                connection = http.client.HTTPConnection(HOST, timeout=30)
                connection.request("GET", "/api/calls?format=csv&from=2000-01-01", headers={"Cookie": client.cookie})
                if others[name] in connection.getresponse().read(200).decode(errors="replace"):
                    wrong.append((name, "csv"))
                connection.close()
            elif kind == 4:
                answer = Client().get("/api/runs")
                if answer.status != 401:
                    wrong.append(("nobody", answer.text[:200]))
            else:
                rows = client.get("/api/coverage", tenant=others[name], format="csv").rows()
                if any(row["tenant"] == others[name] for row in rows):
                    wrong.append((name, rows[:2]))
            counts[name] += 1

    threads = [threading.Thread(target=work, args=(name, seed)) for name in people for seed in (0, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert not wrong, wrong[:5]
    assert counts == {"anna": 120, "ben": 120}, counts
    assert own["anna"] in people["anna"].get("/").text


# Each is sent in every parameter by itself; of the others each in all parameters at once.
HOSTILE = ["'; DROP TABLE dialfire.runs; -- \"'><img src=x onerror=alert(1)><b id=hostile>{{7*7}}[x](javascript:alert(2))%$1\\", "2026-02-31"]
ODD = ["\u0000", "9" * 20, "%' OR '1'='1", "\\'; SELECT 1", "a" * 5000, "\u202e\U0001f600", "-1", "x\r\nX-Evil: 1", "//evil.example", "true", "{}", "['"]
# What a form of the page sends, of which each field is replaced in turn; nobody is locked but who is locked already.
FORMS = {"/act": {"tenant": "acme", "action": "fetch", "argument": "2000-01-01"}, "/diagnosis": {"tenant": "acme", "range": "2000-01-01"},
         "/api/diagnosis": {"tenant": "acme", "range": "2000-01-01", "format": "csv"}, "/signin": {"username": "lock", "password": "x"}}


def pages_and_parameters():
    """Every page, and every name that it reads as if somebody could send it, its own variables among them."""
    for file in sorted(glob.glob("dashboard/**/*.sql", recursive=True)):
        if "/sqlpage/" in file:
            continue
        with open(file, encoding="utf-8") as source:
            text = source.read()
        for frame in ("shell", "api", "button", "door", "headers"):
            if f"sqlpage/{frame}.sql" in text:
                with open(f"dashboard/sqlpage/{frame}.sql", encoding="utf-8") as source:
                    text += source.read()
        page = file.removeprefix("dashboard").removesuffix(".sql").removesuffix("index")
        names = set(re.findall(r"(?<![:$\w])[$:]([a-z_]+)", text)) - {"mm"}
        yield page.replace("/404", "/nowhere"), sorted(names)


def test_hostile_input_is_data_on_every_page_and_in_every_parameter():
    client = Client("anna")
    csrf = client.csrf()
    tables, users = one("SELECT count(*) FROM pg_class"), one("SELECT string_agg(name || role, ',' ORDER BY name) FROM dialfire.dashboard_users")
    asked = 0
    with open(f"{OUTPUT}/sqlpage.log", encoding="utf-8") as log:
        log.seek(0, 2)
        for page, names in pages_and_parameters():
            requests = [("GET", {name: text}) for name in names for text in HOSTILE] + [("GET", {name: text for name in names}) for text in ODD]
            requests += [("POST", {"csrf": csrf, **FORMS[page], name: text}) for name in [*FORMS.get(page, {}), "csrf"] for text in HOSTILE + ODD if page in FORMS]
            for method, fields in requests:
                answer = client.get(page, **fields) if method == "GET" else client.post(page, **fields)
                asked += 1
                assert answer.status in (200, 302, 400, 403, 404, 405, 422), (page, method, fields, answer.status, answer.text[:300])
                assert not any("\0" in text for text in fields.values()) or answer.status != 200 or not names or page in ("/health", "/ready", "/theme", "/signedout"), (page, fields)
                shown = answer.headers.get("content-type", "").startswith("text/html")
                for words in ("An error occurred", "syntax error") + ("<b id=hostile>", "<img src=x", 'href="javascript:', ">49<") * shown:
                    assert words not in answer.text, (page, method, fields, words)
                assert "x-evil" not in answer.headers, (page, method, fields)
                assert not answer.headers.get("location", "/").startswith("//"), (page, method, fields)
        faults = [line for line in log if "level=error" in line or "syntax" in line]
    assert asked > 900, asked
    assert not faults, faults[:3]
    assert one("SELECT count(*) FROM pg_class") == tables
    assert one("SELECT string_agg(name || role, ',' ORDER BY name) FROM dialfire.dashboard_users") == users
    assert client.calls("acme", search="%") == 0 < client.calls("acme"), "a per cent sign finds everything"


def test_what_is_stored_and_hostile_is_shown_as_text():
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script>[x](javascript:alert(3)) **{{7*7}}** `|"
    quoted = "'" + evil.replace("'", "''") + "'"
    sql(f"""UPDATE dialfire.campaigns SET title = {quoted} WHERE tenant = 'acme';
            UPDATE dialfire.agents SET login = {quoted} WHERE tenant = 'clinic';
            INSERT INTO dialfire.rejects (tenant, source, kind, key, contact_id, reason, field, detail, payload, fingerprint)
                SELECT t, {quoted}, 'contact', {quoted}, {quoted}, {quoted}, {quoted}, {quoted}, '{{}}', 'hostile' FROM unnest(ARRAY['acme', 'clinic']) t;
            INSERT INTO dialfire.alerts (tenant, rule, subject, severity, message) SELECT t, {quoted}, {quoted}, 'critical', {quoted} FROM unnest(ARRAY['acme', 'clinic']) t;
            INSERT INTO dialfire.runs (tenant, kind, role, status, message, hint, started_at, finished_at)
                SELECT t, 'manual', {quoted}, 'failed', {quoted}, {quoted}, now(), now() FROM unnest(ARRAY['acme', 'clinic']) t""")
    run = one("SELECT max(run_id) FROM dialfire.runs WHERE tenant = 'acme'")
    with Browser() as browser:
        for name in ("anna", "ben"):
            browser.sign_in(name)
            browser.wait("Freshness by tenant")
            for page in PAGES:
                browser.open(page.replace("run=1", f"run={run}"))
                made = browser.driver.execute_script("return document.querySelectorAll('main img, main a[href^=\"javascript:\"], main strong, main em').length")
                assert made == 0 and ">alert(2)" not in browser.driver.page_source.replace("&gt;alert(2)", ""), (name, page)
                assert "An error occurred" not in browser.text(), (name, page)
            browser.driver.delete_all_cookies()
        assert not browser.complaints()
    sql(f"DELETE FROM dialfire.rejects WHERE fingerprint = 'hostile'; DELETE FROM dialfire.alerts WHERE message = {quoted}; DELETE FROM dialfire.runs WHERE message = {quoted}")
    sql("SELECT df_sync('acme', 'today'); SELECT df_sync('clinic', 'today')")
    sql("UPDATE dialfire.agents SET login = id WHERE login LIKE '<img%'; UPDATE dialfire.campaigns SET title = id WHERE title LIKE '<img%'")


def state():
    return one("""SELECT concat_ws(' ', (SELECT count(*) FROM dialfire.runs), (SELECT count(*) FROM dialfire.agents WHERE assigned), (SELECT count(*) FROM dialfire.rejects),
                          (SELECT count(*) FROM dialfire.dashboard_sessions WHERE kind = 'browser'), (SELECT sum(times) FROM dialfire.rejects))""")


def test_every_action_needs_a_form_of_the_same_session():
    anna, ben = Client("anna"), Client("ben")
    own, foreign, before = anna.csrf(), ben.csrf(), state()
    actions = [("/act", {"tenant": "acme", "action": action, "argument": argument}) for action, argument in
               (("fetch", "yesterday"), ("repair", "yesterday"), ("retry_rejects", ""), ("assign_agent", "x"))]
    for path, fields in [*actions, ("/diagnosis", {"tenant": "acme", "range": "yesterday"}), ("/api/diagnosis", {"tenant": "acme", "range": "yesterday"}), ("/signout", {})]:
        for wrong in ({}, {"csrf": ""}, {"csrf": foreign}, {"csrf": own[:-1]}, {"csrf": own + "'"}, {"fits": "true", "done": "{}", "closed": "true"}):
            assert anna.post(path, **fields, **wrong).status == 403, (path, fields, wrong)
        assert anna.post(f"{path}?fits=true&csrf={own}&closed=true", **fields).status == 403, path
        assert anna.get(path, csrf=own, **fields).status in (200, 403), path
        assert Client().post(path, csrf=own, **fields).status in (302, 401, 403), path
    assert state() == before, "something was done"
    forms = 0
    for client, tenant in ((anna, "acme"), (ben, "clinic")):
        for page in PAGES:
            for form in client.get(page, tenant=tenant).text.split("<form")[1:]:
                if 'method="post"' in form.split(">")[0]:
                    forms += 1
                    assert f'name="csrf" value="{own if client is anna else foreign}"' in form.split("</form>")[0], page
    assert forms >= 6, forms
    done = anna.post("/act", csrf=own, **actions[0][1])
    assert done.status == 200 and "fetched: success" in done.text
    assert "nothing was done" in anna.post("/act", csrf=own, tenant="clinic", action="fetch", argument="yesterday").text, "anna acts on the tenant of ben"
    assert "nothing was done" in anna.post("/act", csrf=own, tenant="acme", action="drop", argument="x").text
    other = Client()
    for site in ("cross-site", "same-site"):
        answer = other.ask("POST", "/signin", "username=anna&password=secret+of+anna",
                           {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": site})
        assert answer.status == 302 and "set-cookie" not in answer.headers, "another site signs its visitor in"


def test_headers_and_cookies_are_strict_and_no_secret_is_shown():
    client = Client("anna")
    for word in ("HttpOnly", "SameSite=Strict", "Path=/"):
        assert word in client.set_cookie, client.set_cookie
    proxied = Client().ask("POST", "/signin", "username=anna&password=secret+of+anna",
                           {"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-Proto": "https"})
    assert "Secure" in proxied.headers["set-cookie"] and "strict-transport-security" in proxied.headers
    public = ["/login", "/signedout", "/nowhere", "/theme", "/signout", "/act", "/signin"]
    for page in PAGES + public + [f"/api/{name}?limit=all" for name in API + ["nowhere", "diagnosis"]]:
        answer = client.get(page)
        policy = answer.headers.get("content-security-policy", "")
        assert "default-src 'none'" in policy and "unsafe-eval" not in policy and "frame-ancestors 'none'" in policy, page
        for name, value in (("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("cache-control", "no-store"), ("referrer-policy", "same-origin")):
            assert answer.headers.get(name) == value, (page, answer.status, answer.headers)
        for secret in SECRETS:
            assert secret not in answer.text, (page, secret)
    for page in ("/health", "/ready", "/webhooks/voice", "/webhooks/"):
        answer = Client().get(page)
        assert answer.headers["x-content-type-options"] == "nosniff" and answer.headers["cache-control"] == "no-store", (page, answer.headers)
    for hidden in ("/sqlpage/sqlpage.json", "/sqlpage/shell.sql", "/sqlpage/on_reset.sql", "/.git/config", "/../scripts/dashboard.sh"):
        assert Client().get(hidden).status in (403, 404, 302), hidden
    with open(f"{OUTPUT}/sqlpage.log", encoding="utf-8") as log:
        text = log.read()
    assert not [secret for secret in SECRETS if secret in text]


def test_a_page_that_asks_for_the_password_leads_back_with_its_parameters():
    with Browser() as browser:
        browser.open("/calls?tenant=voice&search=nobody%20%26%20none")
        browser.wait("Password")
        browser.driver.find_element(By.ID, "username").send_keys("anna")
        browser.driver.find_element(By.ID, "password").send_keys("secret of anna" + Keys.ENTER)
        browser.wait("No call fits")
        assert browser.driver.find_element(By.NAME, "search").get_attribute("value") == "nobody & none"
        assert "voice" in browser.driver.title, browser.driver.title
        # From another site no strict cookie comes along; the page leads there itself.
        browser.driver.get(BASE.replace("127.0.0.1", "localhost") + "/health")
        browser.driver.execute_script(f"location.href = '{BASE}/agents?tenant=voice'")
        browser.wait("No agent did anything")
        assert browser.driver.current_url.endswith("/agents?tenant=voice"), browser.driver.current_url
