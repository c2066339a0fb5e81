//! A private PostgreSQL server that ends with the test process, however that ends.

use postgres::error::SqlState;
use postgres::{Client, Config, NoTls};
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::OnceLock;
use std::{env, fs, process};

/// The database from which every test's own is copied.
const TEMPLATE: &str = "with_extension";

pub struct Cluster {
    dir: PathBuf,
    /// Stops and removes the server when its standard input ends.
    guard: Child,
    databases: AtomicU32,
}

impl Cluster {
    /// The server of all tests that neither stop it nor need it for themselves.
    pub fn shared() -> &'static Cluster {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(Cluster::start)
    }

    pub fn start() -> Cluster {
        Cluster::with("")
    }

    /// A server with more settings, as they stand in postgresql.conf.
    pub fn with(more: &str) -> Cluster {
        let cluster = Cluster::down(more);
        cluster.up();
        cluster.connect("postgres").batch_execute(&format!("CREATE DATABASE {TEMPLATE}")).expect("the template");
        let mut template = cluster.connect(TEMPLATE);
        template.batch_execute("CREATE EXTENSION dialfire_sync").expect("the extension");
        if env::var("PARTITIONED").is_ok_and(|set| !set.is_empty()) {
            template.batch_execute("SELECT df_partition()").expect("months");
        }
        cluster
    }

    /// A new server without a database, not started.
    fn down(more: &str) -> Cluster {
        let cluster = Cluster::empty();
        run(as_server(&bin("initdb"))
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"])
            .args(["-D".as_ref(), cluster.data().as_os_str()]));
        cluster.configure(&cluster.settings());
        cluster.configure(more);
        cluster
    }

    /// What pg_upgrade makes of a server that is down, and what the servers that it started have logged; it is down.
    pub fn upgrade_of(old: &Cluster, more: &str) -> (Cluster, String) {
        let cluster = Cluster::down(more);
        let dir = Path::new(&bin("")).to_path_buf();
        let mut upgrade = as_server(&bin("pg_upgrade"));
        upgrade.args(["-U", "postgres", "--retain", "--no-sync", "-s", &cluster.socket()]);
        upgrade.arg("-b").arg(&dir).arg("-B").arg(&dir).arg("-d").arg(old.data()).arg("-D").arg(cluster.data());
        // It leaves a script where it is called.
        run(upgrade.current_dir(&cluster.dir));
        let output = as_server("sh")
            .args(["-c", "cat \"$0\"/pg_upgrade_output.d/*/log/pg_upgrade_server.log"])
            .arg(cluster.data())
            .output();
        let log = String::from_utf8_lossy(&output.expect("its log").stdout).into_owned();
        assert!(log.contains("database system is ready"), "no log: {log}");
        (cluster, log)
    }

    /// A standby that follows `primary`; it is up.
    pub fn standby_of(primary: &Cluster) -> Cluster {
        let cluster = Cluster::copy_of(primary, &["-R"]);
        cluster.up();
        cluster
    }

    /// A server from a base backup of another; it is down.
    pub fn backup_of(other: &Cluster) -> Cluster {
        Cluster::copy_of(other, &[])
    }

    fn copy_of(other: &Cluster, more: &[&str]) -> Cluster {
        let cluster = Cluster::empty();
        run(as_server(&bin("pg_basebackup")).args(["-U", "postgres", "-c", "fast", "-X", "stream"]).args(more).args([
            Path::new("-h"),
            &other.dir.join("socket"),
            Path::new("-D"),
            &cluster.data(),
        ]));
        cluster.configure(&format!("unix_socket_directories = '{}/socket'\n", cluster.dir.display()));
        cluster
    }

    /// A directory and its guard.
    fn empty() -> Cluster {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let name = format!("dialfire_sync-test-{}-{}", process::id(), STARTED.fetch_add(1, Relaxed));
        let dir = env::temp_dir().join(name);
        let mut make = Command::new("install");
        make.args(["-d", "-m", "700"]);
        if let Some(user) = server_user() {
            make.args(["-o", &user]);
        }
        run(make.arg(&dir));
        let cluster = Cluster { guard: guard(&dir), dir, databases: AtomicU32::new(0) };
        run(as_server("mkdir").arg(cluster.dir.join("socket")));
        cluster
    }

    /// Adds lines to postgresql.conf; the last of a name counts.
    pub fn configure(&self, lines: &str) {
        run(as_server("sh")
            .args(["-c", "printf %s \"$1\" >>\"$0\""])
            .arg(self.data().join("postgresql.conf"))
            .arg(lines));
    }

    pub fn promote(&self) {
        run(as_server(&bin("pg_ctl")).args(["promote", "-w", "-t", "60", "-s", "-D"]).arg(self.data()));
    }

    /// Output of a program of PostgreSQL's that connects to this server.
    pub fn program(&self, program: &str, arguments: &[&str]) -> String {
        let output = as_server(&bin(program))
            .args(["-U", "postgres", "-h"])
            .arg(self.dir.join("socket"))
            .args(arguments)
            .output();
        let output = output.expect("the program starts");
        assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs a script of SQL; its errors are returned.
    pub fn restore(&self, database: &str, sql: &str) -> String {
        let mut psql = as_server(&bin("psql"));
        psql.args(["-U", "postgres", "-X", "-q", "-h"]).arg(self.dir.join("socket")).args(["-d", database]);
        psql.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut psql = psql.spawn().expect("psql");
        let mut stdin = psql.stdin.take().expect("its input");
        std::thread::scope(|scope| {
            scope.spawn(move || stdin.write_all(sql.as_bytes()));
            let output = psql.wait_with_output().expect("psql ends");
            String::from_utf8_lossy(&output.stderr).into_owned()
        })
    }

    /// Each of its own socket directory, so that servers need no free port.
    fn settings(&self) -> String {
        format!(
            "listen_addresses = ''\nunix_socket_directories = '{}/socket'\nfsync = off\nautovacuum = off\n\
             shared_preload_libraries = 'pg_stat_statements, dialfire_sync'\npg_stat_statements.track = all\n\
             dialfire_sync.allowed_hosts = '127.0.0.1,localhost'\n\
             max_connections = 60\nmax_wal_size = 128MB\nwal_keep_size = 512MB\nlog_statement = none\nlog_min_messages = info\n",
            self.dir.display()
        )
    }

    pub fn up(&self) {
        // With RUST_BACKTRACE every refusal of the extension would print a stack.
        let mut start = as_server("env");
        start.args(["-u", "RUST_BACKTRACE"]).arg(bin("pg_ctl")).args(["start", "-w", "-t", "60", "-s", "-l"]);
        run(start.arg(self.dir.join("log")).arg("-D").arg(self.data()));
    }

    pub fn stop(&self, mode: &str) {
        run(as_server(&bin("pg_ctl")).args(["stop", "-w", "-t", "60", "-s", "-m", mode, "-D"]).arg(self.data()));
    }

    /// The directory of its socket, which is its host name to others on this machine.
    pub fn socket(&self) -> String {
        self.dir.join("socket").display().to_string()
    }

    /// A file that the server's user may write.
    pub fn file(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// Everything that the server has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).expect("the server's log")
    }

    pub fn config(&self, database: &str) -> Config {
        let mut config = Config::new();
        // Whatever hangs is a failure of the test, not of the whole run.
        config
            .host_path(self.dir.join("socket"))
            .user("postgres")
            .dbname(database)
            .options("-c statement_timeout=120s");
        config
    }

    pub fn connect(&self, database: &str) -> Client {
        self.config(database).connect(NoTls).expect("a connection")
    }

    /// A new database with the extension in it.
    pub fn database(&self) -> String {
        let name = format!("t{}", self.databases.fetch_add(1, Relaxed));
        let create = format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}");
        let mut admin = self.connect("postgres");
        // Somebody else's look at the template, autovacuum's for one, ends by itself.
        for _ in 0..5 {
            match admin.batch_execute(&create) {
                Ok(()) => return name,
                Err(error) if error.code() == Some(&SqlState::OBJECT_IN_USE) => {}
                Err(error) => panic!("no new database: {error}"),
            }
        }
        panic!("the template is never free");
    }

    /// Ends whoever is in it.
    pub fn drop_database(&self, name: &str) {
        let admin = self.config("postgres").connect(NoTls);
        let _ = admin.map(|mut admin| admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")));
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// In a process group of its own, so that an interrupt from the terminal leaves it to do its work.
fn guard(dir: &Path) -> Child {
    let script = "cat >/dev/null; \"$@\" stop -s -m immediate -D \"$0/data\" >/dev/null 2>&1; rm -rf \"$0\"";
    let pg_ctl = as_server(&bin("pg_ctl"));
    let mut guard = Command::new("sh");
    guard.args(["-c", script]).arg(dir).arg(pg_ctl.get_program()).args(pg_ctl.get_args());
    guard.current_dir("/").process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    guard.spawn().expect("sh")
}

/// PostgreSQL refuses to run as root; RUNAS then names the user that it runs as.
fn server_user() -> Option<String> {
    env::var("RUNAS").ok().filter(|user| !user.is_empty())
}

fn as_server(program: &str) -> Command {
    let mut command = match server_user() {
        Some(user) => {
            let mut command = Command::new("runuser");
            command.args(["-u", &user, "--", program]);
            command
        }
        None => Command::new(program),
    };
    command.current_dir("/").stdin(Stdio::null());
    command
}

fn bin(program: &str) -> String {
    static DIR: OnceLock<String> = OnceLock::new();
    let dir = DIR.get_or_init(|| {
        let pg_config = env::var("PG_CONFIG").expect("PG_CONFIG is not set: make test-integration");
        let output = Command::new(pg_config).arg("--bindir").output().expect("pg_config");
        String::from_utf8(output.stdout).expect("a path").trim().to_owned()
    });
    format!("{dir}/{program}")
}

/// Its output goes to a file: a server that it starts keeps it open.
fn run(command: &mut Command) {
    let path =
        env::temp_dir().join(format!("dialfire_sync-test-{}-{:?}.out", process::id(), std::thread::current().id()));
    let file = fs::File::create(&path).expect("a file for the output");
    let status = command.stdout(file.try_clone().expect("a file")).stderr(file).status().expect("the command starts");
    let mut output = String::new();
    let _ = fs::File::open(&path).and_then(|mut file| file.read_to_string(&mut output));
    let _ = fs::remove_file(&path);
    assert!(status.success(), "{command:?}: {output}");
}
