PG ?= 15
export PG

.NOTPARALLEL:
.PHONY: help setup install demo story dashboard demo-stop clean-demo test lint test-unit test-pg test-regress test-integration test-docs test-upgrade test-pg18 test-matrix test-jdbc test-dashboard test-bench test-package test-spot reference package release audit fuzz chaos bench bench-dashboard bench-views

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 20

setup: ## install what is missing: Debian packages, cargo-pgrx
	@scripts/setup.sh

install: setup ## build the extension and install it into the server of PG_CONFIG
	@scripts/install.sh release

demo: ## everything from a bare machine to calls in tables; leaves a private server running
	@scripts/demo.sh start

story: ## a database as the vendor's own client leaves it: wrong KPI, why, what is missing, and how it becomes right
	@scripts/demo.sh story

dashboard: ## the demo as web pages: installs SQLPage, starts everything, prints the address and who may sign in
	@scripts/demo.sh dashboard

demo-stop: ## stop the server, the simulator and the pages of the demo
	@scripts/demo.sh stop

clean-demo: ## remove the demo's server and its data
	@scripts/demo.sh remove

test: lint test-unit test-pg test-regress test-integration test-docs test-upgrade test-pg18 test-package test-jdbc test-dashboard test-bench test-spot ## all of the following

lint: setup ## rustfmt and clippy
	@scripts/test.sh lint

test-unit: setup ## the crates without PostgreSQL
	@scripts/test.sh unit

test-pg: setup ## tests that run inside PostgreSQL
	@scripts/test.sh pg

test-regress: setup ## golden files of tests/pg_regress
	@scripts/test.sh regress

test-integration: setup ## a real server and the simulator
	@scripts/test.sh integration

test-docs: setup ## the SQL of README.md and docs, run against the simulator
	@scripts/test.sh docs

test-upgrade: setup ## every released version, used and updated, is what a fresh installation is
	@scripts/test.sh upgrade

test-pg18: ## the tests inside PostgreSQL and the golden files, on PostgreSQL 18
	@scripts/test.sh pg18

test-package: setup ## the Debian package and PGXN's archive: lintian, installed, used on a new cluster, purged
	@scripts/test.sh package

test-matrix: ## all that depends on PostgreSQL, on each major; MAJORS="16 18" for some, not part of make test
	@scripts/matrix.sh

test-jdbc: setup ## the views and ready scripts of docs/dbeaver, seen through the JDBC driver
	@scripts/test.sh jdbc

test-dashboard: setup ## every page of the dashboard in a real browser, its rights, exports and webhooks; WALK=words for some
	@scripts/test.sh dashboard

test-bench: setup ## make bench, as small as it gets: that it runs
	@scripts/test.sh bench

test-spot: setup ## pgspot: nothing that an installation or update runs is anybody else's
	@scripts/test.sh spot

reference: setup ## write docs/reference.md from the comments of the catalogue
	@scripts/reference.sh

package: setup ## Debian packages for the server of PG, or MAJORS="15 16 17 18", and an archive for PGXN, in target/packages
	@scripts/package.sh

release: setup ## freeze the scripts of this version in sql/releases: from then on they stay as they are
	@scripts/release.sh

audit: ## cargo-deny and cargo-audit; AUDIT_INSTALL=1 compiles them where they are missing
	@scripts/test.sh audit

fuzz: ## FUZZ_SECONDS (10) of each fuzzer; not part of make test, which only replays their seeds
	@scripts/test.sh fuzz

chaos: setup ## 100,000 calls while the vendor, the processes and the server break; CHAOS_SECONDS, CHAOS_SEED
	@scripts/test.sh chaos

bench: setup ## speed against COPY, a script and dlt, into bench/RESULTS.md; BENCH="first_load resync" for some parts
	@bench/run

bench-dashboard: setup ## times of the dashboard's API and pages at 10 million calls, into bench/RESULTS.md; 10 GB of disk, DASHBOARD_MILLIONS
	@bench/dashboard/run

bench-views: setup ## speed of the views and of df_refresh at 10 million calls, into bench/VIEWS.md; 8 GB of disk, VIEWS_MILLIONS
	@bench/views/run
