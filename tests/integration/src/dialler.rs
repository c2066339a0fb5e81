//! A real MariaDB with a dialler's tables, on loopback, as an unprivileged user; it ends with the test process.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::OnceLock;
use std::time::Duration;
use std::{env, fs, process};

use crate::until;

pub struct MariaDb {
    dir: PathBuf,
    pub port: u16,
    guard: Child,
    databases: AtomicU32,
}

impl MariaDb {
    pub fn shared() -> &'static MariaDb {
        static SHARED: OnceLock<MariaDb> = OnceLock::new();
        SHARED.get_or_init(MariaDb::start)
    }

    pub fn start() -> MariaDb {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let name = format!("dialfire_sync-mariadb-{}-{}", process::id(), STARTED.fetch_add(1, Relaxed));
        let dir = env::temp_dir().join(name);
        let mut make = Command::new("install");
        make.args(["-d", "-m", "700"]);
        if let Some(user) = user() {
            make.args(["-o", &user]);
        }
        run(make.arg(&dir), "");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port();
        // Killed by its id, however the test process ends.
        let script = "cat >/dev/null; kill -9 \"$(cat \"$0/pid\")\" 2>/dev/null; sleep 0.2; rm -rf \"$0\"";
        let guard = Command::new("sh")
            .args(["-c", script])
            .arg(&dir)
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh");
        let server = MariaDb { dir, port, guard, databases: AtomicU32::new(0) };
        run(
            as_user("mariadb-install-db")
                .args(["--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal"])
                .arg(format!("--datadir={}/data", server.dir.display())),
            "",
        );
        server.up();
        server.query("", "CREATE USER reader@'127.0.0.1' IDENTIFIED BY 'reader-password'; CREATE USER reader@localhost IDENTIFIED BY 'reader-password'");
        server
    }

    pub fn up(&self) {
        let dir = self.dir.display();
        // Not in strict mode, as a dialler is; a crashed table stays so.
        let mut mariadbd = as_user("mariadbd")
            .args(["--no-defaults", "--bind-address=127.0.0.1", "--sql-mode=", "--myisam-recover-options=OFF"])
            .args(["--innodb-buffer-pool-size=8M", "--innodb-flush-log-at-trx-commit=0", "--log-output=TABLE"])
            .args([format!("--datadir={dir}/data"), format!("--socket={dir}/socket"), format!("--pid-file={dir}/pid")])
            .args([format!("--port={}", self.port), format!("--log-error={dir}/log")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("mariadbd starts");
        // Whenever it ends.
        std::thread::spawn(move || mariadbd.wait());
        until("MariaDB answers", Duration::from_secs(60), || {
            self.client("")
                .arg("-e")
                .arg("SELECT 1")
                .stderr(Stdio::null())
                .stdout(Stdio::null())
                .status()
                .is_ok_and(|s| s.success())
        });
    }

    /// At once, as a power failure would.
    pub fn kill(&self) {
        let pid = self.pid();
        run(Command::new("kill").args(["-9", &pid.to_string()]), "");
        until("MariaDB is gone", Duration::from_secs(30), || !PathBuf::from(format!("/proc/{pid}")).exists());
    }

    pub fn pid(&self) -> u32 {
        let pid = fs::read_to_string(self.dir.join("pid")).expect("its pid");
        pid.trim().parse().expect("a number")
    }

    fn client(&self, database: &str) -> Command {
        let mut client = as_user("mariadb");
        client.args(["--no-defaults", "-uroot", "-N", "-B", "--default-character-set=utf8mb4"]);
        client.arg(format!("--socket={}/socket", self.dir.display())).arg(format!("--database={database}"));
        client
    }

    /// Runs statements; lines of tab-separated values.
    pub fn query(&self, database: &str, sql: &str) -> Vec<String> {
        run(&mut self.client(database), sql).lines().map(str::to_owned).collect()
    }

    pub fn file(&self, path: &str) -> PathBuf {
        self.dir.join("data").join(path)
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// One dialler: a database of its own.
pub struct Dialler<'a> {
    pub server: &'a MariaDb,
    pub database: String,
}

impl Dialler<'static> {
    /// On the server of all tests that do not stop it.
    pub fn shared() -> Dialler<'static> {
        Dialler::on(MariaDb::shared())
    }
}

impl<'a> Dialler<'a> {
    pub fn on(server: &'a MariaDb) -> Dialler<'a> {
        let database = format!("asterisk{}", server.databases.fetch_add(1, Relaxed));
        server.query(
            "",
            &format!(
                "CREATE DATABASE {database} CHARACTER SET utf8 COLLATE utf8_unicode_ci;
                 GRANT SELECT ON {database}.* TO reader@'127.0.0.1'; GRANT SELECT ON {database}.* TO reader@localhost"
            ),
        );
        server.query(&database, include_str!("dialler.sql"));
        Dialler { server, database }
    }

    pub fn exec(&self, sql: &str) {
        self.server.query(&self.database, sql);
    }

    pub fn rows(&self, sql: &str) -> Vec<String> {
        self.server.query(&self.database, sql)
    }

    pub fn one(&self, sql: &str) -> String {
        self.rows(sql).pop().unwrap_or_default()
    }

    /// The statements of docs/vicidial.md that make a tenant `acme` of it.
    pub fn setup(&self, timezone: &str) -> String {
        format!(
            "CREATE EXTENSION IF NOT EXISTS mysql_fdw;
             CREATE SERVER dialler FOREIGN DATA WRAPPER mysql_fdw OPTIONS (host '127.0.0.1', port '{}');
             CREATE USER MAPPING FOR CURRENT_USER SERVER dialler OPTIONS (username 'reader', password 'reader-password');
             SELECT df_setup_vicidial('acme', '{timezone}', server => 'dialler', database => '{}')",
            self.server.port, self.database
        )
    }

    /// So many ended calls, one a second from an instant on, with the clock of America/New_York in winter.
    pub fn fill(&self, calls: u32, from: i64) {
        self.exec(&format!(
            "INSERT INTO vicidial_log (uniqueid, lead_id, list_id, campaign_id, call_date, start_epoch, end_epoch, length_in_sec,
                status, phone_code, phone_number, user, comments, user_group, term_reason, called_count)
             SELECT concat({from} + seq, '.', seq), seq % 5000, 101, 'TEST',
                '1970-01-01' + INTERVAL {from} + seq - 5 * 3600 SECOND, {from} + seq, {from} + seq + 60, 60,
                elt(1 + seq % 4, 'SALE', 'NA', 'A', 'NI'), '1', concat('555', seq), if(seq % 2, '6666', 'VDAD'), 'AUTO', 'AGENTS',
                'CALLER', 1
             FROM seq_0_to_{}",
            calls - 1
        ));
    }
}

fn user() -> Option<String> {
    env::var("RUNAS").ok().filter(|user| !user.is_empty())
}

fn as_user(program: &str) -> Command {
    let mut command = match user() {
        Some(user) => {
            let mut command = Command::new("runuser");
            command.args(["-u", &user, "--", program]);
            command
        }
        None => Command::new(program),
    };
    let path = env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin")).current_dir("/").stdin(Stdio::null());
    command
}

fn run(command: &mut Command, input: &str) -> String {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut stdin = child.stdin.take().expect("its input");
    let input = input.to_owned();
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("no panic");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
