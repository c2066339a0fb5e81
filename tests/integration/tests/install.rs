//! Who may write to the schema that the extension is installed into gets nothing of the administrator's rights.

use integration::tenant::{refusal, Tenant};
use postgres::Client;

/// A database without the extension, where PUBLIC may create in schema `trap`.
fn bare() -> (Tenant, Client) {
    let mut tenant = Tenant::at("http://127.0.0.1:1", "", "token 'abcdefgh'");
    tenant.exec("DROP EXTENSION dialfire_sync CASCADE; CREATE SCHEMA trap; GRANT ALL ON SCHEMA trap TO PUBLIC");
    let attacker = tenant.connect_as("attacker");
    (tenant, attacker)
}

/// All fit what the scripts write better than the server's own, which take any type or another number.
const TRAPS: &str = "
    CREATE FUNCTION trap.by(numeric, integer) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT 1::numeric';
    CREATE OPERATOR trap.* (LEFTARG = numeric, RIGHTARG = integer, FUNCTION = trap.by);
    CREATE OPERATOR trap./ (LEFTARG = numeric, RIGHTARG = integer, FUNCTION = trap.by);
    CREATE FUNCTION trap.by(numeric, bigint) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT 1::numeric';
    CREATE OPERATOR trap./ (LEFTARG = numeric, RIGHTARG = bigint, FUNCTION = trap.by);
    CREATE FUNCTION trap.format(text, name) RETURNS text LANGUAGE sql AS $$ SELECT 'DROP SCHEMA trap' $$;
    CREATE FUNCTION trap.format(text, text) RETURNS text LANGUAGE sql AS $$ SELECT 'DROP SCHEMA trap' $$;
    CREATE FUNCTION trap.to_jsonb(text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT '1'::jsonb $$;
    CREATE FUNCTION trap.concat_ws(text, text, text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'x' $$;
    CREATE FUNCTION trap.array_length(text[], integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT 1 $$;
    CREATE AGGREGATE trap.count(text) (SFUNC = int8inc_any, STYPE = bigint, INITCOND = '0');";

/// The extension's objects that use something of the attacker's.
const CAUGHT: &str = "
    SELECT coalesce(string_agg(DISTINCT pg_describe_object(d.classid, d.objid, 0), ', '), '') FROM pg_depend d
    WHERE d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass) AND d.deptype = 'n'
      AND d.classid NOT IN ('pg_proc'::regclass, 'pg_operator'::regclass)
      AND d.refobjid IN (SELECT p.oid FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner AND r.rolname LIKE '%\\_attacker'
          UNION ALL SELECT o.oid FROM pg_operator o JOIN pg_roles r ON r.oid = o.oprowner AND r.rolname LIKE '%\\_attacker')";

#[test]
fn an_installation_binds_nothing_that_lies_in_its_schema() {
    let (mut tenant, mut attacker) = bare();
    attacker.batch_execute(TRAPS).unwrap();
    // The attacker's words, run as the superuser: DROP SCHEMA.
    let old = refusal(&mut tenant.db, "CREATE EXTENSION dialfire_sync SCHEMA trap VERSION '0.1.0'");
    assert_eq!(old.code().code(), "2BP01", "the traps do not work: proves nothing: {old:?}");
    tenant.exec("CREATE EXTENSION dialfire_sync SCHEMA trap");
    assert_eq!(tenant.one::<String>(CAUGHT, &[]), "");
}

#[test]
fn an_update_binds_nothing_that_lies_in_its_schema() {
    let (mut tenant, mut attacker) = bare();
    tenant.exec("CREATE EXTENSION dialfire_sync SCHEMA trap VERSION '0.1.0'");
    attacker.batch_execute(TRAPS).unwrap();
    tenant.exec("ALTER EXTENSION dialfire_sync UPDATE");
    assert_eq!(tenant.one::<String>(CAUGHT, &[]), "");
}

#[test]
fn an_installation_and_an_update_take_over_nothing_that_somebody_else_made_under_their_names() {
    let (mut tenant, mut attacker) = bare();
    let mine = "CREATE FUNCTION trap.df_distribute(apply boolean) RETURNS text LANGUAGE sql AS $$ SELECT 'mine' $$";
    attacker.batch_execute(mine).unwrap();
    let error = refusal(&mut tenant.db, "CREATE EXTENSION dialfire_sync SCHEMA trap");
    assert_eq!(error.code().code(), "42723", "{error:?}");
    tenant.exec("CREATE EXTENSION dialfire_sync SCHEMA trap VERSION '0.1.0'");
    let error = refusal(&mut tenant.db, "ALTER EXTENSION dialfire_sync UPDATE");
    assert_eq!(error.code().code(), "42723", "{error:?}");
    attacker.batch_execute("DROP FUNCTION trap.df_distribute(boolean)").unwrap();
    tenant.exec("ALTER EXTENSION dialfire_sync UPDATE");
}
