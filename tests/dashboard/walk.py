"""Uses the dashboard as people do, in a real browser, and as those do who wish it ill, without one. Started by run.sh."""

import csv
import http.client
import io
import json
import os
import subprocess
import sys
import threading
import time
import urllib.parse

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

BASE, VENDOR, OUTPUT = (os.environ[name] for name in ("BASE", "VENDOR", "TEST_OUTPUT"))
HOST = BASE.removeprefix("http://")
PAGES = ["/", "/ingestion", "/run?run=1", "/coverage", "/day", "/calls", "/call?call=x", "/agents", "/campaigns", "/monthly",
         "/diagnosis", "/rejects", "/alerts", "/account"]
API = ["kpi", "monthly", "runs", "errors", "calls", "agents", "campaigns", "coverage", "rejects", "alerts"]
SECRETS = ["tenant-secret-token", "pit-secret-token", "webhook-secret", "$argon2", "secret of"]


def sql(statement, role=None):
    """Rows of a statement, as text."""
    before = f"SET ROLE {role};" if role else ""
    done = subprocess.run([os.environ["PSQL"], "-XqAtF\t", "-v", "ON_ERROR_STOP=1", "-c", before + statement],
                          capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return [line.split("\t") for line in done.stdout.splitlines()]


def one(statement, role=None):
    return sql(statement, role)[0][0]


def vendor(path, method="POST", **body):
    connection = http.client.HTTPConnection(VENDOR.removeprefix("http://"), timeout=30)
    connection.request(method, f"/_control/{path}", json.dumps(body))
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status == 200, text
    return json.loads(text)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.text = response.read().decode()

    def rows(self):
        return list(csv.DictReader(io.StringIO(self.text)))


class Client:
    """HTTP without a browser, with the cookie of a session."""

    def __init__(self, name=None, password=None):
        self.cookie = None
        if name:
            answer = self.post("/signin", username=name, password=password or f"secret of {name}")
            self.set_cookie = answer.headers.get("set-cookie")
            self.cookie = self.set_cookie and self.set_cookie.split(";")[0]

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(HOST, timeout=60)
        headers = dict(headers or {})
        if self.cookie:
            headers["Cookie"] = self.cookie
        connection.request(method, path, body, headers)
        return Answer(connection.getresponse())

    def get(self, path, **query):
        return self.ask("GET", path + ("?" + urllib.parse.urlencode(query) if query else ""))

    def post(self, path, **fields):
        return self.ask("POST", path, urllib.parse.urlencode(fields), {"Content-Type": "application/x-www-form-urlencoded"})

    def csrf(self):
        return self.get("/account").text.split('name="csrf" value="')[1].split('"')[0]


class Browser:
    def __init__(self, width=1280, height=900, phone=False):
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
                         "--lang=en-GB", f"--window-size={width},{height}"):
            options.add_argument(argument)
        if phone:
            metrics = {"width": width, "height": height, "pixelRatio": 2.0}
            options.add_experimental_option("mobileEmulation", {"deviceMetrics": metrics})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.driver.set_page_load_timeout(60)
        self.phone = phone

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.driver.quit()

    def open(self, path):
        self.driver.get(BASE + path)

    def sign_in(self, name, password=None):
        self.open("/login")
        self.driver.find_element(By.ID, "username").send_keys(name)
        self.driver.find_element(By.ID, "password").send_keys(password or f"secret of {name}" + Keys.ENTER)

    def click(self, words):
        """The link or button that says so."""
        found = self.driver.find_elements(By.XPATH, f"//main//*[self::a or self::button][normalize-space()={json.dumps(words)}]")
        assert found, f"nothing on {self.driver.current_url} says {words!r}: {self.text()[:600]}"
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", found[0])
        time.sleep(0.1)
        found[0].click()

    def text(self):
        return self.driver.execute_script("return document.body ? document.body.innerText : ''")

    def wait(self, words):
        WebDriverWait(self.driver, 60).until(lambda _: words in self.text(), f"{words!r} does not appear: {self.text()[:800]}")

    def table(self, name):
        return self.driver.execute_script("return [...document.querySelectorAll(`#${arguments[0]} tbody tr`)].map(row => row.innerText)", name)

    def picture(self, name):
        self.driver.execute_script("window.scrollTo(0, 0)")
        # Charts grow into view.
        time.sleep(1.2)
        if not self.phone:
            height = self.driver.execute_script("return document.querySelector('.page').scrollHeight")
            self.driver.set_window_size(1280, min(max(height + 140, 900), 1700))
            time.sleep(0.3)
        self.driver.save_screenshot(f"{OUTPUT}/{name}.png")
        if not self.phone:
            self.driver.set_window_size(1280, 900)

    def complaints(self):
        return [line["message"] for line in self.driver.get_log("browser") if line["level"] in ("SEVERE", "WARNING")]


def test_health_is_ok():
    answer = Client().get("/health")
    assert (answer.status, answer.text) == (200, '{"status":"ok"}'), answer.text


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


def test_find_yesterdays_missing_calls_see_why_fetch_and_see_them_appear():
    counted = "SELECT count(*) FROM dialfire.calls WHERE tenant = 'acme' AND day = (now() AT TIME ZONE 'Europe/Nicosia')::date - 1"
    assert one(counted) == "0"
    with Browser() as browser:
        browser.sign_in("anna")
        browser.wait("What needs attention first")
        assert "1 day failed" in browser.text(), browser.table("needs") or browser.text()[:900]
        browser.picture("overview-failed")
        browser.driver.find_element(By.PARTIAL_LINK_TEXT, "1 day failed").click()
        browser.wait("What is missing")
        browser.picture("coverage-failed")
        assert len(browser.table("gaps")) == 3, browser.table("gaps")
        failed = browser.driver.find_elements(By.CSS_SELECTOR, ".day-failed")
        assert len(failed) == 3
        failed[0].click()
        browser.wait("Missing hours")
        assert len(browser.table("missing")) == 3
        why = browser.table("why")
        assert why and "503" in why[0], why
        browser.picture("day-failed")
        browser.click("Fetch this day again")
        browser.wait("fetched: success")
        browser.picture("fetched")
        browser.click("Coverage")
        browser.wait("every wanted day is proven complete")
        assert not browser.driver.find_elements(By.CSS_SELECTOR, ".day-failed, .day-missing")
        browser.driver.find_elements(By.CSS_SELECTOR, "tr .day-covered")[3].click()
        browser.wait("nothing is missing")
        browser.click("Calls of this day")
        browser.wait("LIFE")
        stored = int(one(counted))
        assert stored > 30
        shown = len(browser.table("calls"))
        while browser.driver.find_elements(By.XPATH, "//main//a[normalize-space()='Older']"):
            browser.click("Older")
            browser.wait("Newest")
            shown += len(browser.table("calls"))
        assert shown == stored, f"{shown} shown, {stored} stored"
        assert not browser.complaints(), browser.complaints()


def test_every_page_works_on_a_desk_and_on_a_phone():
    run = one("SELECT max(run_id) FROM dialfire.runs WHERE tenant = 'acme' AND status = 'failed'")
    call = one("SELECT call_id FROM dialfire.calls WHERE tenant = 'acme' AND recording_location IS NOT NULL ORDER BY fired_at DESC LIMIT 1")
    sql("SELECT df_refresh(force => true)")
    for shape, size, phone in (("desk", (1280, 900), False), ("phone", (390, 844), True)):
        with Browser(*size, phone=phone) as browser:
            browser.sign_in("anna")
            browser.wait("Freshness by tenant")
            for page in PAGES + ["/nowhere"]:
                page = page.replace("run=1", f"run={run}").replace("call=x", f"call={call}")
                browser.open(page)
                WebDriverWait(browser.driver, 30).until(lambda driver: not driver.find_elements(By.CSS_SELECTOR, ".chart .spinner-border"))
                words = browser.text()
                assert "An error occurred" not in words, (page, words)
                wide = browser.driver.execute_script("return document.documentElement.scrollWidth - window.innerWidth")
                assert wide <= 0, f"{page} is {wide} pixels wider than a {shape}"
                name = page.split("?")[0].strip("/") or "overview"
                browser.picture(f"{shape}-{name}")
                complaints = [line for line in browser.complaints() if not (name == "nowhere" and "404" in line)]
                assert not complaints, (page, complaints)
            browser.open("/theme?to=dark")
            browser.open("/")
            assert browser.driver.find_element(By.TAG_NAME, "body").get_attribute("data-bs-theme") == "dark"
            browser.picture(f"{shape}-dark")


def test_the_keyboard_alone_reaches_a_page_and_signs_out():
    with Browser() as browser:
        browser.sign_in("anna")
        browser.wait("Freshness by tenant")
        for _ in range(30):
            browser.driver.switch_to.active_element.send_keys(Keys.TAB)
            if browser.driver.switch_to.active_element.text.strip() == "Calls" and "/calls" in browser.driver.switch_to.active_element.get_attribute("href"):
                break
        browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
        browser.wait("Search")
        browser.driver.find_element(By.NAME, "search").send_keys("nobody has this name" + Keys.ENTER)
        browser.wait("No call fits")
        browser.open("/account")
        browser.click("Sign out")
        browser.wait("Password")
        browser.open("/calls")
        assert "/login" in browser.driver.current_url


def test_a_search_and_its_export_hold_the_calls_that_sql_finds():
    with Browser() as browser:
        browser.sign_in("anna")
        agent = one("SELECT agent_login FROM dialfire.calls WHERE tenant = 'acme' AND agent_login ~ 'ü' ORDER BY fired_at DESC LIMIT 1")
        browser.open("/calls?tenant=acme")
        browser.driver.find_element(By.NAME, "search").send_keys(agent.upper())
        Select(browser.driver.find_element(By.NAME, "status")).select_by_value("completed")
        browser.click("Show")
        browser.wait("LIFE")
        assert all(agent in row and "completed" in row for row in browser.table("calls"))
        link = browser.driver.find_element(By.XPATH, "//main//a[normalize-space()='CSV']").get_attribute("href")
        client = Client()
        client.cookie = "session=" + browser.driver.get_cookie("session")["value"]
    path = link.removeprefix(BASE)
    answer = client.get(path)
    assert answer.headers["content-type"].startswith("text/csv") and "attachment" in answer.headers["content-disposition"]
    got = [(row["call_id"], row["agent_login"], row["duration_ms"], row["recording_location"]) for row in answer.rows()]
    wanted = [tuple(row) for row in sql(
        f"""SELECT call_id, agent_login, duration_ms, recording_location FROM dialfire.calls WHERE tenant = 'acme' AND status = 'completed'
            AND agent_login = '{agent}' AND day > (now() AT TIME ZONE 'Europe/Nicosia')::date - 7 ORDER BY fired_at DESC, call_id DESC""")]
    assert got == wanted and len(got) > 5, (len(got), len(wanted))
    same = json.loads(client.get(path.replace("format=csv", "limit=all")).text)
    assert [row["call_id"] for row in same] == [row[0] for row in got]
    everything = client.get("/api/calls", tenant="acme", format="csv", test="too", **{"from": "2000-01-01"}).rows()
    assert len(everything) == int(one("SELECT count(*) FROM dialfire.calls WHERE tenant = 'acme'"))


def test_every_list_exports_what_sql_has():
    views = {"runs": "ingestion_run_view", "errors": "error_log_view", "coverage": "coverage_days", "rejects": "rejects_open", "alerts": "alerts",
             "agents": "agent_daily", "campaigns": "campaign_daily", "monthly": "ingestion_monthly"}
    client = Client("ben")
    for name, view in views.items():
        count = int(one(f"SELECT count(*) FROM dialfire.{view} WHERE tenant = 'clinic'", "ben"))
        rows = client.get(f"/api/{name}", tenant="clinic", format="csv", days="900").rows()
        assert len(rows) == count, (name, len(rows), count)
        assert len(json.loads(client.get(f"/api/{name}", tenant="clinic", limit="all", days="900").text)) == count, name
    seen = {row["tenant"] for row in json.loads(client.get("/api/kpi").text)}
    assert "all tenants" in seen and seen <= {"all tenants", "clinic"}, seen


def test_no_cell_of_a_csv_file_is_a_formula():
    client = Client("anna")
    evil = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "'=1", "+49 30 1234567", "-5", "a=b"]
    seen = ["'" + text if text in evil[:5] else text for text in evil]
    values = ", ".join(f"('{text.replace(chr(39), chr(39) * 2)}')" for text in evil)
    sql(f"""INSERT INTO dialfire.rejects (tenant, source, kind, key, reason, field, detail, payload, fingerprint, resolved_at)
            SELECT 'acme', 'x', 'contact', v, 'bad_date', v, v, '{{}}', 'cell ' || v, NULL FROM (VALUES {values}) AS t(v)""")
    rows = [row for row in client.get("/api/rejects", tenant="acme", format="csv").rows() if row["source"] == "x"]
    for name in ("key", "field", "detail"):
        assert sorted(row[name] for row in rows) == sorted(seen), [row[name] for row in rows]
    plain = [row["key"] for row in json.loads(client.get("/api/rejects", tenant="acme").text) if row["source"] == "x"]
    assert sorted(plain) == sorted(evil), plain
    sql("DELETE FROM dialfire.rejects WHERE fingerprint LIKE 'cell %'")


def test_a_program_reads_the_api_with_a_token_and_no_page():
    token = one("SELECT df_dashboard_token('ben', '1 hour')")
    answer = Client().ask("GET", "/api/runs?tenant=clinic", None, {"Authorization": f"Bearer {token}"})
    assert answer.status == 200 and {row["tenant"] for row in json.loads(answer.text)} == {"clinic"}
    reader = Client()
    reader.cookie = f"session={token}"
    assert reader.get("/calls").status == 302
    sql("UPDATE dialfire.dashboard_sessions SET expires_at = now() WHERE kind = 'api'")
    assert Client().ask("GET", "/api/runs", None, {"Authorization": f"Bearer {token}"}).status == 401


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
    """Two connections, four people at a time, requests that fail half way and readers who hang up."""
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


def test_hostile_input_is_data():
    client = Client("anna")
    tables = one("SELECT count(*) FROM pg_class")
    hostile = ["'; DROP TABLE dialfire.runs; --", "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "[x](javascript:alert(1))",
               "{{7*7}}", "$1", "%' OR '1'='1", "\\'; SELECT 1", "a" * 5000, "\u202e\u0000", "1 OR 1=1"]
    for text in hostile:
        for page in ("/calls?search=", "/calls?agent=", "/calls?status=", "/calls?from=", "/call?call=", "/run?run=", "/day?day=", "/ingestion?kind=",
                     "/agents?days=", "/?tenant=", "/coverage?tenant=", "/diagnosis?range=", "/assign?agent=", "/monthly?tenant=", "/login?next="):
            answer = client.get(page + urllib.parse.quote(text))
            # No text of the database holds a zero byte.
            assert answer.status in ((302, 400) if "\0" in text else (200, 302)), (page, text, answer.status)
            assert "An error occurred" not in answer.text, (page, text)
            for markup in ("<script>alert", "<img src=x", 'href="javascript:'):
                assert markup not in answer.text, (page, markup)
            assert "syntax error" not in answer.text, page
    for zero in (client.get("/api/calls", search="\0"), client.post("/api/diagnosis", range="\0"), client.post("/act", csrf="\0"),
                 Client().post("/signin", username="anna\0", password="\0")):
        assert zero.status == 400 and "zero byte" in zero.text, (zero.status, zero.text)
    assert one("SELECT count(*) FROM pg_class") == tables
    assert "%' OR" not in client.get("/api/calls", search="%' OR '1'='1", format="csv").text
    assert client.get("/calls", search="%").text.count("/call?tenant") == 0, "a per cent sign finds everything"


def test_actions_need_a_form_of_the_same_session():
    anna, ben = Client("anna"), Client("ben")
    before = one("SELECT count(*) FROM dialfire.runs")
    fields = {"tenant": "acme", "action": "fetch", "argument": "yesterday"}
    assert anna.post("/act", **fields).status == 403
    assert anna.post("/act", csrf="", **fields).status == 403
    assert anna.post("/act", csrf=ben.csrf(), **fields).status == 403
    assert anna.get("/act", csrf=anna.csrf(), **fields).status == 403
    assert Client().post("/act", csrf=anna.csrf(), **fields).status == 302
    assert anna.post("/diagnosis", tenant="acme", range="yesterday").status == 403
    assert anna.post("/api/diagnosis", tenant="acme", range="yesterday").status == 403
    assert anna.post("/signout").status == 403
    assert one("SELECT count(*) FROM dialfire.runs") == before, "something was done"
    own = anna.post("/act", csrf=anna.csrf(), **fields)
    assert own.status == 200 and "fetched: success" in own.text
    fields["tenant"] = "clinic"
    foreign = anna.post("/act", csrf=anna.csrf(), **fields)
    assert "nothing was done" in foreign.text, "anna acts on the tenant of ben"
    assert "nothing was done" in anna.post("/act", csrf=anna.csrf(), tenant="acme", action="drop", argument="x").text


def test_headers_and_cookies_are_strict_and_no_secret_is_shown():
    client = Client("anna")
    for word in ("HttpOnly", "SameSite=Strict", "Path=/"):
        assert word in client.set_cookie, client.set_cookie
    proxied = Client().ask("POST", "/signin", "username=anna&password=secret+of+anna",
                           {"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-Proto": "https"})
    assert "Secure" in proxied.headers["set-cookie"] and "strict-transport-security" in proxied.headers
    for page in PAGES + [f"/api/{name}?limit=all" for name in API]:
        answer = client.get(page)
        policy = answer.headers.get("content-security-policy", "")
        assert "default-src 'none'" in policy and "unsafe-eval" not in policy and "frame-ancestors 'none'" in policy, page
        assert answer.headers["x-content-type-options"] == "nosniff" and answer.headers["x-frame-options"] == "DENY", page
        assert answer.headers["cache-control"] == "no-store", page
        for secret in SECRETS:
            assert secret not in answer.text, (page, secret)
    for hidden in ("/sqlpage/sqlpage.json", "/sqlpage/shell.sql", "/sqlpage/on_reset.sql", "/.git/config", "/../scripts/dashboard.sh"):
        assert Client().get(hidden).status in (403, 404, 302), hidden
    assert "secret of" not in open(f"{OUTPUT}/sqlpage.log", encoding="utf-8").read()


def test_a_diagnosis_says_why_and_an_agent_is_assigned():
    with Browser() as browser:
        browser.sign_in("ben")
        browser.wait("do not count")
        browser.open("/diagnosis")
        field = browser.driver.find_element(By.NAME, "range")
        field.clear()
        field.send_keys("last 3 days")
        browser.click("Compare with the vendor")
        browser.wait("Reasons")
        rows = browser.table("differences")
        assert rows and all("agent not assigned" in row or "test call" in row or "no agent" in row for row in rows), rows[:3]
        browser.picture("diagnosis")
        client = Client()
        client.cookie = "session=" + browser.driver.get_cookie("session")["value"]
        exported = client.post("/api/diagnosis", csrf=client.csrf(), tenant="clinic", range="last 3 days", format="csv").rows()
        assert len(exported) == len(rows) and exported[0]["reason"], (len(exported), len(rows))
        counted = "SELECT count(*) FROM dialfire.calls WHERE tenant = 'clinic' AND counts"
        assert one(counted) == "0"
        browser.open("/agents")
        browser.driver.find_element(By.LINK_TEXT, "assign").click()
        browser.wait("Assign")
        browser.click("Assign")
        browser.wait("calls count now")
        assert int(one(counted)) > 0


def message(call_id, **more):
    call = {"id": call_id, "orgId": "46cf2995-2bee-44e3-838b-24151486fe4e", "type": "inboundPhoneCall", "status": "ended",
            "createdAt": "2026-11-05T10:00:00.000Z", "updatedAt": "2026-11-05T10:02:00.000Z", "customer": {"number": "+14155550123"}}
    body = {"type": "end-of-call-report", "endedReason": "customer-ended-call", "call": call, "startedAt": "2026-11-05T10:00:10.000Z",
            "endedAt": "2026-11-05T10:01:00.000Z", "cost": 0.05}
    return json.dumps({"message": {**body, **more}})


def test_a_webhook_is_stored_before_it_is_thanked_for():
    def deliver(body, secret="webhook-secret", tenant="voice", kind="application/json"):
        return Client().ask("POST", f"/webhooks/{tenant}", body, {"Authorization": f"Bearer {secret}", "Content-Type": kind})

    answer = deliver(message("größe-1"))
    assert answer.status == 200 and json.loads(answer.text)["outcome"] == "stored", answer.text
    assert one("SELECT count(*) FROM dialfire.voice_calls WHERE tenant = 'voice' AND id = 'größe-1'") == "1"
    assert json.loads(deliver(message("größe-1")).text)["outcome"] == "duplicate"
    assert deliver(message("c2"), secret="wrong").status == 401
    assert deliver("{").status == 400
    assert deliver("").status == 400
    assert deliver("a=b", kind="application/x-www-form-urlencoded").status == 400
    assert deliver(b"\xff\xfe{}").status == 400
    assert deliver(b"x" * (9 << 20)).status == 413
    rejected = deliver(message("c3", startedAt="no instant", endedAt=7))
    assert rejected.status in (200, 422), rejected.text
    for tenant in ("nobody", "acme", "clinic", "voice'--", "%2e%2e"):
        unknown = deliver(message("c4"), tenant=tenant)
        assert unknown.status in (401, 403, 404), (tenant, unknown.status)
    assert Client().get("/webhooks/voice").status == 405
    assert one("SELECT count(*) FROM dialfire.voice_calls WHERE tenant = 'voice' AND id IN ('c2', 'c4')") == "0"


def test_a_quarantined_record_is_seen_and_tried_again():
    sql("""INSERT INTO dialfire.rejects (tenant, source, kind, key, reason, field, detail, payload, fingerprint)
           VALUES ('acme', 'x', 'contact', '<b>K9</b>', 'bad_date', 'fired', 'no instant', '{"$id": "K9"}', 'seen-by-walk')""")
    with Browser() as browser:
        browser.sign_in("anna")
        browser.wait("1 record in quarantine")
        browser.open("/rejects")
        assert any("<b>K9</b>" in row and "bad date" in row for row in browser.table("rejects")), browser.table("rejects")
        browser.click("Try all again")
        browser.wait("left quarantine")


def test_when_the_database_is_gone_the_sender_is_asked_to_repeat_and_health_says_what_is_wrong():
    """Last: the server stops, and comes back without the library that starts the scheduler."""
    def deliver():
        return Client().ask("POST", "/webhooks/voice", message("later"), {"Authorization": "Bearer webhook-secret", "Content-Type": "application/json"})

    sql("SELECT df_schedule('acme')")
    sql("ALTER SYSTEM SET shared_preload_libraries = 'auto_explain'")
    subprocess.run(["scripts/cluster.sh", "stop"], check=True, timeout=60)
    answer = deliver()
    assert answer.status == 429, answer.status
    assert Client().get("/health").status != 200
    subprocess.run(["scripts/cluster.sh", "start"], check=True, timeout=90)
    sql("UPDATE dialfire.schedules SET next_run = now() - interval '1 day', every = '1 minute'")
    answer = Client().get("/health")
    for _ in range(30):
        if answer.status == 503:
            break
        time.sleep(1)
        answer = Client().get("/health")
    assert answer.status == 503 and "df_start_worker" in json.loads(answer.text)["problems"][0], (answer.status, answer.text)
    assert deliver().status == 200
    sql("UPDATE dialfire.schedules SET enabled = false")
    assert Client().get("/health").text == '{"status":"ok"}'


def prepare():
    """Everything is fetched but yesterday, when the vendor broke."""
    day = "(now() AT TIME ZONE 'Europe/Nicosia')::date"
    sql(f"SELECT df_sync('acme', daterange({day} - 4, {day} - 1)); SELECT df_sync('acme', 'today'); SELECT df_sync('clinic')")
    vendor("faults", kind="status", status=503)
    assert one("SELECT status FROM df_sync('acme', 'yesterday')") == "failed"
    vendor("faults", "DELETE")


def main():
    words = os.environ.get("WALK", "").split()
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_") and (not words or any(word in name for word in words))]
    prepare()
    for name, test in tests:
        began = time.monotonic()
        try:
            test()
        except Exception:
            print(f"failed: {name}; the log of SQLPage is {OUTPUT}/sqlpage.log", file=sys.stderr)
            raise
        print(f"ok {time.monotonic() - began:5.1f} s  {name.removeprefix('test_').replace('_', ' ')}", flush=True)
    assert tests, "no test has such a name"


main()
