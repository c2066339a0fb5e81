-- What Vapi's words mean: every one of its 595 reasons, beginnings, and what nobody knows.
\pset format unaligned
\pset tuples_only on
SELECT status, count(*), md5(string_agg(vendor_status, ',' ORDER BY vendor_status COLLATE "C"))
FROM dialfire.call_statuses
WHERE vendor = 'vapi' AND vendor_status NOT LIKE '%*'
  AND vendor_status NOT IN ('scheduled', 'queued', 'ringing', 'in-progress', 'forwarding', 'ended', 'not-found', 'deletion-failed',
                            'initiated', 'pending', 'completed', 'answered', 'no-answer', 'no_answer', 'busy', 'failed', 'error',
                            'canceled', 'cancelled')
GROUP BY 1 ORDER BY 1;
SELECT status, string_agg(vendor_status, ', ' ORDER BY vendor_status COLLATE "C") FROM dialfire.call_statuses
WHERE vendor = 'vapi' AND status <> 'failed' GROUP BY 1 ORDER BY 1;
SELECT status, vendor_status FROM dialfire.call_statuses WHERE vendor = 'vapi' AND vendor_status LIKE '%*' ORDER BY vendor_status COLLATE "C";
SELECT word, dialfire.status_of('vapi', word) FROM unnest(ARRAY['Customer-Busy', 'pipeline-no-available-llm-model',
    'call.start.error-get-org', 'call.in-progress.error-vapifault-of-tomorrow', 'database-error', 'customer-was-bored', '',
    'call.in-progress.error-providerfault-outbound-sip-408-request-timeout']) AS word;
-- A rule with a path that is none is refused when it is written.
SELECT regress.try($$SELECT df_alert_rule('regress_acme', 'hot', '$.a >=')$$);
SELECT regress.try($$SELECT df_alert_rule('regress_acme', 'hot', 'SELECT 1')$$);
SELECT regress.try($$SELECT df_alert_rule('regress_acme', 'hot', '$.analysis.structuredData.leadScore >= 70')$$);
-- What a payload becomes.
SELECT kind, id, jsonb_pretty(jsonb_strip_nulls(record)), reason, field, detail FROM df_normalize('vapi', '[
    {"id": "c1", "createdAt": "2026-11-05T23:30:00.000Z", "type": "inboundPhoneCall", "status": "in-progress",
     "customer": {"number": "+1 (415) 555-2671", "name": "Maria Lopez"}, "assistant": {"name": "Anna", "model": {}}},
    {"message": {"type": "status-update", "status": "ended", "endedReason": "customer-busy", "timestamp": 1762380000000,
     "call": {"id": "c2", "createdAt": "2025-11-05T22:00:00.000Z", "updatedAt": "2025-11-05T22:00:00.000Z", "status": "queued"}}},
    {"message": {"type": "call.started", "call": {"id": "c3"}}},
    {"message": {"type": "end-of-call-report", "endedReason": "voicemail"}},
    {"id": "c4"}, 7]', 'Europe/Nicosia');
