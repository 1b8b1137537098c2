//! One process owns a data directory.

use adapter_embedded::{DataDir, DataDirError, Owner};

#[test]
fn a_directory_in_use_says_who_uses_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep").join("assay");
    let ours = DataDir::open(&path).unwrap();
    let pid = Some(std::process::id());
    let Err(DataDirError::InUse { owner, .. }) = DataDir::open(&path) else {
        panic!("two owners of one directory")
    };
    assert_eq!(owner, Owner { pid, address: None });
    let address = "127.0.0.1:8080".parse().unwrap();
    ours.announce(address).unwrap();
    let conflict = DataDir::open(&path).unwrap_err();
    let message = conflict.to_string();
    assert!(message.contains("http://127.0.0.1:8080"), "{message}");
    assert!(message.contains(&std::process::id().to_string()), "{message}");
    let DataDirError::InUse { owner, .. } = conflict else { panic!("{conflict:?}") };
    assert_eq!(owner, Owner { pid, address: Some(address) });
    assert_eq!(DataDir::owner(&path).unwrap(), owner, "one may look without taking it");
}

#[test]
fn a_directory_is_free_again_once_its_owner_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let former = DataDir::open(dir.path()).unwrap();
    former.announce("127.0.0.1:8080".parse().unwrap()).unwrap();
    drop(former);
    let _ours = DataDir::open(dir.path()).unwrap();
    let Err(DataDirError::InUse { owner, .. }) = DataDir::open(dir.path()) else {
        panic!("two owners of one directory")
    };
    assert_eq!(owner.address, None, "the former owner's address is void");
}

#[cfg(unix)]
#[test]
fn a_new_directory_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let ours = DataDir::open(dir.path().join("assay")).unwrap();
    let mode = std::fs::metadata(ours.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_path_that_is_no_directory_is_an_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(matches!(DataDir::open(file.path()), Err(DataDirError::Io { .. })));
}
