"""What vendors send, and what they are told when the database is away."""

import json
import subprocess
import time

from people import Client, one, sql


def test_health_is_ok():
    answer = Client().get("/health")
    assert (answer.status, answer.text) == (200, '{"status":"ok"}'), answer.text


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


def test_when_the_database_is_gone_the_sender_is_asked_to_repeat_and_health_says_what_is_wrong():
    """Last: the server stops, and comes back without the library that starts the scheduler."""
    def deliver():
        return Client().ask("POST", "/webhooks/voice", message("later"), {"Authorization": "Bearer webhook-secret", "Content-Type": "application/json"})

    sql("SELECT df_schedule('acme')")
    sql("ALTER SYSTEM SET shared_preload_libraries = 'auto_explain'")
    subprocess.run(["scripts/cluster.sh", "stop"], check=True, timeout=60)
    answer = deliver()
    assert answer.status == 429, answer.status
    health = Client().get("/health")
    assert health.status == 503 and "the database does not answer" in json.loads(health.text)["problems"][0], (health.status, health.text)
    assert health.headers["content-type"] == "application/json" and health.headers["cache-control"] == "no-store", health.headers
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
