-- No text of the database holds a zero byte, so a parameter with one ends the page here.
SET zero = (SELECT strpos(concat(sqlpage.variables('get'), sqlpage.variables('post')), '\u0000') > 0);
SELECT 'status_code' AS component, 400 AS status WHERE $zero = 'true';
SELECT 'json' AS component, '{"error":"a parameter holds a zero byte"}' AS contents WHERE $zero = 'true';
