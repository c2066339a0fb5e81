-- The definitions that df_harden_view replaced.
SET LOCAL search_path = pg_catalog, pg_temp;

CREATE TABLE dialfire.hardened_views (
    view            text PRIMARY KEY,
    hardened_at     timestamptz NOT NULL DEFAULT now(),
    hardened_by     text NOT NULL,
    changes         text[] NOT NULL,
    old_statement   text NOT NULL,
    old_definition  text NOT NULL,
    old_tree        text NOT NULL,
    old_version     integer NOT NULL,
    new_definition  text NOT NULL
);
COMMENT ON TABLE dialfire.hardened_views IS 'views that df_harden_view has replaced, with the definition that df_unharden_view restores';
COMMENT ON COLUMN dialfire.hardened_views.view IS 'schema and name of the view, quoted as SQL needs it';
COMMENT ON COLUMN dialfire.hardened_views.hardened_at IS 'when it was last hardened (UTC instant)';
COMMENT ON COLUMN dialfire.hardened_views.hardened_by IS 'role that did it';
COMMENT ON COLUMN dialfire.hardened_views.changes IS 'what was changed, in words';
COMMENT ON COLUMN dialfire.hardened_views.old_statement IS 'CREATE OR REPLACE VIEW as it was before it was first hardened, options included';
COMMENT ON COLUMN dialfire.hardened_views.old_definition IS 'the SELECT of it, as pg_get_viewdef printed it';
COMMENT ON COLUMN dialfire.hardened_views.old_tree IS 'its query tree, as pg_rewrite kept it: what Postgres prints, it may print otherwise once it has read that';
COMMENT ON COLUMN dialfire.hardened_views.old_version IS 'major version of Postgres that wrote old_tree; only that one reads it';
COMMENT ON COLUMN dialfire.hardened_views.new_definition IS 'the SELECT that took its place; where the view has another by now, df_unharden_view leaves it alone';
SELECT pg_catalog.pg_extension_config_dump('dialfire.hardened_views', '');

SET LOCAL search_path = @extschema@, pg_temp;
