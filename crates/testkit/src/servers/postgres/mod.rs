//! A private PostgreSQL server.

mod dump;
mod keeper;

use std::fs;
use std::future::Future;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;

use self::keeper::Keeper;
use crate::skip;

/// Names a server to use instead: the URL of a database whose user may create others.
const URL_VARIABLE: &str = "ASSAY_TEST_DATABASE_URL";
/// Where Debian and its like put the server's programs, a folder a version.
const PROGRAMS: &str = "/usr/lib/postgresql";
/// The user of the server, and its first database.
const USER: &str = "assay";
/// How long a server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(30);
/// The template of the tests' databases.
const TEMPLATE: &str = "assay_template";

static SHARED: OnceLock<Option<Postgres>> = OnceLock::new();

/// A server that the tests of a process share, or that one test has for itself.
///
/// Its data lies in memory where the system has a folder for that, so that `fsync` stays on, as
/// the adapter demands, and costs nothing.
pub struct Postgres {
    url: String,
    programs: PathBuf,
    keeper: Option<Keeper>,
    template: OnceCell<()>,
    databases: AtomicU64,
}

/// A database of a test's own. It is dropped with this.
pub struct TestDatabase<'s> {
    server: &'s Postgres,
    name: String,
}

impl Postgres {
    /// The server that the tests of this process share: the one that `ASSAY_TEST_DATABASE_URL`
    /// names, else a private one. `None` if there is none: the test says so and returns.
    pub fn shared() -> Option<&'static Self> {
        SHARED.get_or_init(|| Self::named().or_else(Self::own)).as_ref()
    }

    /// A private server for one test, which may stop it. `None` as for [`shared`](Self::shared).
    #[must_use]
    pub fn own() -> Option<Self> {
        let Some(programs) = programs() else {
            skip(&format!(
                "PostgreSQL is not installed (Debian: apt-get install postgresql), and \
                 {URL_VARIABLE} is not set"
            ));
            return None;
        };
        let keeper = Keeper::start(&programs)?;
        Some(Self::kept(programs, keeper))
    }

    /// A second private server, from a base backup of this one as it is now: `pg_basebackup`, which
    /// disturbs nobody who is at work. `None` as for [`own`](Self::own).
    ///
    /// # Panics
    /// If this server does not let itself be copied.
    #[must_use]
    pub fn from_backup(&self) -> Option<Self> {
        let keeper = Keeper::from_backup(&self.programs, &self.url_of("postgres"))?;
        Some(Self::kept(self.programs.clone(), keeper))
    }

    /// The database of this server that a backup of another one brought along.
    #[must_use]
    pub fn restored(&self, original: &TestDatabase<'_>) -> TestDatabase<'_> {
        TestDatabase { server: self, name: original.name.clone() }
    }

    /// A database that `migrate` has prepared, given its URL. Where this is asked again, what it
    /// made is copied.
    ///
    /// # Panics
    /// If the server refuses.
    pub async fn database<F>(&self, migrate: impl FnOnce(String) -> F) -> TestDatabase<'_>
    where
        F: Future<Output = ()>,
    {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("assay_test_{}_{number}", std::process::id());
        let database = TestDatabase { server: self, name };
        if self.keeper.is_none() {
            // A server that stays keeps no template of ours.
            self.execute("postgres", &format!("CREATE DATABASE {}", database.name));
            migrate(database.url()).await;
            return database;
        }
        let prepare = || async {
            self.execute("postgres", &format!("CREATE DATABASE {TEMPLATE}"));
            migrate(self.url_of(TEMPLATE)).await;
            // A template has no sessions; one of those that were closed may still be ending.
            self.execute("postgres", &format!("ALTER DATABASE {TEMPLATE} ALLOW_CONNECTIONS false"));
            let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname";
            self.execute("postgres", &format!("{end} = '{TEMPLATE}'"));
        };
        self.template.get_or_init(prepare).await;
        let create = format!("CREATE DATABASE {} TEMPLATE {TEMPLATE}", database.name);
        self.execute("postgres", &create);
        database
    }

    /// Starts the server again, and waits until it answers.
    ///
    /// # Panics
    /// If it is not a private one, or does not answer in time.
    pub fn start(&self) {
        let keeper = self.keeper();
        let end = Instant::now() + PATIENCE;
        // A server that was killed leaves processes behind for a moment, and refuses to start.
        loop {
            keeper.order("start");
            for _ in 0..40 {
                if keeper.is_ready(&self.programs) {
                    return;
                }
                assert!(Instant::now() < end, "no PostgreSQL: {}", keeper.log());
                sleep(Duration::from_millis(50));
            }
        }
    }

    /// Stops the server in order: its clients are cut off, what they committed is kept.
    ///
    /// # Panics
    /// If it is not a private one.
    pub fn stop(&self) {
        self.keeper().order("stop");
    }

    /// Kills the server's first process with SIGKILL; the others end by themselves.
    ///
    /// # Panics
    /// If it is not a private one.
    pub fn kill(&self) {
        self.keeper().order("kill");
    }

    /// Stops the server in order, and starts it again.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub fn restart(&self) {
        self.stop();
        self.start();
    }

    fn kept(programs: PathBuf, keeper: Keeper) -> Self {
        let url = format!("postgres://{USER}@127.0.0.1:{}", keeper.port);
        let server = Self::at(url, programs, Some(keeper));
        server.start();
        server
    }

    fn named() -> Option<Self> {
        let url = std::env::var(URL_VARIABLE).ok()?;
        let (server, _) = url.rsplit_once('/').expect("the URL names a database");
        let programs = programs().unwrap_or_default();
        Some(Self::at(server.to_owned(), programs, None))
    }

    fn at(url: String, programs: PathBuf, keeper: Option<Keeper>) -> Self {
        let (template, databases) = (OnceCell::new(), AtomicU64::new(0));
        Self { url, programs, keeper, template, databases }
    }

    fn keeper(&self) -> &Keeper {
        self.keeper.as_ref().expect("a private server")
    }

    fn url_of(&self, database: &str) -> String {
        format!("{}/{database}", self.url)
    }

    /// Runs one statement, through psql: what it returns, a line a row.
    fn execute(&self, database: &str, statement: &str) -> String {
        let psql = Command::new(self.programs.join("psql"))
            .args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only"])
            .args(["--set=ON_ERROR_STOP=1", "--command", statement])
            .arg(self.url_of(database))
            .stdin(Stdio::null())
            .output()
            .expect("psql runs");
        let said = String::from_utf8_lossy(&psql.stderr);
        assert!(psql.status.success(), "{statement}: {said}");
        String::from_utf8_lossy(&psql.stdout).trim_end().to_owned()
    }
}

impl TestDatabase<'_> {
    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url_of(&self.name)
    }

    /// Runs one statement in it.
    ///
    /// # Panics
    /// If the server refuses it.
    pub fn execute(&self, statement: &str) {
        self.server.execute(&self.name, statement);
    }

    /// Runs one statement in it: what it returns, a line a row, its columns parted by `|`.
    ///
    /// # Panics
    /// If the server refuses it.
    #[must_use]
    pub fn query(&self, statement: &str) -> String {
        self.server.execute(&self.name, statement)
    }

    /// Ends every session, as an administrator does.
    ///
    /// # Panics
    /// If the server does not answer.
    pub fn cut_connections(&self) {
        self.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
    }
}

impl Drop for TestDatabase<'_> {
    fn drop(&mut self) {
        // A test that fails may have stopped the server, and panics already.
        if !std::thread::panicking() {
            let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
            self.server.execute("postgres", &drop);
        }
    }
}

/// The newest version's programs.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir(PROGRAMS).ok()?.flatten();
    let numbered = versions.filter_map(|version| {
        let number: u32 = version.file_name().to_str()?.parse().ok()?;
        let programs = version.path().join("bin");
        programs.join("initdb").exists().then_some((number, programs))
    });
    numbered.max().map(|(_, programs)| programs)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[tokio::test]
    async fn a_database_outlives_a_stop_and_a_kill_and_is_a_copy_of_the_prepared_one() {
        let Some(server) = Postgres::own() else { return };
        let prepare = async |url: String| {
            let psql = Command::new(server.programs.join("psql"));
            let create = "CREATE TABLE prepared (n integer)";
            assert!(
                { psql }.args(["--command", create]).arg(url).output().unwrap().status.success()
            );
        };
        let database = server.database(prepare).await;
        database.execute("INSERT INTO prepared VALUES (1)");
        server.restart();
        server.kill();
        server.start();
        let other = server.database(prepare).await;
        assert_eq!(
            (database.query("TABLE prepared"), other.query("TABLE prepared")),
            ("1".to_owned(), String::new())
        );
    }

    #[tokio::test]
    async fn nothing_is_left_of_a_server_whose_owner_is_gone() {
        let Some(server) = Postgres::own() else { return };
        let keeper = server.keeper.unwrap();
        let dir = keeper.dir.clone();
        let pid = fs::read_to_string(dir.join("data/postmaster.pid")).unwrap();
        let process = Path::new("/proc").join(pid.lines().next().unwrap());
        assert!(process.exists());
        // As the system does when a process ends, however it ends.
        drop(keeper);
        let is_gone = async || (!dir.exists() && !process.exists()).then_some(());
        crate::eventually(PATIENCE, is_gone).await;
    }
}
