"""What people do with the pages, in a browser."""

import json
import time

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from people import PAGES, BASE, Browser, Client, one, sql


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
        browser.wait("RECORDING")
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
            for theme in ("light", "dark"):
                browser.dress(theme)
                for page in [page.replace("run=1", f"run={run}").replace("call=x", f"call={call}") for page in PAGES + ["/nowhere", "/login?failed=1", "/signedout"]]:
                    browser.open(page)
                    WebDriverWait(browser.driver, 30).until(lambda driver: not driver.find_elements(By.CSS_SELECTOR, ".chart .spinner-border"))
                    words = browser.text()
                    assert "An error occurred" not in words, (page, words)
                    assert browser.driver.find_element(By.TAG_NAME, "body").get_attribute("data-bs-theme") == theme, page
                    wide = browser.driver.execute_script("return document.documentElement.scrollWidth - window.innerWidth")
                    assert wide <= 0, f"{page} is {wide} pixels wider than a {shape}"
                    name = page.split("?")[0].strip("/") or "overview"
                    browser.picture(f"{shape}-{theme}-{name}")
                    assert not browser.looks(), (page, theme, shape, browser.looks())
                    complaints = [line for line in browser.complaints() if not (name == "nowhere" and "404" in line)]
                    assert not complaints, (page, complaints)


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
