-- What vendors send by themselves: which deliveries came, and how often.

CREATE TABLE dialfire.webhook_events (
    tenant      text NOT NULL,
    call_id     text NOT NULL,
    event       text NOT NULL,
    status      text NOT NULL,
    times       bigint NOT NULL DEFAULT 1,
    first_at    timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    last_at     timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (tenant, call_id, event, status)
);
CREATE INDEX webhook_events_last ON dialfire.webhook_events (tenant, last_at);
COMMENT ON INDEX dialfire.webhook_events_last IS 'finds what came since the last poll';
COMMENT ON TABLE dialfire.webhook_events IS 'webhooks that were believed, one row a call, event and status: a message of one type never hides another of the same call';
COMMENT ON COLUMN dialfire.webhook_events.tenant IS 'name of the foreign server';
COMMENT ON COLUMN dialfire.webhook_events.call_id IS 'the vendor''s id of the call';
COMMENT ON COLUMN dialfire.webhook_events.event IS 'type of the message, such as status-update or end-of-call-report';
COMMENT ON COLUMN dialfire.webhook_events.status IS 'the status that it tells; for vendors that number their deliveries that number';
COMMENT ON COLUMN dialfire.webhook_events.times IS 'how often it came';
COMMENT ON COLUMN dialfire.webhook_events.first_at IS 'came first (UTC instant)';
COMMENT ON COLUMN dialfire.webhook_events.last_at IS 'came last (UTC instant)';
SELECT pg_catalog.pg_extension_config_dump('dialfire.webhook_events', '');
