SELECT 'http_header' AS component,
       'nosniff' AS "X-Content-Type-Options",
       'DENY' AS "X-Frame-Options",
       'same-origin' AS "Referrer-Policy",
       'no-store' AS "Cache-Control",
       'same-origin' AS "Cross-Origin-Opener-Policy",
       'same-origin' AS "Cross-Origin-Resource-Policy",
       'camera=(), geolocation=(), microphone=()' AS "Permissions-Policy",
       'Sec-CH-Prefers-Color-Scheme' AS "Accept-CH",
       'Sec-CH-Prefers-Color-Scheme' AS "Critical-CH",
       'Sec-CH-Prefers-Color-Scheme, Cookie' AS "Vary";
SELECT 'http_header' AS component, 'max-age=31536000' AS "Strict-Transport-Security" WHERE sqlpage.protocol() = 'https';
