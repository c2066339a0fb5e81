-- VICIdial: the codes with which its calls end, as the dialler defines them, and what they mean here.
SET LOCAL search_path = pg_catalog, pg_temp;

CREATE TABLE dialfire.dispositions (
    tenant              text NOT NULL,
    id                  text NOT NULL,
    campaign_id         text NOT NULL,
    code                text NOT NULL,
    title               text,
    category            text,
    selectable          boolean,
    human_answered      boolean,
    sale                boolean,
    dnc                 boolean,
    customer_contact    boolean,
    not_interested      boolean,
    unworkable          boolean,
    scheduled_callback  boolean,
    completed           boolean,
    answering_machine   boolean,
    min_sec             bigint,
    max_sec             bigint,
    stored_at           timestamptz NOT NULL DEFAULT now(),
    changed_at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, id)
);
COMMENT ON TABLE dialfire.dispositions IS 'codes with which calls end, with the flags that the dialler''s managers have set; call_statuses says what a code means for the status of a call';
COMMENT ON COLUMN dialfire.dispositions.tenant IS 'name of the foreign server';
COMMENT ON COLUMN dialfire.dispositions.id IS 'campaign and code: CAMPAIGN/CODE, /CODE for the system''s';
COMMENT ON COLUMN dialfire.dispositions.campaign_id IS 'campaign that defines it; empty for the system''s';
COMMENT ON COLUMN dialfire.dispositions.code IS 'the vendor''s status: SALE, NA, DROP, …';
COMMENT ON COLUMN dialfire.dispositions.title IS 'the vendor''s status_name';
COMMENT ON COLUMN dialfire.dispositions.category IS 'the vendor''s category';
COMMENT ON COLUMN dialfire.dispositions.selectable IS 'agents can choose it';
COMMENT ON COLUMN dialfire.dispositions.human_answered IS 'flag human_answered; the vendor sets it for many drops too';
COMMENT ON COLUMN dialfire.dispositions.sale IS 'flag sale: its calls count as conversions, transactions.status success';
COMMENT ON COLUMN dialfire.dispositions.dnc IS 'flag dnc: not to be called again';
COMMENT ON COLUMN dialfire.dispositions.customer_contact IS 'flag customer_contact';
COMMENT ON COLUMN dialfire.dispositions.not_interested IS 'flag not_interested';
COMMENT ON COLUMN dialfire.dispositions.unworkable IS 'flag unworkable';
COMMENT ON COLUMN dialfire.dispositions.scheduled_callback IS 'flag scheduled_callback';
COMMENT ON COLUMN dialfire.dispositions.completed IS 'flag completed: the lead is done';
COMMENT ON COLUMN dialfire.dispositions.answering_machine IS 'flag answering_machine; not set for every code of a machine';
COMMENT ON COLUMN dialfire.dispositions.min_sec IS 'shortest call that may get it, seconds';
COMMENT ON COLUMN dialfire.dispositions.max_sec IS 'longest call that may get it, seconds';
COMMENT ON COLUMN dialfire.dispositions.stored_at IS 'first stored (UTC instant)';
COMMENT ON COLUMN dialfire.dispositions.changed_at IS 'last changed here (UTC instant)';
SELECT pg_catalog.pg_extension_config_dump('dialfire.dispositions', '');

-- By what the codes mean in the dialler's own code. Flags alone would not do: they are set for drops as for people.
INSERT INTO dialfire.call_statuses (vendor, vendor_status, status, shipped)
SELECT 'vicidial', code, means.status, true
FROM (VALUES
    ('completed',   'SALE NI NP DEC CALLBK CBHOLD XFER DNC ERI DONEM PM SVYEXT SVYHU SVYREC SVYVM SVYCLM'),
    ('voicemail',   'A AA AM AL AMDXFR VM'),
    ('busy',        'B AB CPDB'),
    ('no_answer',   'N NA CPDNA'),
    ('failed',      'DC ADC ADCT ADCCAR DNCL DNCC DNCCAR AFAX LRERR CPDATB CPDREJ CPDINV CPDSUA CPDSI CPDSNC CPDSR CPDSUK '
                    'CPDSV CPDUK CPDERR'),
    ('abandoned',   'DROP PDROP XDROP TIMEOT AFTHRS NANQUE IQNANQ MAXCAL CLOSOP'),
    ('in_progress', 'PU INCALL QUEUE DISPO NEW INBND')
) AS means(status, codes), unnest(string_to_array(codes, ' ')) AS code
UNION ALL
-- A hang-up cause of the carrier's, with its number.
SELECT 'vicidial', 'HUC' || cause, 'failed', true FROM generate_series(0, 127) AS cause;

SET LOCAL search_path = @extschema@, pg_temp;
