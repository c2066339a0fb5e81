"""Who uses the dashboard in the tests: a browser, and a program without one; and how they ask database and vendor what is true."""

import base64
import csv
import http.client
import io
import json
import os
import re
import subprocess
import time
import urllib.parse

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

BASE, VENDOR, OUTPUT = (os.environ[name] for name in ("BASE", "VENDOR", "TEST_OUTPUT"))
HOST = BASE.removeprefix("http://")
PAGES = ["/", "/ingestion", "/run?run=1", "/coverage", "/day", "/calls", "/call?call=x", "/agents", "/campaigns", "/monthly",
         "/diagnosis", "/rejects", "/alerts", "/account", "/assign"]
API = ["kpi", "monthly", "runs", "errors", "calls", "agents", "campaigns", "coverage", "rejects", "alerts", "attention", "unassigned"]
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

    def __init__(self, name=None, password=None, host=HOST):
        self.cookie, self.host = None, host
        if name:
            answer = self.post("/signin", username=name, password=password or f"secret of {name}")
            self.set_cookie = answer.headers.get("set-cookie")
            self.cookie = self.set_cookie and self.set_cookie.split(";")[0]

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(self.host, timeout=300)
        headers = dict(headers or {})
        if self.cookie:
            headers["Cookie"] = self.cookie
        connection.request(method, path, body, headers)
        return Answer(connection.getresponse())

    def get(self, path, **query):
        return self.ask("GET", path + ("?" + urllib.parse.urlencode(query) if query else ""))

    def post(self, path, **fields):
        return self.ask("POST", path, urllib.parse.urlencode(fields), {"Content-Type": "application/x-www-form-urlencoded"})

    def calls(self, tenant, **query):
        """How many calls of the tenant its page shows."""
        return len(re.findall(rf"/call\?tenant={tenant}&(?:amp;)?call=", self.get("/calls", tenant=tenant, **query).text))

    def csrf(self):
        return self.get("/account").text.split('name="csrf" value="')[1].split('"')[0]


class Browser:
    def __init__(self, width=1280, height=900, phone=False, base=BASE):
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
        self.phone, self.base = phone, base

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.driver.quit()

    def open(self, path):
        self.driver.get(self.base + path)

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
        time.sleep(1.2 if self.driver.find_elements(By.CSS_SELECTOR, ".chart") else 0.2)
        width, height = self.driver.execute_script("return [window.innerWidth, document.documentElement.scrollHeight]")
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {
            "captureBeyondViewport": True, "clip": {"x": 0, "y": 0, "width": width, "height": min(height, 4000), "scale": 1}})
        with open(f"{OUTPUT}/{name}.png", "wb") as file:
            file.write(base64.b64decode(shot["data"]))

    def dress(self, theme):
        self.driver.add_cookie({"name": "theme", "value": theme, "path": "/"})

    def looks(self):
        """What is too weak to be read, or has no name."""
        with open("tests/dashboard/looks.js", encoding="utf-8") as script:
            return self.driver.execute_script(script.read())

    def complaints(self):
        return [line["message"] for line in self.driver.get_log("browser") if line["level"] in ("SEVERE", "WARNING")]
