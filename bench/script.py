"""What a good engineer would write instead: pages, contacts, COPY into temporary tables, upsert of what differs.

script.py BASE_URL first|again; the database is that of PGHOST, PGPORT, PGDATABASE.
"""
import hashlib
import http.client
import json
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import local
from urllib.parse import urlencode, urlsplit

import psycopg

TENANT, TOKEN, ACCOUNT = "acme", "tenant-secret-token", "9c6d0163"
FROM, TO = "2025-11-01T12:00:00.000", "2025-11-15T12:00:00.000"
THREADS, BATCH, CHUNK = 4, 20, 8
CONTACT = "$id $campaign_id $md5 $ref $version $task_id $task $status $status_detail $phone $timezone $created_date $entry_date".split()
INBOUND = """id campaign_id line_id contact_id task_id task_name user calling_number called_number call_time connect_time hangup_time
    state disposition connectable_time dispatch_error""".split()
TABLES = {
    "contacts": """tenant id campaign_id md5 ref_id version task_id task status status_detail phone timezone created_date entry_date
        fields""".split(),
    "transactions": """tenant id campaign_id contact_id fired event_type task_id task status status_detail result is_human is_hi
        revoked user_id user_login user_branch user_tenant_alias actor trigger phone pause_time_sec edit_time_sec wrapup_time_sec
        wait_time_sec sequence_nr""".split(),
    "connections": """tenant id transaction_id contact_id parent_connection_id is_third_party transfer_target_address call_uuid
        global_call_uuid task_id user_id actor phone remote_number line_number technology dialerdomain result code hangup_party fired
        initiated started connected disconnected ended call_initiated call_connected call_disconnected duration_ms""".split(),
    "recordings": "tenant id connection_id transaction_id contact_id started stopped filename location".split(),
    "inbound_calls": """tenant id campaign_id line_id contact_id task_id task_name user_id remote_number line_number started connected
        disconnected state disposition connectable_time dispatch_error""".split(),
}
# Of a call's day, in the tables that have one.
FIRED = {"transactions": "fired", "inbound_calls": "started"}


class Vendor:
    def __init__(self, base):
        self.url, self.threads = urlsplit(base), local()

    def ask(self, method, path, token, body=None):
        if not hasattr(self.threads, "connection"):
            self.threads.connection = http.client.HTTPConnection(self.url.netloc)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.threads.connection.request(method, self.url.path + path, body, headers)
        answer = self.threads.connection.getresponse()
        data = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status}")
        return json.loads(data)

    def campaigns(self):
        answer = self.ask("GET", f"/tenants/{ACCOUNT}/campaigns/", TOKEN)
        return [(c["id"], c["permissions"]["token"]) for c in answer if "campaignAPI" in c["permissions"]["roles"]]

    def pages(self, path, token):
        query = {"from": FROM, "to": TO, "limit": 1000}
        while True:
            page = self.ask("GET", f"{path}?{urlencode(query)}", token)
            yield page["results"]
            if not page.get("cursor"):
                return
            query["cursor"] = page["cursor"]

    def contact_ids(self, campaign, token):
        pages = self.pages(f"/campaigns/{campaign}/contacts/transactions/", token)
        return list({event.split("|")[2]: None for page in pages for event in page})

    def inbound_calls(self, campaign, token):
        return (call for page in self.pages(f"/campaigns/{campaign}/inbound/calls/", token) for call in page)

    def contacts(self, campaign, token, ids):
        return self.ask("POST", f"/campaigns/{campaign}/contacts/?include_md5=true", token, json.dumps(ids))


def md5(*parts):
    return hashlib.md5("".join(map(str, parts)).encode()).hexdigest()


def of(item, names, campaign):
    """An item of that campaign; what is empty is unknown."""
    return ({"campaign_id": campaign, "$campaign_id": campaign, **item}.get(name) or None for name in names)


def flatten(campaign, contact, rows):
    fields = {name: value for name, value in contact.items() if name not in CONTACT and name != "$task_log"}
    rows["contacts"].append((TENANT, *of(contact, CONTACT, campaign), json.dumps(fields)))
    for entry in contact["$task_log"]:
        for t in entry["transactions"]:
            key = md5(contact["$id"], t["fired"], t["sequence_nr"])
            get = t.get
            rows["transactions"].append((
                TENANT, key, campaign, contact["$id"], t["fired"], get("type"), get("task_id"), get("task"), get("status"),
                get("status_detail"), get("result") or None, get("actor") == "agent", get("isHI"), get("revoked"), get("user"),
                get("user_loginName"), get("user_branch"), get("user_tenantAlias"), get("actor"), get("trigger"), get("phone"),
                get("pause_time_sec"), get("edit_time_sec"), get("wrapup_time_sec"), get("wait_time_sec"), get("sequence_nr"),
            ))
            for connection in t.get("connections") or ():
                leg(contact["$id"], key, connection, rows)


def leg(contact, transaction, c, rows):
    get = c.get
    rows["connections"].append((
        TENANT, c["id"], transaction, contact, get("parent_connection_id"), get("isThirdPartyConnection") == "true",
        get("transfer_target_address"), get("call_uuid"), get("global_call_uuid"), get("task_id"), get("user"), get("actor"),
        get("phone"), get("remote_number"), get("line_number"), get("technology"), get("dialerdomain"), get("result"), get("code"),
        get("hangup_party"), get("fired"), get("initiated"), get("started"), get("connected"), get("disconnected"), get("ended"),
        get("call_initiated"), get("call_connected"), get("call_disconnected"), get("duration"),
    ))
    for r in c.get("recordings") or ():
        key = md5(c["id"], r["started"])
        rows["recordings"].append(
            (TENANT, key, c["id"], transaction, contact, r["started"], r.get("stopped"), r.get("filename"), r.get("location"))
        )
    for third in c.get("third_party_connections") or ():
        leg(contact, transaction, third, rows)


def copy(db, rows):
    for table, columns in TABLES.items():
        with db.cursor().copy(f"COPY {table}_new ({', '.join(columns)}) FROM STDIN") as into:
            for row in rows[table]:
                into.write_row(row)
        rows[table].clear()


def upsert(db, table, columns):
    day, values = "", [c for c in columns if c not in ("tenant", "id")]
    if table in FIRED:
        columns, day = columns + ["day"], f", ({FIRED[table]} AT TIME ZONE 'Europe/Nicosia')::date"
    names = ", ".join(columns)
    selected = ", ".join(c for c in columns if c != "day") + day
    db.execute(
        f"""INSERT INTO script.{table} AS t ({names}) SELECT DISTINCT ON (tenant, id) {selected} FROM {table}_new
        ON CONFLICT (tenant, id) DO UPDATE SET {', '.join(f'{c} = excluded.{c}' for c in values)}, changed_at = now()
        WHERE ({', '.join(f't.{c}' for c in values)}) IS DISTINCT FROM ({', '.join(f'excluded.{c}' for c in values)})"""
    )


def main():
    base, which = sys.argv[1:]
    start, cpu = time.perf_counter(), time.process_time()
    vendor, rows = Vendor(base), {table: [] for table in TABLES}
    with psycopg.connect(user="postgres") as db, ThreadPoolExecutor(THREADS) as threads:
        for table in TABLES:
            if which == "first":
                db.execute(f"CREATE TABLE script.{table} (LIKE dialfire.{table} INCLUDING ALL)")
            db.execute(f"CREATE TEMP TABLE {table}_new (LIKE script.{table} INCLUDING DEFAULTS) ON COMMIT DROP")
        for table in FIRED:
            db.execute(f"ALTER TABLE {table}_new ALTER day DROP NOT NULL")
        for campaign, token in vendor.campaigns():
            ids = vendor.contact_ids(campaign, token)
            batches = [ids[at : at + BATCH] for at in range(0, len(ids), BATCH)]
            # A few at a time, or all answers would wait in memory for the database.
            for at in range(0, len(batches), CHUNK):
                for contacts in threads.map(lambda ids: vendor.contacts(campaign, token, ids), batches[at : at + CHUNK]):
                    for contact in contacts:
                        flatten(campaign, contact, rows)
                copy(db, rows)
            for call in vendor.inbound_calls(campaign, token):
                rows["inbound_calls"].append((TENANT, *of(call, INBOUND, campaign)))
            copy(db, rows)
        for table, columns in TABLES.items():
            upsert(db, table, columns)
        db.commit()
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        count = sum(db.execute(f"SELECT count(*) FROM script.{table}").fetchone()[0] for table in TABLES)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "cpu": cpu, "rows": count, "peak_mb": peak}))


main()
