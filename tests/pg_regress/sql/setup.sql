-- What every file here relies on: the extension, a role without rights, and helpers that show errors in full.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS dialfire_sync;
CREATE ROLE regress_plain;
GRANT USAGE ON FOREIGN DATA WRAPPER dialfire_sync TO regress_plain;
-- Nobody listens there: a test that reached its vendor would say so.
CREATE SERVER regress_acme FOREIGN DATA WRAPPER dialfire_sync
    OPTIONS (vendor 'dialfire', account '9c6d0163', timezone 'Europe/Nicosia', base_url 'http://127.0.0.1:1/api',
             attempts '1');
CREATE USER MAPPING FOR CURRENT_USER SERVER regress_acme OPTIONS (token 'regress-secret');

CREATE SCHEMA regress;
GRANT USAGE ON SCHEMA regress TO PUBLIC;
-- What a statement says when it is refused. Nothing that it does remains.
CREATE FUNCTION regress.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    code text;
    message text;
    detail text;
    hint text;
BEGIN
    BEGIN
        EXECUTE statement;
        RAISE EXCEPTION USING ERRCODE = 'ZZ000';
    EXCEPTION
        WHEN SQLSTATE 'ZZ000' THEN
            RETURN '  accepted';
        WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
                                    hint = PG_EXCEPTION_HINT;
    END;
    RETURN format('  %s: %s', code, message)
        || COALESCE(E'\n    detail: ' || NULLIF(detail, ''), '')
        || COALESCE(E'\n    hint: ' || NULLIF(hint, ''), '');
END
$$;
