//! What each type looks like on the wire today.

use insta::{assert_json_snapshot, with_settings};

use crate::samples;

#[test]
fn every_type_looks_on_the_wire_as_in_its_snapshot() {
    for sample in samples::all() {
        with_settings!({prepend_module_to_snapshot => false}, {
            assert_json_snapshot!(sample.name, sample.json);
        });
    }
}

#[test]
fn what_is_written_is_read_back_the_same() {
    for sample in samples::all() {
        assert_eq!((sample.reread)(sample.json.clone()), Ok(sample.json), "{}", sample.name);
    }
}
