"""What `make dashboard` starts, as a new user would find it."""

import os
import re
import subprocess

from people import Client

CLUSTER = "dashboard-demo"


def demo(what):
    done = subprocess.run(["scripts/demo.sh", what], env={**os.environ, "CLUSTER": CLUSTER, "DEMO_PROFILE": "dev"}, capture_output=True, text=True,
                          check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def running():
    """Processes of the demo, by what stands in their environment."""
    found = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/environ", "rb") as environment, open(f"/proc/{process}/cmdline", "rb") as command:
                if f"\0CLUSTER={CLUSTER}\0".encode() in b"\0" + environment.read():
                    found.append(command.read().replace(b"\0", b" ").decode())
        except OSError:
            pass
    return found


def test_the_demo_says_where_it_is_shows_two_tenants_and_leaves_nothing_that_runs():
    try:
        for _ in ("at first", "and once more"):
            said = demo("dashboard")
            address = re.search(r"the dashboard is at http://(\S+)", said)[1]
            assert Client(host=address).get("/health").text == '{"status":"ok"}'
            for name, tenant in (("anna", "acme"), ("ben", "clinic")):
                assert Client(name, name, host=address).calls(tenant) == 50, name
        assert any("sqlpage" in command for command in running()) and any("move" in command for command in running()), running()
        demo("stop")
        assert not running(), running()
    finally:
        demo("remove")
