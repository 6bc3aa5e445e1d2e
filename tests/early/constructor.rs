//! A constructor that runs in each worker before it is one.

#![allow(
    unsafe_code,
    reason = "the section of constructors, which must come before ampeg's own, and a signal to be ignored"
)]

use crate::support::until;
use std::fs;

/// What workers do as they start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Early {
    /// What they would do anyhow.
    Nothing,
    /// They exit with code 1, as for want of a licence.
    Exit,
    /// They abort.
    Abort,
    /// They wait until that is no longer asked of them; a file of [`waiting`] names each.
    Wait,
}

/// Sets what workers that are started from now on do, and lets waiting ones continue.
pub(crate) fn ask(early: Early) {
    let text = format!("{early:?}");
    let path = std::env::temp_dir().join("early");
    if early == Early::Nothing {
        // It may never have been there.
        let _ = fs::remove_file(path);
        return;
    }
    // At once, so that nobody reads a half of it.
    fs::write(path.with_extension("new"), text).unwrap();
    fs::rename(path.with_extension("new"), path).unwrap();
}

/// How many processes are at their start and wait, or have waited.
pub(crate) fn waiting() -> usize {
    let files = fs::read_dir(std::env::temp_dir()).unwrap().flatten();
    let names = files.map(|file| file.file_name());
    names
        .filter(|name| name.to_string_lossy().starts_with("waits"))
        .count()
}

/// Removes the records of waiting workers.
pub(crate) fn tidy() {
    ask(Early::Nothing);
    for file in fs::read_dir(std::env::temp_dir()).unwrap().flatten() {
        if file.file_name().to_string_lossy().starts_with("waits") {
            fs::remove_file(file.path()).unwrap();
        }
    }
}

/// Has the system reap all children of this process, as servers do that want no zombies.
pub(crate) fn ignore_children() {
    // SAFETY: nothing runs when the signal comes.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
}

extern "C" fn early() {
    if !std::env::vars_os().any(|(name, _)| name.to_string_lossy().starts_with("AMPEG_WORKER")) {
        return;
    }
    let folder = std::env::temp_dir();
    let asked = || fs::read_to_string(folder.join("early")).unwrap_or_default();
    match asked().as_str() {
        "Exit" => std::process::exit(1),
        "Abort" => std::process::abort(),
        "Wait" => {
            let id = std::process::id();
            fs::write(folder.join(format!("waits{id}")), "").unwrap();
            until(|| asked() != "Wait");
        }
        _ => {}
    }
}

#[used]
#[unsafe(link_section = ".init_array.00001")]
static EARLY: extern "C" fn() = early;
