-- Every option of a tenant: good values, bad values, and who may set it.
\pset format unaligned
\pset tuples_only on
SELECT option, place, COALESCE(vendor, 'all'), COALESCE(default_value, '(none)'), superuser_only FROM df_options();

CREATE TEMP TABLE tried (option text, value text, good boolean);
INSERT INTO tried VALUES
    ('timezone', 'Europe/Nicosia', true), ('timezone', 'UTC', true),
    ('timezone', 'Mars/Olympus', false), ('timezone', '+02:00', false), ('timezone', '', false),
    ('base_url', 'https://api.dialfire.com/api', true), ('base_url', 'https://api.dialfire.com', true),
    ('base_url', 'http://127.0.0.1:8080/api', true), ('base_url', 'http://localhost:8080', true),
    ('base_url', 'http://api.dialfire.com/api', false), ('base_url', 'ftp://api.dialfire.com', false),
    ('base_url', 'api.dialfire.com', false), ('base_url', 'https://', false), ('base_url', '', false),
    ('base_url', 'https://user:password@api.dialfire.com/api', false),
    ('base_url', 'https://api.dialfire.com/api?token=x', false),
    ('campaigns', 'AH668C20RFOZEJRC, UYS1HGDXUD9OK75Z', true), ('campaigns', ' ', false),
    ('start_date', '2026-11-01', true),
    ('start_date', '2026-02-30', false), ('start_date', '01.11.2026', false), ('start_date', 'yesterday', false),
    ('settle', '2 minutes', true), ('settle', '00:05', true),
    ('settle', '0 s', false), ('settle', '-1 s', false), ('settle', '2 days', false), ('settle', 'soon', false),
    ('look_back', '6 hours', true), ('look_back', '31 days', true), ('look_back', '0', false), ('look_back', '32 days', false),
    ('look_back', 'a while', false),
    ('notify', 'true', true), ('notify', 'false', true), ('notify', 'yes', false), ('notify', '', false),
    ('page_size', '1', true), ('page_size', '10000', true),
    ('page_size', '0', false), ('page_size', '10001', false), ('page_size', '1e3', false), ('page_size', '', false),
    ('batch', '1', true), ('batch', '100', true), ('batch', '0', false), ('batch', '101', false),
    ('concurrency', '1', true), ('concurrency', '32', true), ('concurrency', '0', false), ('concurrency', '33', false),
    ('max_requests_per_second', '0.5', true), ('max_requests_per_second', '1000', true),
    ('max_requests_per_second', '0', false), ('max_requests_per_second', 'NaN', false),
    ('max_requests_per_second', 'fast', false),
    ('connect_timeout', '10 s', true), ('connect_timeout', '0', false),
    ('request_timeout', '1 minute', true), ('request_timeout', '25 hours', false),
    ('attempts', '1', true), ('attempts', '20', true), ('attempts', '0', false), ('attempts', '21', false),
    ('wait_budget', '30 s', true), ('wait_budget', 'forever', false),
    ('max_body_mb', '1', true), ('max_body_mb', '1024', true), ('max_body_mb', '0', false), ('max_body_mb', '1.5', false),
    ('ca_file', '/etc/ssl/acme.pem', true), ('ca_file', 'acme.pem', false),
    ('proxy', 'http://proxy.example:3128', true), ('proxy', 'proxy.example:3128', false),
    ('proxy', 'http://user:password@proxy.example:3128', false),
    ('token', 'abc', true), ('token', '', false), ('token', 'abc def', false), ('token', E'abc\n', false),
    ('campaign_tokens', 'AH668C20RFOZEJRC=abc, UYS1HGDXUD9OK75Z=def', true),
    ('campaign_tokens', '{"AH668C20RFOZEJRC": "abc"}', true),
    ('campaign_tokens', 'abc', false), ('campaign_tokens', 'AH668C20RFOZEJRC=', false), ('campaign_tokens', '{}', false),
    ('count_agents', 'all', true), ('count_agents', 'some', false),
    ('calls_reset_at', '2026-01-01', true), ('calls_reset_at', '2026-01-01T00:00:00+02:00', true),
    ('calls_reset_at', '2026-01-01 00:00', false), ('calls_reset_at', 'January', false),
    ('client_id', 'app-1', true), ('client_id', ' ', false),
    ('client_secret', 'abc', true), ('client_secret', '', false),
    ('refresh_token', 'abc', true), ('refresh_token', 'a b', false),
    ('api_version', '2021-07-28', true), ('api_version', 'v3', true), ('api_version', 'v 3', false),
    ('conversations', 'false', true), ('conversations', 'no', false),
    ('daily_reserve', '0', true), ('daily_reserve', '200001', false),
    ('webhook_key', 'MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=', true),
    ('webhook_key', 'i2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=', false),
    ('proxy_auth', 'user:password', true), ('proxy_auth', '', false),
    ('schema', 'dialler', true), ('schema', ' ', false),
    ('token_vault', 'token of acme', true), ('token_vault', ' ', false),
    ('webhook_secret_vault', 'of webhooks', true), ('webhook_secret_vault', '', false),
    ('client_secret_vault', 'of the app', true), ('client_secret_vault', '', false),
    ('refresh_token_vault', 'refresh', true), ('refresh_token_vault', '', false),
    ('token_file', '/run/secrets/acme', true), ('token_file', 'acme', false);

-- Vendor and account go without saying in what follows, and are tried on their own below.
CREATE FUNCTION pg_temp.statement(option text, value text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE place
        WHEN 'server' THEN format('CREATE SERVER regress_new FOREIGN DATA WRAPPER dialfire_sync
                                   OPTIONS (vendor %L, account ''9c6d0163'', %I %L)',
                                  COALESCE(split_part(vendor, ', ', 1), 'dialfire'), $1, $2)
        ELSE format('CREATE USER MAPPING FOR PUBLIC SERVER regress_acme OPTIONS (%I %L)', $1, $2)
    END FROM df_options() o WHERE o.option = $1 LIMIT 1
$$;
-- No option is left out.
SELECT option FROM df_options()
WHERE option NOT IN ('vendor', 'account')
  AND (option NOT IN (SELECT option FROM tried WHERE good) OR option NOT IN (SELECT option FROM tried WHERE NOT good));
-- Good values: no row.
SELECT option, value, said
FROM tried, LATERAL (SELECT regress.try(pg_temp.statement(option, value)) AS said) s
WHERE good AND said <> '  accepted';
-- Bad values.
SELECT format('%s %L', option, value) || E'\n' || regress.try(pg_temp.statement(option, value)) FROM tried WHERE NOT good;

-- Vendor and account must be there.
SELECT options || E'\n' || regress.try('CREATE SERVER regress_new FOREIGN DATA WRAPPER dialfire_sync ' || options)
FROM (VALUES (''), ($$OPTIONS (vendor 'dialfire')$$), ($$OPTIONS (account '9c6d0163')$$),
             ($$OPTIONS (vendor 'dialfire', account '9c6d0163')$$),
             ($$OPTIONS (vendor 'dialfire', account '9c6d0163', daily_reserve '1')$$),
             ($$OPTIONS (vendor 'highlevel', account 'B7TzvBb6H6QvDNdEEhlt', batch '1')$$),
             ($$OPTIONS (vendor 'highlevel', account 'B7TzvBb6H6QvDNdEEhlt', page_size '51')$$),
             ($$OPTIONS (vendor 'vicidial', account '9c6d0163')$$), ($$OPTIONS (vendor 'fax', account '9c6d0163')$$), ($$OPTIONS (vendor '', account '9c6d0163')$$),
             ($$OPTIONS (vendor 'dialfire', account '')$$), ($$OPTIONS (vendor 'dialfire', account 'a/b')$$)) AS o(options);
SELECT regress.try($$ALTER SERVER regress_acme OPTIONS (DROP account)$$);
SELECT regress.try($$ALTER SERVER regress_acme OPTIONS (SET timezone 'Mars/Olympus')$$);

-- Unknown options, and options that stand in the wrong place: a secret on the server would be public.
SELECT statement || E'\n' || regress.try(statement)
FROM (VALUES ($$ALTER SERVER regress_acme OPTIONS (ADD colour 'red')$$),
             ($$ALTER SERVER regress_acme OPTIONS (ADD token 'abc')$$),
             ($$ALTER SERVER regress_acme OPTIONS (ADD campaign_tokens 'A=b')$$),
             ($$ALTER SERVER regress_acme OPTIONS (ADD proxy_auth 'user:password')$$),
             ($$ALTER USER MAPPING FOR CURRENT_USER SERVER regress_acme OPTIONS (ADD timezone 'UTC')$$),
             ($$ALTER FOREIGN DATA WRAPPER dialfire_sync OPTIONS (ADD timezone 'UTC')$$)) AS s(statement);

-- Files and hosts are for superusers.
SET ROLE regress_plain;
SELECT option || E'\n' || regress.try(statement)
FROM (VALUES ('ca_file', $$CREATE SERVER regress_new FOREIGN DATA WRAPPER dialfire_sync
                           OPTIONS (vendor 'dialfire', account 'a', ca_file '/etc/ssl/acme.pem')$$),
             ('proxy', $$CREATE SERVER regress_new FOREIGN DATA WRAPPER dialfire_sync
                         OPTIONS (vendor 'dialfire', account 'a', proxy 'http://proxy.example:3128')$$),
             ('none of them', $$CREATE SERVER regress_new FOREIGN DATA WRAPPER dialfire_sync
                                OPTIONS (vendor 'dialfire', account 'a')$$)) AS s(option, statement);
CREATE SERVER regress_own FOREIGN DATA WRAPPER dialfire_sync OPTIONS (vendor 'dialfire', account 'a');
SELECT regress.try($$CREATE USER MAPPING FOR CURRENT_USER SERVER regress_own OPTIONS (token_file '/etc/passwd')$$);
SELECT regress.try($$CREATE USER MAPPING FOR CURRENT_USER SERVER regress_own OPTIONS (token 'abc')$$);
-- A host that the superuser has not allowed is no use to them either.
SELECT regress.try($$SET dialfire_sync.allowed_hosts = '169.254.169.254'$$);
RESET ROLE;
DROP SERVER regress_own;
