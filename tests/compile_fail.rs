//! The compiler's messages for mistakes: one mistake per file in `ui/`, with the expected errors.
//!
//! Much of the text comes from rustc and changes with its version, so it is compared on one version only.

use std::process::Command;

/// The version whose errors are in `ui/`.
const RUSTC: &str = "rustc 1.95.";

#[test]
fn mistakes_are_reported_at_the_users_tokens() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output();
    let version = version.map_or_else(|_| Vec::new(), |output| output.stdout);
    let version = String::from_utf8_lossy(&version);
    if !version.starts_with(RUSTC) {
        println!("skipped: the expected errors are those of {RUSTC}x, not of {version}");
        return;
    }
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
