-- Why is a call here, or not? Parameters: tenant, call_id (of a transaction, leg, inbound call or contact).
SELECT *
FROM df_why(:tenant, :call_id);
