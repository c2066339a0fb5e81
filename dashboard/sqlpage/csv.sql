-- How a text begins that a spreadsheet would run as a formula, in a CSV file; in JSON no text does. A number with its sign stays.
SELECT CASE $format WHEN 'csv' THEN '^(?=[=+@\t\r\n-])(?![+-][0-9. ]*$)' ELSE '.\A' END AS formula;
