"""The same load with dlt: the feeds read by its REST client, contacts, transactions and inbound calls merged by key.

load_dlt.py BASE_URL first|again; the database is that of PGHOST, PGPORT, PGDATABASE.
"""
import json
import os
import resource
import shutil
import sys
import time

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"

import dlt
import psycopg
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator, SinglePagePaginator

TOKEN, ACCOUNT = "tenant-secret-token", "9c6d0163"
FROM, TO, BATCH = "2025-11-01T12:00:00.000", "2025-11-15T12:00:00.000", 20


def client(base, token, paginator):
    return RESTClient(base, auth=BearerTokenAuth(token), paginator=paginator)


# One resource: rest_api itself would ask for each contact of each event by a request of its own.
@dlt.resource(table_name=lambda item: item["table"], write_disposition="merge", primary_key="id")
def calls(base):
    answer = client(base, TOKEN, SinglePagePaginator()).get(f"tenants/{ACCOUNT}/campaigns/").json()
    for campaign in (c for c in answer if "campaignAPI" in c["permissions"]["roles"]):
        paginator = JSONResponseCursorPaginator(cursor_path="cursor", cursor_param="cursor")
        rest = client(base, campaign["permissions"]["token"], paginator)
        path, query = f"campaigns/{campaign['id']}", {"from": FROM, "to": TO, "limit": 1000}
        ids = {}
        for page in rest.paginate(f"{path}/contacts/transactions/", params=query, data_selector="results"):
            ids.update((event.split("|")[2], None) for event in page)
        ids = list(ids)
        for at in range(0, len(ids), BATCH):
            contacts = rest.post(f"{path}/contacts/?include_md5=true", json=ids[at : at + BATCH]).json()
            yield [
                {**{k: v for k, v in c.items() if k != "$task_log"}, "table": "contacts", "id": c["$id"]} for c in contacts
            ]
            yield [
                {**t, "table": "transactions", "id": f"{c['$id']} {t['fired']} {t['sequence_nr']}", "contact_id": c["$id"]}
                for c in contacts
                for entry in c["$task_log"]
                for t in entry["transactions"]
            ]
        for page in rest.paginate(f"{path}/inbound/calls/", params=query, data_selector="results"):
            yield [{**call, "table": "inbound_calls"} for call in page]


def main():
    base, which = sys.argv[1:]
    host, port, name = (os.environ[n] for n in ("PGHOST", "PGPORT", "PGDATABASE"))
    folder = os.path.join(os.environ["BENCH_FOLDER"], "dlt")
    if which == "first":
        shutil.rmtree(folder, ignore_errors=True)
    start, cpu = time.perf_counter(), time.process_time()
    # dlt insists on a password; the server asks for none.
    url = f"postgresql://postgres:none@127.0.0.1:{port}/{name}"
    destination = dlt.destinations.postgres(url)
    pipeline = dlt.pipeline("bench", pipelines_dir=folder, destination=destination, dataset_name="rows")
    pipeline.run(calls(base)).raise_on_failed_jobs()
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    legs = ("transactions__connections", "transactions__connections__recordings")
    tables = ("contacts", "transactions", *legs, "inbound_calls")
    with psycopg.connect(user="postgres", host=host) as db:
        count = sum(db.execute(f"SELECT count(*) FROM rows.{table}").fetchone()[0] for table in tables)
    peak = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    print(json.dumps({"seconds": seconds, "cpu": cpu, "rows": count, "peak_mb": peak}))


if __name__ == "__main__":
    main()
