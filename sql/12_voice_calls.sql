-- One row a call of a vendor whose unit is the call. A row is put together from polls and webhooks in any order.
-- Column names are those of crates/calls/src/vendor/vapi/call.rs; new ones are appended, as `seen` counts them.
SET LOCAL search_path = pg_catalog, pg_temp;

CREATE TABLE dialfire.voice_calls (
    tenant                  text NOT NULL,
    id                      text NOT NULL,
    org_id                  text,
    call_type               text,
    direction               text,
    vendor_status           text,
    ended_reason            text,
    ended_message           text,
    created_at              timestamptz,
    started_at              timestamptz,
    ended_at                timestamptz,
    updated_at              timestamptz,
    day                     date,
    cost                    numeric,
    cost_breakdown          jsonb,
    costs                   jsonb,
    provider                text,
    transport               text,
    provider_call_id        text,
    assistant_id            text,
    assistant_name          text,
    squad_id                text,
    workflow_id             text,
    campaign_id             text,
    phone_number_id         text,
    line_number             text,
    customer_id             text,
    customer_number         text,
    customer_e164           text,
    customer_name           text,
    customer_email          text,
    is_test                 boolean,
    name                    text,
    transferred_to          text,
    summary                 text,
    success_evaluation      text,
    structured_data         jsonb,
    analysis                jsonb,
    transcript              text,
    recording_url           text,
    stereo_recording_url    text,
    metadata                jsonb,
    variables               jsonb,
    tracked_outcome         text,
    seen                    bigint[] NOT NULL,
    asked_at                timestamptz,
    asked_result            text,
    search                  text GENERATED ALWAYS AS (
        lower(COALESCE(customer_name, '') || ' ' || COALESCE(assistant_name, '') || ' ' || COALESCE(customer_number, ''))
        || ' ' || regexp_replace(COALESCE(customer_e164, ''), '[^0-9]', '', 'g')
        || ' ' || regexp_replace(COALESCE(customer_number, ''), '[^0-9]', '', 'g')
    ) STORED,
    stored_at               timestamptz NOT NULL DEFAULT now(),
    changed_at              timestamptz NOT NULL DEFAULT now(),
    gone_at                 timestamptz,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX voice_calls_day ON dialfire.voice_calls (tenant, day);
CREATE INDEX voice_calls_created ON dialfire.voice_calls (tenant, created_at)
    INCLUDE (vendor_status, ended_reason, tracked_outcome, direction, is_test, started_at, ended_at, cost, gone_at);
CREATE INDEX voice_calls_customer ON dialfire.voice_calls (tenant, customer_e164, created_at);
CREATE INDEX voice_calls_open ON dialfire.voice_calls (tenant, created_at)
    WHERE vendor_status IS NULL OR vendor_status NOT IN ('ended', 'deletion-failed');
COMMENT ON INDEX dialfire.voice_calls_day IS 'finds the calls of a day in the tenant''s time zone';
COMMENT ON INDEX dialfire.voice_calls_created IS 'finds the newest calls, and counts those of a range by itself';
COMMENT ON INDEX dialfire.voice_calls_customer IS 'finds the calls of one number';
COMMENT ON INDEX dialfire.voice_calls_open IS 'finds calls that have not ended, and those that never will';
COMMENT ON TABLE dialfire.voice_calls IS 'calls of voice agents, one row a call from queued on, put together from polls, webhooks and attempts of one''s own';
COMMENT ON COLUMN dialfire.voice_calls.tenant IS 'name of the foreign server';
COMMENT ON COLUMN dialfire.voice_calls.id IS 'the vendor''s id of the call';
COMMENT ON COLUMN dialfire.voice_calls.org_id IS 'orgId: the organisation';
COMMENT ON COLUMN dialfire.voice_calls.call_type IS 'type: inboundPhoneCall, outboundPhoneCall, webCall, vapi.websocketCall';
COMMENT ON COLUMN dialfire.voice_calls.direction IS 'inbound, outbound or web';
COMMENT ON COLUMN dialfire.voice_calls.vendor_status IS 'status: scheduled, queued, ringing, in-progress, forwarding, ended; never goes back';
COMMENT ON COLUMN dialfire.voice_calls.ended_reason IS 'endedReason: why it ended; call_statuses says what that means';
COMMENT ON COLUMN dialfire.voice_calls.ended_message IS 'endedMessage: more about the reason';
COMMENT ON COLUMN dialfire.voice_calls.created_at IS 'createdAt (UTC instant); decides window and day';
COMMENT ON COLUMN dialfire.voice_calls.started_at IS 'startedAt: answered (UTC instant)';
COMMENT ON COLUMN dialfire.voice_calls.ended_at IS 'endedAt (UTC instant)';
COMMENT ON COLUMN dialfire.voice_calls.updated_at IS 'updatedAt: changed at the vendor (UTC instant)';
COMMENT ON COLUMN dialfire.voice_calls.day IS 'day of created_at in the tenant''s time zone';
COMMENT ON COLUMN dialfire.voice_calls.cost IS 'cost, US dollars, with all digits; the parts do not add up to it';
COMMENT ON COLUMN dialfire.voice_calls.cost_breakdown IS 'costBreakdown: cost by component (US dollars), tokens and characters';
COMMENT ON COLUMN dialfire.voice_calls.costs IS 'costs: every single cost (US dollars) with its minutes and tokens';
COMMENT ON COLUMN dialfire.voice_calls.provider IS 'phoneCallProvider: twilio, vonage, vapi, telnyx';
COMMENT ON COLUMN dialfire.voice_calls.transport IS 'phoneCallTransport: pstn or sip';
COMMENT ON COLUMN dialfire.voice_calls.provider_call_id IS 'phoneCallProviderId: id of the call at the carrier, such as Twilio''s CallSid';
COMMENT ON COLUMN dialfire.voice_calls.assistant_id IS 'assistantId';
COMMENT ON COLUMN dialfire.voice_calls.assistant_name IS 'name of the assistant, where the call itself tells; else see agents';
COMMENT ON COLUMN dialfire.voice_calls.squad_id IS 'squadId';
COMMENT ON COLUMN dialfire.voice_calls.workflow_id IS 'workflowId';
COMMENT ON COLUMN dialfire.voice_calls.campaign_id IS 'campaignId';
COMMENT ON COLUMN dialfire.voice_calls.phone_number_id IS 'phoneNumberId: the line of our own';
COMMENT ON COLUMN dialfire.voice_calls.line_number IS 'number of that line, where the call itself tells; else see phone_numbers';
COMMENT ON COLUMN dialfire.voice_calls.customer_id IS 'customerId';
COMMENT ON COLUMN dialfire.voice_calls.customer_number IS 'number of the other side, as delivered, or its SIP address';
COMMENT ON COLUMN dialfire.voice_calls.customer_e164 IS 'that number as E.164 with +; null where it is none';
COMMENT ON COLUMN dialfire.voice_calls.customer_name IS 'name of the other side';
COMMENT ON COLUMN dialfire.voice_calls.customer_email IS 'mail address of the other side';
COMMENT ON COLUMN dialfire.voice_calls.is_test IS 'true for a webCall, and where metadata or variables say is_test_call';
COMMENT ON COLUMN dialfire.voice_calls.name IS 'name of the call, for one''s own reference';
COMMENT ON COLUMN dialfire.voice_calls.transferred_to IS 'number or SIP address of the destination that the call was transferred to';
COMMENT ON COLUMN dialfire.voice_calls.summary IS 'analysis.summary';
COMMENT ON COLUMN dialfire.voice_calls.success_evaluation IS 'analysis.successEvaluation: true, false or a value of the rubric';
COMMENT ON COLUMN dialfire.voice_calls.structured_data IS 'analysis.structuredData';
COMMENT ON COLUMN dialfire.voice_calls.analysis IS 'analysis as a whole';
COMMENT ON COLUMN dialfire.voice_calls.transcript IS 'artifact.transcript';
COMMENT ON COLUMN dialfire.voice_calls.recording_url IS 'address of the recording, without its query; a presigned one is not stored';
COMMENT ON COLUMN dialfire.voice_calls.stereo_recording_url IS 'address of the stereo recording, without its query';
COMMENT ON COLUMN dialfire.voice_calls.metadata IS 'metadata of the call or assistant, without what opens something';
COMMENT ON COLUMN dialfire.voice_calls.variables IS 'assistantOverrides.variableValues, without what opens something';
COMMENT ON COLUMN dialfire.voice_calls.tracked_outcome IS 'outcome in the table of df_import_tracking; counts only while the vendor says nothing';
COMMENT ON COLUMN dialfire.voice_calls.seen IS 'how new each column is, in their order: twice the vendor''s milliseconds since 1970, one more for a poll; for vendor_status its rank';
COMMENT ON COLUMN dialfire.voice_calls.asked_at IS 'when the vendor was last asked why the call does not end (UTC instant)';
COMMENT ON COLUMN dialfire.voice_calls.asked_result IS 'what it answered';
COMMENT ON COLUMN dialfire.voice_calls.search IS 'names in lower case and digits of numbers, for the search of df_dashboard_calls';
COMMENT ON COLUMN dialfire.voice_calls.stored_at IS 'first stored (UTC instant)';
COMMENT ON COLUMN dialfire.voice_calls.changed_at IS 'last changed here (UTC instant)';
COMMENT ON COLUMN dialfire.voice_calls.gone_at IS 'when df_repair was told by the vendor that it has no such call any more (UTC instant); it stays, and does not count';

CREATE TABLE dialfire.phone_numbers (
    tenant          text NOT NULL,
    id              text NOT NULL,
    number          text,
    e164            text,
    name            text,
    provider        text,
    status          text,
    assistant_id    text,
    stored_at       timestamptz NOT NULL DEFAULT now(),
    changed_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, id)
);
COMMENT ON TABLE dialfire.phone_numbers IS 'phone lines of a tenant''s own; credentials are not stored';
COMMENT ON COLUMN dialfire.phone_numbers.tenant IS 'name of the foreign server';
COMMENT ON COLUMN dialfire.phone_numbers.id IS 'the vendor''s id of the line';
COMMENT ON COLUMN dialfire.phone_numbers.number IS 'its number as delivered, or its SIP address';
COMMENT ON COLUMN dialfire.phone_numbers.e164 IS 'its number as E.164 with +';
COMMENT ON COLUMN dialfire.phone_numbers.name IS 'the vendor''s name of the line';
COMMENT ON COLUMN dialfire.phone_numbers.provider IS 'carrier: twilio, vonage, vapi, telnyx, byo-phone-number';
COMMENT ON COLUMN dialfire.phone_numbers.status IS 'the vendor''s status of the line';
COMMENT ON COLUMN dialfire.phone_numbers.assistant_id IS 'assistant that answers there';
COMMENT ON COLUMN dialfire.phone_numbers.stored_at IS 'first stored (UTC instant)';
COMMENT ON COLUMN dialfire.phone_numbers.changed_at IS 'last changed here (UTC instant)';

CREATE TABLE dialfire.marks (
    tenant      text NOT NULL,
    source      text NOT NULL,
    mark        timestamptz NOT NULL,
    followed_at timestamptz NOT NULL DEFAULT '-infinity',
    changed_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, source)
);
COMMENT ON TABLE dialfire.marks IS 'how far the changes of calls at the vendor have been followed; moves only after a walk that was whole';
COMMENT ON COLUMN dialfire.marks.tenant IS 'name of the foreign server';
COMMENT ON COLUMN dialfire.marks.source IS 'unit of fetching: a Vapi organisation';
COMMENT ON COLUMN dialfire.marks.mark IS 'every change up to here is stored (UTC instant, the vendor''s clock)';
COMMENT ON COLUMN dialfire.marks.followed_at IS 'when the mark last moved (UTC instant)';
COMMENT ON COLUMN dialfire.marks.changed_at IS 'last changed (UTC instant)';

CREATE INDEX contacts_phone ON dialfire.contacts (tenant, phone, id);
COMMENT ON INDEX dialfire.contacts_phone IS 'finds the contact of a number';

SELECT pg_catalog.pg_extension_config_dump('dialfire.voice_calls', '');
SELECT pg_catalog.pg_extension_config_dump('dialfire.phone_numbers', '');
SELECT pg_catalog.pg_extension_config_dump('dialfire.marks', '');

SET LOCAL search_path = @extschema@, pg_temp;
