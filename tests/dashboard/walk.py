"""Uses the dashboard as people do, in a real browser, and as those do who wish it ill, without one. Started by run.sh."""

import os
import sys
import time

import demo
import exports
import guard
import pages
import sso
import vendors
from people import OUTPUT, one, sql, vendor


def everything():
    """The tests in the order in which they run; those of vendors stop the server at last."""
    return {name: test for module in (demo, pages, exports, guard, sso, vendors) for name, test in vars(module).items()}


def prepare():
    """Everything is fetched but yesterday, when the vendor broke."""
    day = "(now() AT TIME ZONE 'Europe/Nicosia')::date"
    sql(f"SELECT df_sync('acme', daterange({day} - 4, {day} - 1)); SELECT df_sync('acme', 'today'); SELECT df_sync('clinic')")
    vendor("faults", kind="status", status=503)
    assert one("SELECT status FROM df_sync('acme', 'yesterday')") == "failed"
    vendor("faults", "DELETE")


def main():
    words = os.environ.get("WALK", "").split()
    tests = [(name, test) for name, test in everything().items() if name.startswith("test_") and (not words or any(word in name for word in words))]
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
