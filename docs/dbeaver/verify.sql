-- Can a range be trusted? Parameters: tenant, range (such as 'yesterday' or '2026-11-01..2026-11-15').
SELECT *
FROM df_verify(:tenant, :range);
