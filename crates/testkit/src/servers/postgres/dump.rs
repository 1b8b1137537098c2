//! Databases as text: what is in one, and putting it into another.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::TestDatabase;

impl TestDatabase<'_> {
    /// Everything in it, as SQL that [`TestDatabase::restore`] takes.
    ///
    /// # Panics
    /// If the server refuses.
    #[must_use]
    pub fn dump(&self) -> String {
        let dump = Command::new(self.server.programs.join("pg_dump"))
            .args(["--no-owner", "--no-privileges", "--inserts", "--dbname"])
            .arg(self.url())
            .stdin(Stdio::null())
            .output()
            .expect("pg_dump runs");
        assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
        // What pg_dump says to psql and to readers: newer ones say more than older ones take.
        let dump = String::from_utf8(dump.stdout).expect("UTF-8");
        let is_told = |line: &&str| !line.starts_with('\\') && !line.starts_with("--");
        dump.lines()
            .filter(is_told)
            .filter(|line| !line.is_empty())
            .fold(String::new(), |kept, line| kept + line + "\n")
    }

    /// Puts what was dumped in the place of everything in it.
    ///
    /// # Panics
    /// If the server refuses.
    pub fn restore(&self, dump: &str) {
        self.execute("DROP SCHEMA public CASCADE");
        self.execute("CREATE SCHEMA public");
        let mut psql = Command::new(self.server.programs.join("psql"))
            .args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"])
            .arg(self.url())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("psql runs");
        psql.stdin.take().expect("a pipe").write_all(dump.as_bytes()).expect("psql reads");
        let ended = psql.wait_with_output().expect("psql ends");
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
}
