//! The seeds of the fuzzers, and what they once found, keep their properties.

#[path = "../../../fuzz/properties.rs"]
mod properties;

use std::fs;
use std::path::Path;

#[test]
fn every_seed_keeps_its_property() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
    for (name, property) in properties::ALL {
        let files: Vec<_> = fs::read_dir(seeds.join(name)).expect(name).map(|file| file.expect(name).path()).collect();
        assert!(files.len() >= 3, "{name} has {} seeds", files.len());
        for file in files {
            println!("{}", file.display());
            property(&fs::read(&file).expect("a seed"));
        }
    }
}

#[test]
fn nesting_ends_in_a_reject_and_not_at_the_end_of_the_stack() {
    let arrays = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let pages = format!("{}1{}", r#"{"results":"#.repeat(5_000), "}".repeat(5_000));
    for deep in [arrays.as_bytes(), pages.as_bytes()] {
        properties::dialfire(deep);
        properties::highlevel(deep);
        properties::vapi(deep);
        properties::vicidial(deep);
    }
}
