-- Tokens of vendors that give a new refresh token for every old one: the newest must outlive the transaction that got it.
SET LOCAL search_path = pg_catalog, pg_temp;

CREATE TABLE dialfire.oauth_tokens (
    tenant          text NOT NULL,
    fingerprint     text NOT NULL,
    refresh_token   text NOT NULL,
    access_token    text,
    expires_at      timestamptz,
    state           text NOT NULL DEFAULT 'rotating' CHECK (state IN ('good', 'rotating', 'lost')),
    message         text,
    changed_at      timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (tenant, fingerprint)
);
COMMENT ON TABLE dialfire.oauth_tokens IS 'what came of the refresh tokens of user mappings; nobody but the extension''s owner and superusers reads it';
COMMENT ON COLUMN dialfire.oauth_tokens.tenant IS 'name of the foreign server';
COMMENT ON COLUMN dialfire.oauth_tokens.fingerprint IS 'md5 of the refresh token in the user mapping from which all others came';
COMMENT ON COLUMN dialfire.oauth_tokens.refresh_token IS 'the newest, good for one more use';
COMMENT ON COLUMN dialfire.oauth_tokens.access_token IS 'the newest';
COMMENT ON COLUMN dialfire.oauth_tokens.expires_at IS 'end of the access token (UTC instant)';
COMMENT ON COLUMN dialfire.oauth_tokens.state IS 'good; rotating: the vendor was asked and its answer is not stored yet; lost: the app must be authorised again';
COMMENT ON COLUMN dialfire.oauth_tokens.message IS 'why the last rotation failed, without secrets';
COMMENT ON COLUMN dialfire.oauth_tokens.changed_at IS 'last changed (UTC instant)';
SELECT pg_catalog.pg_extension_config_dump('dialfire.oauth_tokens', '');

SET LOCAL search_path = @extschema@, pg_temp;
