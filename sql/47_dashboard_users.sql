-- Who is signed in to the dashboard, and as which role.
SET LOCAL search_path = pg_catalog, pg_temp;

CREATE TABLE dialfire.dashboard_users (
    name            text PRIMARY KEY CHECK (name <> ''),
    role            text NOT NULL,
    password_hash   text CHECK (password_hash LIKE '$argon2%'),
    failures        integer NOT NULL DEFAULT 0,
    failed_at       timestamptz
);
COMMENT ON TABLE dialfire.dashboard_users IS 'people who may sign in to the dashboard, made by df_dashboard_user; each sees what a database role sees. User webhooks is whom deliveries of vendors are taken as';
COMMENT ON COLUMN dialfire.dashboard_users.name IS 'what is typed at sign-in, or the claim email of a single sign-on';
COMMENT ON COLUMN dialfire.dashboard_users.role IS 'database role whose rights count';
COMMENT ON COLUMN dialfire.dashboard_users.password_hash IS 'Argon2 hash; null: no password opens it';
COMMENT ON COLUMN dialfire.dashboard_users.failures IS 'sign-ins tried since the last that succeeded; after ten there is a quarter of an hour''s rest';
COMMENT ON COLUMN dialfire.dashboard_users.failed_at IS 'the last of them (UTC instant)';
SELECT pg_catalog.pg_extension_config_dump('dialfire.dashboard_users', '');

CREATE TABLE dialfire.dashboard_sessions (
    token_hash  bytea PRIMARY KEY,
    name        text NOT NULL REFERENCES dialfire.dashboard_users ON DELETE CASCADE,
    kind        text NOT NULL CHECK (kind IN ('browser', 'api')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL
);
COMMENT ON TABLE dialfire.dashboard_sessions IS 'who is signed in; the token itself is stored nowhere';
COMMENT ON COLUMN dialfire.dashboard_sessions.token_hash IS 'SHA-256 of the token';
COMMENT ON COLUMN dialfire.dashboard_sessions.name IS 'who';
COMMENT ON COLUMN dialfire.dashboard_sessions.kind IS 'browser (a cookie) or api (a bearer token, which opens no page)';
COMMENT ON COLUMN dialfire.dashboard_sessions.created_at IS 'signed in (UTC instant)';
COMMENT ON COLUMN dialfire.dashboard_sessions.expires_at IS 'ends (UTC instant)';

ALTER TABLE dialfire.dashboard_users ENABLE ROW LEVEL SECURITY;
ALTER TABLE dialfire.dashboard_sessions ENABLE ROW LEVEL SECURITY;
CREATE POLICY nobody ON dialfire.dashboard_users FOR SELECT USING (false);
CREATE POLICY nobody ON dialfire.dashboard_sessions FOR SELECT USING (false);
COMMENT ON POLICY nobody ON dialfire.dashboard_users IS 'read by the extension''s owner and superusers only';
COMMENT ON POLICY nobody ON dialfire.dashboard_sessions IS 'read by the extension''s owner and superusers only';

CREATE FUNCTION dialfire.token_hash(token text) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT sha256(convert_to($1, 'UTF8'))
$$;
COMMENT ON FUNCTION dialfire.token_hash(text) IS 'what is stored of a token';

CREATE FUNCTION dialfire.csrf_token(token text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT encode(sha256(convert_to('csrf ' || $1, 'UTF8')), 'hex')
$$;
COMMENT ON FUNCTION dialfire.csrf_token(text) IS 'what a form must bring back, so that it was this dashboard''s own; made from the session''s token, and not the other way round';

CREATE FUNCTION dialfire.dashboard_session(token text, kind text)
RETURNS TABLE (name text, role text, expires_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT u.name, u.role, s.expires_at
    FROM dialfire.dashboard_sessions s JOIN dialfire.dashboard_users u ON u.name = s.name
    WHERE s.token_hash = dialfire.token_hash($1) AND s.kind = $2 AND s.expires_at > now()
$$;
COMMENT ON FUNCTION dialfire.dashboard_session(text, text) IS 'whose token it is, and the role that he is; no row where it is nobody''s';

CREATE FUNCTION dialfire.dashboard_password(name text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known dialfire.dashboard_users;
BEGIN
    UPDATE dialfire.dashboard_users u
    SET failures = CASE WHEN u.failed_at < now() - interval '15 minutes' THEN 1 ELSE least(u.failures + 1, 1000) END,
        failed_at = CASE WHEN u.failures > 10 AND u.failed_at > now() - interval '15 minutes' THEN u.failed_at ELSE now() END
    WHERE u.name = $1 RETURNING u.* INTO known;
    IF known.failures <= 10 AND known.password_hash IS NOT NULL THEN
        RETURN known.password_hash;
    END IF;
    -- As costly to compare as any other, so that the time does not tell who is known; it is of no password.
    RETURN '$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ib2R5$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
END
$$;
COMMENT ON FUNCTION dialfire.dashboard_password(text) IS 'the hash to compare a password with; counts the try. Who is unknown or has failed ten times in a quarter of an hour gets one that fits no password';

CREATE FUNCTION dialfire.dashboard_open(name text, token text) RETURNS timestamptz
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM dialfire.dashboard_sessions s WHERE s.expires_at < now();
    UPDATE dialfire.dashboard_users u SET failures = 0 WHERE u.name = $1;
    INSERT INTO dialfire.dashboard_sessions AS s (token_hash, name, kind, expires_at)
    SELECT dialfire.token_hash($2), u.name, 'browser', now() + interval '12 hours'
    FROM dialfire.dashboard_users u WHERE u.name = $1 AND u.name <> 'webhooks' AND length($2) >= 32
    RETURNING s.expires_at
$$;
COMMENT ON FUNCTION dialfire.dashboard_open(text, text) IS 'signs in whose password has been compared, for 12 hours; null for the unknown';

CREATE FUNCTION dialfire.dashboard_close(token text) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH gone AS (DELETE FROM dialfire.dashboard_sessions s WHERE s.token_hash = dialfire.token_hash($1) RETURNING 1)
    SELECT EXISTS (SELECT FROM gone)
$$;
COMMENT ON FUNCTION dialfire.dashboard_close(text) IS 'signs out; false where nobody was signed in';

CREATE FUNCTION dialfire.webhook_role() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT u.role FROM dialfire.dashboard_users u WHERE u.name = 'webhooks'
$$;
COMMENT ON FUNCTION dialfire.webhook_role() IS 'the role that takes deliveries of vendors; null where none does';

CREATE FUNCTION dialfire.dashboard_problems() RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT COALESCE(array_agg(problem), '{}') FROM (
        SELECT 'the scheduler does not run: SELECT df_start_worker(), and put dialfire_sync into shared_preload_libraries' AS problem
        WHERE dialfire.scheduler_pid() IS NULL
          AND EXISTS (SELECT FROM dialfire.schedules WHERE enabled AND next_run < now() - greatest(every, interval '1 minute'))
        UNION ALL
        SELECT 'the server is a standby, which takes neither actions nor deliveries' WHERE pg_is_in_recovery()
    ) p
$$;
COMMENT ON FUNCTION dialfire.dashboard_problems() IS 'what keeps the dashboard from being right; empty where nothing does';

DO $$
DECLARE
    broker regprocedure;
BEGIN
    FOREACH broker IN ARRAY ARRAY['dialfire.dashboard_session(text, text)', 'dialfire.dashboard_password(text)',
        'dialfire.dashboard_open(text, text)', 'dialfire.dashboard_close(text)', 'dialfire.webhook_role()',
        'dialfire.dashboard_problems()']::regprocedure[]
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', broker);
    END LOOP;
END
$$;

CREATE PROCEDURE @extschema@.df_dashboard_login(login regrole)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE oid = login AND (rolsuper OR rolbypassrls OR rolinherit)) THEN
        RAISE EXCEPTION 'role % would see more than who is signed in', login USING ERRCODE = 'invalid_grant_operation',
            DETAIL = 'the dashboard connects as this role and changes to that of the user; what it may do by itself, everybody may',
            HINT = format('ALTER ROLE %s NOSUPERUSER NOBYPASSRLS NOINHERIT', login);
    END IF;
    EXECUTE format('GRANT EXECUTE ON FUNCTION dialfire.dashboard_session(text, text), dialfire.dashboard_password(text),
        dialfire.dashboard_open(text, text), dialfire.dashboard_close(text), dialfire.webhook_role(),
        dialfire.dashboard_problems() TO %s', login);
END
$$;
COMMENT ON PROCEDURE @extschema@.df_dashboard_login(regrole) IS
    'makes a role the one as which the dashboard connects: it may look up sessions, and be the users'' roles. Error 0LP01 for a role that inherits or bypasses rights; for the owner of the extension';

CREATE PROCEDURE @extschema@.df_dashboard_user(name text, role regrole, password_hash text, login regrole)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE oid = role AND (rolsuper OR rolbypassrls)) THEN
        RAISE EXCEPTION 'role % sees every tenant', role USING ERRCODE = 'invalid_grant_operation',
            DETAIL = 'row security does not hold for superusers and roles with BYPASSRLS',
            HINT = format('CREATE ROLE %I; CALL df_grant(tenant, %L)', name, name);
    END IF;
    EXECUTE format('GRANT %s TO %s', role, login);
    INSERT INTO dialfire.dashboard_users AS u (name, role, password_hash)
    SELECT $1, r.rolname, $3 FROM pg_roles r WHERE r.oid = $2
    ON CONFLICT ON CONSTRAINT dashboard_users_pkey DO UPDATE
    SET role = EXCLUDED.role, password_hash = EXCLUDED.password_hash, failures = 0
    WHERE (u.role, u.password_hash) IS DISTINCT FROM (EXCLUDED.role, EXCLUDED.password_hash);
    IF FOUND THEN
        DELETE FROM dialfire.dashboard_sessions s WHERE s.name = $1 AND s.kind = 'browser';
    END IF;
END
$$;
COMMENT ON PROCEDURE @extschema@.df_dashboard_user(text, regrole, text, regrole) IS
    'lets somebody sign in to the dashboard and be a role there; password_hash (Argon2) null for single sign-on only, and for user webhooks, whom deliveries are taken as. A change signs him out. Error 0LP01 for a role that row security does not hold; for the owner of the extension';

CREATE FUNCTION @extschema@.df_dashboard_token(name text, valid interval DEFAULT '90 days') RETURNS text
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    WITH made AS MATERIALIZED (
        SELECT replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '') AS token
    ), stored AS (
        INSERT INTO dialfire.dashboard_sessions (token_hash, name, kind, expires_at)
        SELECT dialfire.token_hash(token), $1, 'api', now() + $2 FROM made RETURNING 1
    )
    SELECT token FROM made, stored
$$;
COMMENT ON FUNCTION @extschema@.df_dashboard_token(text, interval) IS
    'a bearer token with which a program reads the dashboard''s API as a user of it; shown this once. For the owner of the extension';
REVOKE ALL ON PROCEDURE @extschema@.df_dashboard_login(regrole) FROM PUBLIC;
REVOKE ALL ON PROCEDURE @extschema@.df_dashboard_user(text, regrole, text, regrole) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.df_dashboard_token(text, interval) FROM PUBLIC;

SET LOCAL search_path = @extschema@, pg_temp;
