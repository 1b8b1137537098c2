//! What was written once must be readable for ever: the fixtures are frozen with a release.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use crate::samples;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/v1")
}

#[test]
fn every_fixture_is_read_and_written_back_the_same() {
    for sample in samples::all() {
        let path = folder().join(format!("{}.json", sample.name));
        let text = fs::read_to_string(&path).unwrap_or_else(|error| {
            panic!("{}: {error}. A new type needs a fixture", path.display())
        });
        let fixture: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((sample.reread)(fixture.clone()), Ok(fixture), "{}", path.display());
    }
}

#[test]
fn no_fixture_is_left_unread() {
    let names: BTreeSet<String> =
        samples::all().into_iter().map(|sample| format!("{}.json", sample.name)).collect();
    let files = fs::read_dir(folder()).unwrap();
    let files: BTreeSet<String> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(files, names);
}
