-- The calls. A key begins with the tenant, which is also what row security and a distributed Postgres split by.
-- Column names are the fields of the structs in crates/calls/src/row.rs.
SET LOCAL search_path = pg_catalog, pg_temp;

CREATE TABLE dialfire.campaigns (
    tenant      text NOT NULL,
    id          text NOT NULL,
    title       text,
    status      text,
    hidden      boolean,
    api_access  boolean,
    stored_at   timestamptz NOT NULL DEFAULT now(),
    changed_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, id)
);

CREATE TABLE dialfire.agents (
    tenant      text NOT NULL,
    id          text NOT NULL,
    login       text NOT NULL,
    branch      text,
    name        text,
    seen        timestamptz,
    assigned    boolean NOT NULL DEFAULT false,
    assigned_to text,
    assigned_at timestamptz,
    stored_at   timestamptz NOT NULL DEFAULT now(),
    changed_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, id)
);

CREATE TABLE dialfire.contacts (
    tenant          text NOT NULL,
    id              text NOT NULL,
    campaign_id     text,
    md5             text,
    ref_id          text,
    version         text,
    task_id         text,
    task            text,
    status          text,
    status_detail   text,
    phone           text,
    timezone        text,
    created_date    timestamptz,
    entry_date      timestamptz,
    fields          jsonb NOT NULL DEFAULT '{}',
    gone_at         timestamptz,
    stored_at       timestamptz NOT NULL DEFAULT now(),
    changed_at      timestamptz NOT NULL DEFAULT now(),
    adopted_at      timestamptz,
    PRIMARY KEY (tenant, id)
);

CREATE TABLE dialfire.transactions (
    tenant              text NOT NULL,
    id                  text NOT NULL,
    campaign_id         text NOT NULL,
    contact_id          text,
    fired               timestamptz NOT NULL,
    day                 date NOT NULL,
    event_md5           text,
    event_type          text,
    task_id             text,
    task                text,
    status              text,
    status_detail       text,
    result              text,
    direction           text,
    is_test             boolean,
    is_human            boolean NOT NULL,
    is_hi               boolean,
    revoked             boolean,
    user_id             text,
    user_login          text,
    user_branch         text,
    user_tenant_alias   text,
    actor               text,
    trigger             text,
    phone               text,
    pause_time_sec      double precision,
    edit_time_sec       double precision,
    wrapup_time_sec     double precision,
    wait_time_sec       double precision,
    sequence_nr         bigint,
    extra               jsonb,
    gone_at             timestamptz,
    stored_at           timestamptz NOT NULL DEFAULT now(),
    changed_at          timestamptz NOT NULL DEFAULT now(),
    adopted_at          timestamptz,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX transactions_contact ON dialfire.transactions (tenant, contact_id, fired);
CREATE INDEX transactions_day ON dialfire.transactions (day, tenant);
COMMENT ON INDEX dialfire.transactions_contact IS 'finds the stored checksum of an event, and the calls of a contact';
COMMENT ON INDEX dialfire.transactions_day IS 'finds the calls of a day in the tenant''s time zone, of one tenant or of all';

CREATE TABLE dialfire.connections (
    tenant                  text NOT NULL,
    id                      text NOT NULL,
    transaction_id          text NOT NULL,
    contact_id              text,
    parent_connection_id    text,
    is_third_party          boolean,
    transfer_target_address text,
    call_uuid               text,
    global_call_uuid        text,
    task_id                 text,
    user_id                 text,
    actor                   text,
    phone                   text,
    remote_number           text,
    line_number             text,
    technology              text,
    dialerdomain            text,
    result                  text,
    code                    bigint,
    hangup_party            text,
    fired                   timestamptz,
    initiated               timestamptz,
    started                 timestamptz,
    connected               timestamptz,
    disconnected            timestamptz,
    ended                   timestamptz,
    call_initiated          timestamptz,
    call_connected          timestamptz,
    call_disconnected       timestamptz,
    duration_ms             bigint,
    extra                   jsonb,
    stored_at               timestamptz NOT NULL DEFAULT now(),
    changed_at              timestamptz NOT NULL DEFAULT now(),
    adopted_at              timestamptz,
    day                     date NOT NULL DEFAULT 'infinity',
    is_main                 boolean NOT NULL DEFAULT true,
    recording_id            text,
    recording_location      text,
    PRIMARY KEY (tenant, id)
);
-- By hash: half the size of a B-tree on tenant and id, and half its cost to whoever writes; ids of two tenants seldom meet.
CREATE INDEX connections_transaction ON dialfire.connections USING hash (transaction_id);
CREATE INDEX connections_open ON dialfire.connections (tenant, transaction_id)
    WHERE disconnected IS NULL AND ended IS NULL AND call_disconnected IS NULL;
CREATE INDEX connections_day ON dialfire.connections (day, tenant);
COMMENT ON INDEX dialfire.connections_day IS 'finds the legs of the calls of a day';
COMMENT ON INDEX dialfire.connections_open IS 'finds calls in progress, and those that never ended';
COMMENT ON INDEX dialfire.connections_transaction IS 'finds the legs of a transaction';

CREATE TABLE dialfire.recordings (
    tenant          text NOT NULL,
    id              text NOT NULL,
    connection_id   text NOT NULL,
    transaction_id  text NOT NULL,
    contact_id      text,
    started         timestamptz,
    stopped         timestamptz,
    filename        text,
    location        text,
    extra           jsonb,
    stored_at       timestamptz NOT NULL DEFAULT now(),
    changed_at      timestamptz NOT NULL DEFAULT now(),
    adopted_at      timestamptz,
    day             date NOT NULL DEFAULT 'infinity',
    PRIMARY KEY (tenant, id)
);
CREATE INDEX recordings_connection ON dialfire.recordings USING hash (connection_id);
CREATE INDEX recordings_day ON dialfire.recordings (day, tenant);
COMMENT ON INDEX dialfire.recordings_day IS 'finds the recordings of the calls of a day';
COMMENT ON INDEX dialfire.recordings_connection IS 'finds the recordings of a leg';

CREATE TABLE dialfire.inbound_calls (
    tenant              text NOT NULL,
    id                  text NOT NULL,
    campaign_id         text NOT NULL,
    line_id             text,
    contact_id          text,
    task_id             text,
    task_name           text,
    user_id             text,
    remote_number       text,
    line_number         text,
    started             timestamptz NOT NULL,
    day                 date NOT NULL,
    connected           timestamptz,
    disconnected        timestamptz,
    state               text,
    disposition         text,
    connectable_time    text,
    dispatch_error      boolean,
    extra               jsonb,
    stored_at           timestamptz NOT NULL DEFAULT now(),
    changed_at          timestamptz NOT NULL DEFAULT now(),
    adopted_at          timestamptz,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX inbound_calls_day ON dialfire.inbound_calls (tenant, day);
COMMENT ON INDEX dialfire.inbound_calls_day IS 'finds the inbound calls of a day in the tenant''s time zone';

CREATE TABLE dialfire.call_details (
    tenant              text NOT NULL,
    id                  text NOT NULL,
    campaign_id         text NOT NULL,
    ended_reason        text,
    summary             text,
    transcript          text,
    messages            jsonb,
    analysis            jsonb,
    actions             jsonb,
    cost                numeric,
    cost_breakdown      jsonb,
    vendor_created_at   timestamptz,
    vendor_updated_at   timestamptz,
    extra               jsonb,
    stored_at           timestamptz NOT NULL DEFAULT now(),
    changed_at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, id)
);

CREATE TABLE dialfire.call_statuses (
    vendor          text NOT NULL,
    vendor_status   text NOT NULL,
    status          text NOT NULL CHECK (status IN ('queued', 'in_progress', 'completed', 'no_answer', 'busy',
                                                    'voicemail', 'abandoned', 'failed', 'canceled', 'unknown')),
    shipped         boolean NOT NULL DEFAULT false,
    tenant          text NOT NULL DEFAULT '',
    campaign_id     text NOT NULL DEFAULT '' CHECK (campaign_id = '' OR tenant <> ''),
    word            text NOT NULL GENERATED ALWAYS AS (lower(vendor_status)) STORED,
    PRIMARY KEY (vendor, word, tenant, campaign_id)
);

-- Only "connect" is documented as a result of a Dialfire connection; the others are the words of its dialler statistics
-- and their usual spellings. Whoever sees another word adds a row.
INSERT INTO dialfire.call_statuses (vendor, vendor_status, status, shipped) VALUES
    ('dialfire', 'connect',             'completed', true),
    ('dialfire', 'connected',           'completed', true),
    ('dialfire', 'transfer',            'completed', true),
    ('dialfire', 'norespons',           'no_answer', true),
    ('dialfire', 'norespon',            'no_answer', true),
    ('dialfire', 'noresponse',          'no_answer', true),
    ('dialfire', 'noanswer',            'no_answer', true),
    ('dialfire', 'no_answer',           'no_answer', true),
    ('dialfire', 'timeout',             'no_answer', true),
    ('dialfire', 'busy',                'busy',      true),
    ('dialfire', 'answeringmachine',    'voicemail', true),
    ('dialfire', 'answeringmachines',   'voicemail', true),
    ('dialfire', 'answering_machine',   'voicemail', true),
    ('dialfire', 'voicemail',           'voicemail', true),
    ('dialfire', 'abandoned',           'abandoned', true),
    ('dialfire', 'abandon',             'abandoned', true),
    ('dialfire', 'missed',              'abandoned', true),
    ('dialfire', 'invalid',             'failed',    true),
    ('dialfire', 'failed',              'failed',    true),
    ('dialfire', 'error',               'failed',    true),
    ('dialfire', 'rejected',            'failed',    true),
    ('dialfire', 'canceled',            'canceled',  true),
    ('dialfire', 'cancelled',           'canceled',  true),
    ('dialfire', '$canceled',           'canceled',  true),
    ('dialfire', '$wrong_number',       'failed',    true),
    ('dialfire', '$invalid_contact',    'failed',    true),
    ('dialfire', '$locked_number',      'failed',    true),
    ('dialfire', '$do_not_call',        'failed',    true),
    ('dialfire', '$error',              'failed',    true),
    ('dialfire', '$unavailable',        'no_answer', true),
    -- callStatus of a message; a call log has none of its own.
    ('highlevel', 'pending',            'queued',    true),
    ('highlevel', 'completed',          'completed', true),
    ('highlevel', 'answered',           'completed', true),
    ('highlevel', 'busy',               'busy',      true),
    ('highlevel', 'no-answer',          'no_answer', true),
    ('highlevel', 'failed',             'failed',    true),
    ('highlevel', 'canceled',           'canceled',  true),
    ('highlevel', 'voicemail',          'voicemail', true);

SELECT pg_catalog.pg_extension_config_dump('dialfire.campaigns', '');
SELECT pg_catalog.pg_extension_config_dump('dialfire.agents', '');
SELECT pg_catalog.pg_extension_config_dump('dialfire.contacts', '');
SELECT pg_catalog.pg_extension_config_dump('dialfire.transactions', '');
SELECT pg_catalog.pg_extension_config_dump('dialfire.connections', '');
SELECT pg_catalog.pg_extension_config_dump('dialfire.recordings', '');
SELECT pg_catalog.pg_extension_config_dump('dialfire.inbound_calls', '');
SELECT pg_catalog.pg_extension_config_dump('dialfire.call_details', '');
SELECT pg_catalog.pg_extension_config_dump('dialfire.call_statuses', 'WHERE NOT shipped');

SET LOCAL search_path = @extschema@, pg_temp;
