//! Refuses targets that cannot have workers, before rustc reports everything that is missing there.

use std::env::var;

fn main() {
    let cfg = |name: &str| var(format!("CARGO_CFG_{name}")).unwrap_or_default();
    let has = |name: &str, value: &str| cfg(name).split(',').any(|it| it == value);
    let has_processes = has("TARGET_FAMILY", "unix") || has("TARGET_FAMILY", "windows");
    let has_width = has("TARGET_POINTER_WIDTH", "32") || has("TARGET_POINTER_WIDTH", "64");
    if !has_processes
        || has("TARGET_FAMILY", "wasm")
        || !has_width
        || !has("TARGET_HAS_ATOMIC", "64")
    {
        println!(
            "cargo::error=ampeg needs an operating system with processes (Linux, macOS or Windows) and a processor \
             with 32 or 64 bits and atomic numbers of 64 bits: this target is not supported"
        );
    }
    println!("cargo::rerun-if-changed=build.rs");
}
