-- The frame of the pages before one is signed in.
SELECT 'shell' AS component, $title AS title, 'Calls' AS navbar_title, '/logo.svg' AS image, '/logo.svg' AS favicon, 'en' AS language, true AS norobot,
       '/style.css' AS css, '' AS footer,
       COALESCE(sqlpage.cookie('theme'), sqlpage.header('sec-ch-prefers-color-scheme'), 'light') AS theme;
