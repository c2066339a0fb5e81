"""What leaves the dashboard as CSV and JSON, against SQL."""

import html
import json
import re
import urllib.parse

from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from people import API, BASE, Browser, Client, one, sql


def test_a_search_and_its_export_hold_the_calls_that_sql_finds():
    with Browser() as browser:
        browser.sign_in("anna")
        agent = one("SELECT agent_login FROM dialfire.calls WHERE tenant = 'acme' AND agent_login ~ 'ü' ORDER BY fired_at DESC LIMIT 1")
        browser.open("/calls?tenant=acme")
        browser.driver.find_element(By.NAME, "search").send_keys(agent.upper())
        Select(browser.driver.find_element(By.NAME, "status")).select_by_value("completed")
        browser.click("Show")
        browser.wait("RECORDING")
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


def lists():
    """Every list: name, view, columns to compare, and requests with what they mean in SQL."""
    run, late = one("SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY run_id) FROM dialfire.runs WHERE tenant = 'acme'"), "day > (now() AT TIME ZONE 'Europe/Nicosia')::date - "
    failed = one("SELECT run_id FROM dialfire.error_log_view WHERE tenant = 'acme' AND run_id IS NOT NULL LIMIT 1")
    agent, campaign, phone, contact = sql("SELECT agent_login, campaign_id, phone, contact_id FROM dialfire.calls WHERE tenant = 'acme' AND agent_login ~ 'ü' ORDER BY fired_at DESC LIMIT 1")[0]
    fired, call = sql("SELECT fired_at AT TIME ZONE 'UTC', call_id FROM dialfire.calls WHERE tenant = 'acme' AND NOT is_test ORDER BY fired_at DESC, call_id DESC OFFSET 40 LIMIT 1")[0]
    first, last = sql("SELECT min(day) + 1, max(day) - 1 FROM dialfire.calls WHERE tenant = 'acme'")[0]
    week = late + "7 AND NOT is_test"
    yield "runs", "ingestion_run_view", ["run_id", "kind", "status", "fetched", "inserted", "requests", "message"], [
        ({}, "true"), ({"kind": "manual"}, "kind = 'manual'"), ({"status": "failed"}, "status = 'failed'"), ({"before": run}, f"run_id < {run}"),
        ({"kind": "manual", "status": "success", "before": run}, f"kind = 'manual' AND status = 'success' AND run_id < {run}")]
    yield "errors", "error_log_view", ["source", "run_id", "code", "message"], [({}, "true"), ({"run": failed}, f"run_id = {failed}")]
    yield "calls", "calls", ["call_id", "status", "direction", "agent_login", "campaign_id", "day", "phone", "duration_ms", "recording_location"], [
        ({}, week), ({"from": "2000-01-01"}, "NOT is_test"), ({"from": first, "to": last}, f"day BETWEEN '{first}' AND '{last}' AND NOT is_test"),
        ({"test": "too"}, late + "7"), ({"test": "only"}, late + "7 AND is_test"), ({"status": "completed"}, week + " AND status = 'completed'"),
        ({"agent": agent}, f"{week} AND agent_login = '{agent}'"), ({"campaign": campaign}, f"{week} AND campaign_id = '{campaign}'"),
        ({"search": agent.upper()}, f"{week} AND lower(agent_login) = lower('{agent}')"), ({"search": contact}, f"{week} AND contact_id = '{contact}'"),
        ({"search": "0" + phone.lstrip("+")[2:]}, f"{week} AND phone = '{phone}'"), ({"search": "no such thing"}, "false"), ({"search": "no" + phone[-6:]}, "false"),
        ({"before": fired.replace(" ", "T") + "+00:00", "before_id": call}, f"{week} AND (fired_at, call_id) < ('{fired}+00', '{call}')"),
        ({"status": "completed", "agent": agent, "campaign": campaign, "from": first, "test": "too"},
         f"status = 'completed' AND agent_login = '{agent}' AND campaign_id = '{campaign}' AND day >= '{first}'")]
    for name in ("agents", "campaigns"):
        who = ["agent_id", "agent_login"] if name == "agents" else ["campaign_id", "title"]
        yield name, f"{name[:-1]}_daily", ["day", *who, "attempts", "connects", "conversions", "inbound"], [
            ({}, late + "30"), ({"days": "1"}, late + "1"), ({"days": "2"}, late + "2"), ({"days": "900"}, "true")]
    yield "coverage", "coverage_days", ["source", "title", "day", "state", "calls"], [({}, "true")]
    yield "rejects", "rejects_open", ["id", "source", "kind", "key", "reason", "detail", "times"], [({}, "true")]
    yield "alerts", "alerts", ["id", "rule", "severity", "subject", "message"], [({}, "true")]
    yield "monthly", "ingestion_monthly", ["month", "attempts", "connects", "conversions", "inbound", "days"], [({}, "true")]
    yield "kpi", "ingestion_kpis", ["attempts", "connects", "conversions", "inbound", "errors_24h"], [({}, "true")]
    yield "attention", "attention", ["rank", "severity", "what", "page"], [({}, "true")]
    yield "unassigned", "unassigned_agents", ["agent_id", "name", "calls"], [({}, "true")]


def test_every_list_exports_with_every_filter_what_sql_has():
    sql("""INSERT INTO dialfire.rejects (tenant, source, kind, key, reason, field, detail, payload, fingerprint)
               VALUES ('acme', 'x', 'contact', 'K1, "quoted"', 'bad_date', 'fired', E'two\nlines; ü', '{}', 'export');
           INSERT INTO dialfire.alerts (tenant, rule, subject, severity, message) VALUES ('acme', 'export', 'x', 'warning', 'a, b and "c"')""")
    sql("SELECT df_refresh(force => true)")
    clients, full = {name: Client(name) for name in ("anna", "ben")}, {}
    for name, view, columns, requests in lists():
        for role, tenant in (("anna", "acme"), ("ben", "clinic")):
            for query, condition in requests:
                wanted = json.loads(one(f"""SELECT COALESCE(json_agg(json_build_array({", ".join(columns)}) ORDER BY {", ".join(columns)}), '[]')
                    FROM dialfire.{view} WHERE tenant = '{tenant}' AND {condition}""".replace("Europe/Nicosia", "America/New_York" if role == "ben" else "Europe/Nicosia"), role))
                answer = clients[role].get(f"/api/{name}", tenant=tenant, limit="all", **query)
                got = [[row[column] for column in columns] for row in json.loads(answer.text)]
                key = lambda row: [str(value) for value in row]
                assert sorted(got, key=key) == sorted(wanted, key=key), (name, query, len(got), len(wanted))
                answer = clients[role].get(f"/api/{name}", tenant=tenant, format="csv", **query)
                assert answer.headers["content-type"].startswith("text/csv") and f'{name}.csv"' in answer.headers["content-disposition"], (name, answer.headers)
                rows = [[row[column] for column in columns] for row in answer.rows()]
                texts = [["" if value is None else str(value) for value in row] for row in wanted]
                assert sorted(rows) == sorted(texts), (name, query, len(rows), len(texts))
                full[name] = full.get(name, 0) + len(rows)
    assert all(full.values()), full
    sql("DELETE FROM dialfire.rejects WHERE fingerprint = 'export'; DELETE FROM dialfire.alerts WHERE rule = 'export'")


def test_the_links_of_a_page_export_what_the_page_is_filtered_by():
    client = Client("anna")
    run = one("SELECT run_id FROM dialfire.error_log_view WHERE tenant = 'acme' AND run_id IS NOT NULL LIMIT 1")
    pages = {"/?": [{}], "/ingestion?": [{"kind": "manual", "status": "failed"}], "/run?": [{"run": run}], "/coverage?": [{}], "/agents?": [{"days": "30"}],
             "/campaigns?": [{"days": "7"}], "/monthly?": [{}], "/alerts?": [{}], "/rejects?": [{}],
             "/calls?": [{"status": "completed", "test": "too", "from": "2026-01-01", "to": "2026-12-31", "search": "ü & %"}]}
    for page, queries in pages.items():
        for query in queries:
            links = [html.unescape(link) for link in re.findall(r'href="(/api/[^"]*)"', client.get(page.rstrip("?"), tenant="acme", **query).text)]
            assert len(links) >= 2 and any("format=csv" in link for link in links), (page, links)
            for link in links:
                sent = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(link).query))
                assert {name: sent.get(name) for name in query} == query, (page, link)
                assert client.get(link).status == 200, link


def test_the_api_refuses_what_it_does_not_understand():
    client = Client("anna")
    for path, query in (("calls", {"from": "yesterday"}), ("calls", {"to": "2026-13-01"}), ("calls", {"before": "now"}), ("calls", {"test": "yes"}), ("runs", {"before": "x"}),
                        ("runs", {"limit": "many"}), ("agents", {"days": "week"}), ("errors", {"run": "x"}), ("kpi", {"format": "xml"})):
        answer = client.get(f"/api/{path}", **query)
        assert answer.status == 400 and next(iter(query)) in json.loads(answer.text)["error"], (path, query, answer.status, answer.text)
    for name in API:
        answer = client.get(f"/api/{name}", tenant="clinic")
        assert answer.status == 404 and "no such tenant" in json.loads(answer.text)["error"], (name, answer.status)


def test_no_cell_of_a_csv_file_is_a_formula():
    client = Client("anna")
    evil = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "'=1", "+49 30 1234567", "-5", "a=b"]
    seen = ["'" + text if text in evil[:5] else text for text in evil]
    values = ", ".join(f"('{text.replace(chr(39), chr(39) * 2)}')" for text in evil)
    sql(f"""INSERT INTO dialfire.rejects (tenant, source, kind, key, reason, field, detail, payload, fingerprint, resolved_at)
            SELECT 'acme', 'cells', 'contact', v, 'bad_date', v, v, '{{}}', 'cell ' || v, NULL FROM (VALUES {values}) AS t(v)""")
    rows = [row for row in client.get("/api/rejects", tenant="acme", format="csv").rows() if row["source"] == "cells"]
    for name in ("key", "field", "detail"):
        assert sorted(row[name] for row in rows) == sorted(seen), [row[name] for row in rows]
    plain = [row["key"] for row in json.loads(client.get("/api/rejects", tenant="acme").text) if row["source"] == "cells"]
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
