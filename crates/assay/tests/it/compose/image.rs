//! deploy/Dockerfile, as far as it can be checked without building it.

use std::fs;
use std::path::Path;

use super::containers::PROGRAM;
use super::repository;

/// The instructions of the file, each on one line, without comments.
fn instructions() -> Vec<String> {
    let text = fs::read_to_string(repository().join("deploy/Dockerfile")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let joined = lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    joined.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// What follows an instruction, wherever it occurs.
fn all(instruction: &str) -> Vec<String> {
    let rest = |line: String| Some(line.strip_prefix(instruction)?.trim().to_owned());
    instructions().into_iter().filter_map(rest).collect()
}

#[test]
fn everything_that_the_image_is_built_from_is_there_and_sent_to_the_builder() {
    let ignore = fs::read_to_string(repository().join(".dockerignore")).unwrap();
    let sent: Vec<&str> = ignore.lines().filter_map(|line| line.strip_prefix('!')).collect();
    let from_here = all("COPY ").into_iter().filter(|copy| !copy.starts_with("--from="));
    let mut copied = Vec::new();
    for copy in from_here {
        let (sources, _destination) = copy.rsplit_once(' ').unwrap();
        copied.extend(sources.split_whitespace().map(str::to_owned));
    }
    for source in &copied {
        assert!(repository().join(source).exists(), "{source} is not there");
    }
    copied.sort();
    let mut sent: Vec<String> = sent.into_iter().map(str::to_owned).collect();
    sent.sort();
    assert_eq!(copied, sent, "what is copied, and what .dockerignore lets through");
}

#[test]
fn the_image_is_built_with_the_rust_of_the_workspace_and_its_lock_file() {
    let version = all("ARG RUST_VERSION=");
    assert_eq!(version, [env!("CARGO_PKG_RUST_VERSION")]);
    let build = all("RUN ").into_iter().find(|run| run.contains("cargo build")).unwrap();
    for argument in ["--profile dist", "--locked", "--bin assay", "--features fleet"] {
        assert!(build.contains(argument), "{argument}: {build}");
    }
}

#[test]
fn the_image_starts_the_binary_of_this_package_as_a_user_without_rights() {
    let binary = Path::new(env!("CARGO_BIN_EXE_assay")).file_name().unwrap().to_str().unwrap();
    assert_eq!(all("ENTRYPOINT "), [format!("[\"{PROGRAM}\"]")]);
    assert_eq!(all("COPY --from=build /image/"), [format!("{binary} {PROGRAM}"),]);
    assert_eq!(all("USER "), ["65532:65532"]);
}
