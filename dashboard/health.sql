-- Without the database no page gets beyond its first question to it, so this asks a page that asks, and reads what SQLPage answered.
SET answer = sqlpage.fetch_with_meta(json_object('url', 'http://' || COALESCE(sqlpage.environment_variable('LISTEN_ON'), '127.0.0.1:8080') || '/ready', 'timeout_ms', 30000));
SET away = sqlpage.regex_match('^\{"status":(429|500)', $answer);
-- What is null here is no text at all, so the rest is what counts where the database answers.
SELECT 'dynamic' AS component, COALESCE('[{"component":"status_code","status":503,"because":' || $away || '},
    {"component":"http_header","Cache-Control":"no-store","X-Content-Type-Options":"nosniff"},
    {"component":"json","contents":"{\"status\":\"error\",\"problems\":[\"the database does not answer: start PostgreSQL, or mend the address that SQLPage was given; its log says which error it was\"]}"}]', '[]') AS properties;
SELECT 'dynamic' AS component, sqlpage.run_sql('ready.sql') AS properties;
