-- Rules see the calls of every vendor.

\i sql/23_alerts.sql dialfire.event_document dialfire.raise_alerts
COMMENT ON TABLE dialfire.alerts IS 'every hit of a rule, once; each was told on channel dialfire_sync_alerts too; kept for dialfire_sync.retention_days';
