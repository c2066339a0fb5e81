//! Secrets that Supabase Vault keeps: the user mapping holds only their names.

use calls::secret::Secret;
use pgrx::pg_sys;
use pgrx::prelude::*;
use pgrx::spi::quote_identifier;

use crate::error::Failure;
use crate::pg::role::AsOwner;

/// Where Vault shows its secrets, and whether somebody may look there.
struct Place {
    schema: String,
    is_open: bool,
}

/// The secret of that name, read with the rights of `caller`: a mapping can name no secret that its user could not read.
pub fn read(tenant: &str, option: &str, name: &str, caller: pg_sys::Oid, role: &str) -> Result<Secret, Failure> {
    let broken = |code, why: String, hint: String| Failure::Vault {
        tenant: tenant.to_owned(),
        option: option.to_owned(),
        code,
        why,
        hint,
    };
    let Some(Place { schema, is_open }) = find(caller)? else {
        return Err(broken(
            PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
            "Extension supabase_vault is not created in this database.".to_owned(),
            format!("CREATE EXTENSION supabase_vault, or put the secret into option {}.", option.replace("_vault", "")),
        ));
    };
    if !is_open {
        return Err(broken(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("Role \"{role}\" may not read the secrets of Vault."),
            format!(
                "GRANT USAGE ON SCHEMA {schema} TO {to}; GRANT SELECT ON {schema}.decrypted_secrets TO {to}; GRANT EXECUTE ON \
                 FUNCTION {schema}._crypto_aead_det_decrypt TO {to}. It then reads every secret of Vault.",
                to = quote_identifier(role)
            ),
        ));
    }
    let found = {
        let _caller = AsOwner::of_view(caller);
        Spi::connect(|client| {
            let sql = format!("SELECT decrypted_secret FROM {schema}.decrypted_secrets WHERE name = $1");
            let rows = client.select(&sql, Some(1), &[name.into()])?;
            Ok::<_, pgrx::spi::Error>(rows.into_iter().next().map(|row| row.get::<String>(1)).transpose()?.flatten())
        })?
    };
    let missing = PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT;
    let Some(secret) = found else {
        let create = format!("SELECT {schema}.create_secret('…', '{}').", name.replace('\'', "''"));
        return Err(broken(missing, format!("Vault has no secret \"{name}\"."), create));
    };
    let secret = secret.trim();
    if secret.is_empty() || secret.contains(|c: char| c.is_whitespace() || c.is_control()) {
        let hint = format!("Store it again with {schema}.update_secret, without blanks and line ends.");
        return Err(broken(missing, format!("Secret \"{name}\" is not one word."), hint));
    }
    Ok(Secret::new(secret))
}

/// Only what is Vault's own: a schema of that name could be anybody's, and its view would run as the caller.
fn find(caller: pg_sys::Oid) -> Result<Option<Place>, Failure> {
    let place = Spi::connect(|client| {
        let rows = client.select(
            "SELECT n.nspname::text, has_schema_privilege($1, n.oid, 'USAGE') AND has_table_privilege($1, c.oid, 'SELECT')
                AND NOT EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = n.oid
                    AND p.proname = '_crypto_aead_det_decrypt' AND NOT has_function_privilege($1, p.oid, 'EXECUTE'))
            FROM pg_extension e
            JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
            JOIN pg_class c ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND c.relname = 'decrypted_secrets'
            JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE e.extname = 'supabase_vault'",
            Some(1),
            &[caller.into()],
        )?;
        rows.into_iter()
            .next()
            .map(|row| {
                let schema = quote_identifier(row.get::<String>(1)?.unwrap_or_default());
                Ok::<_, pgrx::spi::Error>(Place { schema, is_open: row.get(2)?.unwrap_or_default() })
            })
            .transpose()
    })?;
    Ok(place)
}
