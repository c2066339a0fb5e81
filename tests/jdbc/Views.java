// What DBeaver does with the extension: reads the metadata, and runs the ready scripts with their parameters bound or typed.

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

public class Views {
    static final Set<String> PROMISED = Set.of("agent_data", "calls", "agent_daily", "campaign_daily", "monthly",
        "ingestion_run_view", "error_log_view", "coverage_gaps", "sync_health", "matview_status", "rejects_open",
        "stuck_calls", "ingestion_kpis", "ingestion_monthly", "mv_ingestion_kpis", "mv_ingestion_monthly");
    /** Comments, literals and casts are no parameters; the last group is one. */
    static final Pattern PARAMETER = Pattern.compile("--[^\\n]*|'(?:[^']|'')*'|::|:([a-z_]+)");

    static int checks = 0;

    public static void main(String[] arguments) throws Exception {
        String url = arguments[0];
        try (Connection db = DriverManager.getConnection(url)) {
            relations(db.getMetaData());
            types(db.getMetaData());
            keys(db.getMetaData());
            functions(db.getMetaData());
            everyRelationIsReadable(db);
        }
        Path folder = Path.of(arguments[1]);
        // As DBeaver connects; as a connection pool does that cannot prepare; prepared on the server from the first run.
        for (String mode : List.of("", "&preferQueryMode=simple", "&prepareThreshold=1")) {
            try (Connection db = DriverManager.getConnection(url + mode)) {
                scripts(db, folder);
            }
        }
        System.out.println(checks + " checks of metadata and scripts hold");
    }

    static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
        checks++;
    }

    static void relations(DatabaseMetaData meta) throws SQLException {
        Set<String> missing = new TreeSet<>(PROMISED);
        try (ResultSet row = meta.getTables(null, "dialfire", null, new String[] {"TABLE", "VIEW", "MATERIALIZED VIEW"})) {
            while (row.next()) {
                String name = row.getString("TABLE_NAME");
                missing.remove(name);
                check(hasText(row.getString("REMARKS")), name + " has no comment");
                check(name.startsWith("mv_") == row.getString("TABLE_TYPE").equals("MATERIALIZED VIEW"), name);
            }
        }
        check(missing.isEmpty(), "not listed: " + missing);
        try (ResultSet row = meta.getColumns(null, "dialfire", null, null)) {
            while (row.next()) {
                String column = row.getString("TABLE_NAME") + "." + row.getString("COLUMN_NAME");
                check(hasText(row.getString("REMARKS")), column + " has no comment");
            }
        }
    }

    static boolean hasText(String text) {
        return text != null && !text.isBlank();
    }

    static void types(DatabaseMetaData meta) throws SQLException {
        Map<String, Integer> expected = Map.of("calls.day", Types.DATE, "calls.started_at", Types.TIMESTAMP, "calls.talk_ms", Types.BIGINT,
            "calls.is_test", Types.BIT, "calls.wait_time_sec", Types.DOUBLE, "agent_data.transactions_fired_date", Types.DATE,
            "agent_data.recordings_started", Types.TIMESTAMP, "monthly.month", Types.DATE, "monthly.reach", Types.DOUBLE,
            "error_log_view.timestamp", Types.TIMESTAMP);
        for (Map.Entry<String, Integer> column : new TreeMap<>(expected).entrySet()) {
            String[] name = column.getKey().split("\\.");
            try (ResultSet row = meta.getColumns(null, "dialfire", name[0], name[1])) {
                check(row.next(), column.getKey() + " is not listed");
                check(row.getInt("DATA_TYPE") == column.getValue(), column.getKey() + " is " + row.getString("TYPE_NAME"));
                boolean instant = column.getValue() == Types.TIMESTAMP;
                check(instant == row.getString("TYPE_NAME").equals("timestamptz"), column.getKey() + " has no time zone");
            }
        }
    }

    static void keys(DatabaseMetaData meta) throws SQLException {
        Map<String, String> keys = Map.of("transactions", "tenant id", "connections", "tenant id", "runs", "tenant run_id",
            "daily_stats", "tenant day campaign_id agent_id agent_login");
        for (Map.Entry<String, String> key : new TreeMap<>(keys).entrySet()) {
            Map<Integer, String> columns = new TreeMap<>();
            try (ResultSet row = meta.getPrimaryKeys(null, "dialfire", key.getKey())) {
                while (row.next()) {
                    columns.put(row.getInt("KEY_SEQ"), row.getString("COLUMN_NAME"));
                }
            }
            check(String.join(" ", columns.values()).equals(key.getValue()), key.getKey() + " has the key " + columns.values());
            try (ResultSet row = meta.getIndexInfo(null, "dialfire", key.getKey(), true, false)) {
                check(row.next(), key.getKey() + " shows no unique index");
            }
        }
    }

    static void functions(DatabaseMetaData meta) throws SQLException {
        Set<String> missing = new TreeSet<>(Set.of("df_sync", "df_verify", "df_why", "df_refresh", "df_check", "df_backfill"));
        try (ResultSet functions = meta.getFunctions(null, null, "df\\_%"); ResultSet procedures = meta.getProcedures(null, null, "df\\_%")) {
            for (ResultSet row : List.of(functions, procedures)) {
                while (row.next()) {
                    String name = row.getString(3);
                    missing.remove(name);
                    check(hasText(row.getString("REMARKS")), name + " has no comment");
                }
            }
        }
        check(missing.isEmpty(), "not listed: " + missing);
    }

    static void everyRelationIsReadable(Connection db) throws SQLException {
        for (String name : new TreeSet<>(PROMISED)) {
            try (ResultSet row = db.createStatement().executeQuery("SELECT * FROM dialfire." + name + " LIMIT 10")) {
                while (row.next()) {
                    for (int column = 1; column <= row.getMetaData().getColumnCount(); column++) {
                        row.getObject(column);
                    }
                }
            }
            check(true, name);
        }
    }

    static void scripts(Connection db, Path folder) throws Exception {
        LocalDate yesterday = one(db, "SELECT (now() AT TIME ZONE 'Europe/Nicosia')::date - 1", LocalDate.class);
        String login = one(db, "SELECT max(agent_login) FROM dialfire.agent_daily WHERE agent_login ~ '[^ -~]' AND day = "
            + "(now() AT TIME ZONE 'Europe/Nicosia')::date - 1", String.class);
        String call = one(db, "SELECT max(id) FROM dialfire.transactions", String.class);
        OffsetDateTime since = one(db, "SELECT min(fired) FROM dialfire.transactions WHERE day = "
            + "(now() AT TIME ZONE 'Europe/Nicosia')::date - 1", OffsetDateTime.class);
        check(hasText(login) && login.chars().anyMatch(c -> c > 127), "the login has no letter beyond ASCII: " + login);
        Map<String, Object> values = Map.of("the_date", yesterday, "from_date", yesterday, "to_date", yesterday.plusDays(1),
            "agent_login", login, "tenant", "acme", "call_id", call, "range", "yesterday", "since", since);

        List<Path> files;
        try (Stream<Path> all = Files.list(folder)) {
            files = all.filter(file -> file.toString().endsWith(".sql")).sorted().collect(Collectors.toList());
        }
        check(files.size() > 10, "only " + files);
        Set<String> used = new TreeSet<>();
        for (Path file : files) {
            String text = Files.readString(file);
            for (String statement : text.split(";\\s*(\\n|$)")) {
                List<String> names = new ArrayList<>();
                String bound = replace(statement, name -> names.add(name) ? "?" : null);
                String typed = replace(statement, name -> "'" + values.get(name).toString().replace("'", "''") + "'");
                used.addAll(names);
                check(values.keySet().containsAll(names), file + " has an unknown parameter of " + names);
                List<String> expected = rows(db.prepareStatement(typed));
                boolean mayBeEmpty = file.endsWith("missing_login_clues.sql") || statement.contains("error_log_view");
                check(mayBeEmpty || !expected.isEmpty(), file + " finds nothing");
                for (boolean modern : List.of(true, false)) {
                    try (PreparedStatement prepared = db.prepareStatement(bound)) {
                        bind(prepared, names, values, modern);
                        // Again and again, until the driver prepares on the server and reads binary.
                        for (int run = 0; run < 7; run++) {
                            if (run == 0 || !names.isEmpty()) {
                                same(file, expected, rowsOf(prepared));
                            }
                        }
                    }
                }
            }
        }
        check(used.equals(values.keySet()), "parameters that no script has: " + used);
        agentDayIsOneAgentsDay(db, folder, login, yesterday);
    }

    static void same(Path file, List<String> expected, List<String> rows) {
        // Ages move on from run to run.
        if (!file.endsWith("overview.sql")) {
            check(rows.equals(expected), file + ": bound it finds " + rows + ", typed " + expected);
        } else {
            check(rows.size() == expected.size(), file + ": bound it finds " + rows.size() + " rows, typed " + expected.size());
        }
    }

    static void agentDayIsOneAgentsDay(Connection db, Path folder, String login, LocalDate day) throws Exception {
        String sql = replace(Files.readString(folder.resolve("agent_day.sql")), name -> "?");
        try (PreparedStatement prepared = db.prepareStatement(sql)) {
            prepared.setDate(1, java.sql.Date.valueOf(day));
            prepared.setString(2, login);
            try (ResultSet row = prepared.executeQuery()) {
                while (row.next()) {
                    check(row.getString("transactions_user_login").equals(login), "another agent's row");
                    check(row.getDate("transactions_fired_date").toLocalDate().equals(day), "another day's row");
                    check(row.getObject("transactions_fired", OffsetDateTime.class) != null, "a row without an instant");
                }
            }
            prepared.setString(2, "nobody");
            check(!prepared.executeQuery().next(), "nobody has calls");
        }
    }

    static void bind(PreparedStatement prepared, List<String> names, Map<String, Object> values, boolean modern) throws SQLException {
        for (int at = 0; at < names.size(); at++) {
            Object value = values.get(names.get(at));
            if (value instanceof LocalDate day && !modern) {
                prepared.setDate(at + 1, java.sql.Date.valueOf(day));
            } else if (value instanceof OffsetDateTime instant && !modern) {
                prepared.setTimestamp(at + 1, java.sql.Timestamp.from(instant.toInstant()));
            } else if (value instanceof String text) {
                prepared.setString(at + 1, text);
            } else {
                prepared.setObject(at + 1, value);
            }
        }
    }

    interface Replacement {
        String of(String name);
    }

    static String replace(String sql, Replacement replacement) {
        return PARAMETER.matcher(sql).replaceAll(found ->
            Matcher.quoteReplacement(found.group(1) == null ? found.group() : replacement.of(found.group(1))));
    }

    static List<String> rows(PreparedStatement prepared) throws SQLException {
        try (prepared) {
            return rowsOf(prepared);
        }
    }

    static List<String> rowsOf(PreparedStatement prepared) throws SQLException {
        List<String> rows = new ArrayList<>();
        try (ResultSet row = prepared.executeQuery()) {
            while (row.next()) {
                List<String> cells = new ArrayList<>();
                for (int column = 1; column <= row.getMetaData().getColumnCount(); column++) {
                    cells.add(String.valueOf(row.getObject(column)));
                }
                rows.add(cells.toString());
            }
        }
        return rows;
    }

    static <T> T one(Connection db, String sql, Class<T> type) throws SQLException {
        try (ResultSet row = db.createStatement().executeQuery(sql)) {
            row.next();
            return row.getObject(1, type);
        }
    }
}
