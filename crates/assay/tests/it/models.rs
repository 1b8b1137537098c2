//! Models of providers in the real program: how each of their failures ends, how an outage is
//! waited out, and that no two texts mix.

mod failures;
mod outage;
mod streams;
mod tools;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use contracts::Job;
use serde_json::{Value, json};

use crate::process::Server;

/// What the example corpus answers.
const QUESTION: &str = "How much did 3M spend on capital expenditures in 2018?";
/// An answer that its first passage supports.
const ANSWER: &str = "In 2018, 3M's purchases of property, plant and equipment were 1,577 [1].";

/// A file of settings, and a directory for data.
struct Home {
    dir: tempfile::TempDir,
}

impl Home {
    /// With these models, each a name and the fields of its table. The first is the default.
    fn with(models: &[(&str, String)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let tables = models.iter().map(|(name, fields)| format!("[models.{name}]\n{fields}\n"));
        let text = format!("model = \"{}\"\n{}", models[0].0, tables.collect::<String>());
        std::fs::write(dir.path().join("assay.toml"), text).unwrap();
        Self { dir }
    }

    /// Adds this to the settings.
    fn add(&self, text: &str) {
        let file = self.dir.path().join("assay.toml");
        let before = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, format!("{before}\n{text}")).unwrap();
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// A server over this directory.
    fn serve(&self) -> Server {
        self.serve_at("127.0.0.1:0")
    }

    fn serve_at(&self, listen: &str) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
        command
            .args(["dev", "--listen", listen, "--config"])
            .arg(self.dir.path().join("assay.toml"))
            .env("ASSAY_DATA_DIR", self.data())
            .env_remove("ASSAY_MODEL")
            .env("ASSAY_LOG", "off");
        Server::of(command)
    }

    /// Checks every job that is kept.
    fn assert_sound(&self) {
        let output = verify(&self.data());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

fn verify(data: &Path) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command.arg("verify").env("ASSAY_DATA_DIR", data).output().unwrap()
}

/// An OpenAI-compatible model at this address, that gives up on silence soon.
fn openai(base: &str, model: &str) -> String {
    format!(
        "kind = \"openai\"\nbase_url = \"{base}/v1\"\nmodel = \"{model}\"\n\
         connect_timeout_s = 2\nfirst_token_timeout_s = 2\nidle_timeout_s = 2\n"
    )
}

fn anthropic(base: &str, model: &str) -> String {
    openai(base, model).replace("openai", "anthropic").replace("/v1", "")
}

fn asking(more: Value) -> Value {
    let mut body = json!({ "company_name": "3M", "question": QUESTION });
    for (field, value) in more.as_object().unwrap() {
        body[field] = value.clone();
    }
    body
}

async fn until_ended(server: &Server, job: &Job, patience: Duration) -> Job {
    let ended = async || Some(server.job(job).await).filter(|job| job.state.is_terminal());
    testkit::eventually(patience, ended).await
}
