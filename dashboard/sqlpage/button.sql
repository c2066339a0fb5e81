-- One action as a form: shown to whom it is granted, and good for this session only.
SET allowed = (SELECT dialfire.may_act($action));
SELECT 'form' AS component, 'post' AS method, '/act' AS action, $words AS validate, $color AS validate_color, 'act-' || $action AS id
WHERE $allowed = 'true';
SELECT 'hidden' AS type, 'csrf' AS name, dialfire.csrf_token(sqlpage.cookie('session')) AS value WHERE $allowed = 'true';
SELECT 'hidden' AS type, v.name, v.value FROM (VALUES ('tenant', $tenant), ('action', $action), ('argument', $argument)) AS v(name, value)
WHERE $allowed = 'true' AND v.value IS NOT NULL;
SELECT 'text' AS component, 'Your role may look and not act; df_grant would let it.' AS contents WHERE $allowed <> 'true';
