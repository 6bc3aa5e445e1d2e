//! A constructor that runs in each process that is started as a worker, before it becomes a worker.

#![allow(
    unsafe_code,
    reason = "the section of constructors, which must come before ampeg's own, and a signal to be ignored"
)]

use crate::support::until;
use std::fs;

/// The behaviour of workers at their start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Early {
    /// They start as usual.
    Nothing,
    /// They exit with code 1, as a program without its licence may do.
    Exit,
    /// They abort.
    Abort,
    /// They wait until [`ask`] sets another behaviour. Each creates a file that [`waiting`] counts.
    Wait,
}

/// Sets the behaviour of all workers that are started from now on, and lets waiting workers continue.
pub(crate) fn ask(early: Early) {
    let text = format!("{early:?}");
    let path = std::env::temp_dir().join("early");
    if early == Early::Nothing {
        // The file may not exist.
        let _ = fs::remove_file(path);
        return;
    }
    // The file is renamed, so that no worker reads a part of the text.
    fs::write(path.with_extension("new"), text).unwrap();
    fs::rename(path.with_extension("new"), path).unwrap();
}

/// The number of processes that wait at their start, or have waited.
pub(crate) fn waiting() -> usize {
    let files = fs::read_dir(std::env::temp_dir()).unwrap().flatten();
    let names = files.map(|file| file.file_name());
    names
        .filter(|name| name.to_string_lossy().starts_with("waits"))
        .count()
}

/// Resets the behaviour, and removes the files of waiting workers.
pub(crate) fn tidy() {
    ask(Early::Nothing);
    for file in fs::read_dir(std::env::temp_dir()).unwrap().flatten() {
        if file.file_name().to_string_lossy().starts_with("waits") {
            fs::remove_file(file.path()).unwrap();
        }
    }
}

/// Makes the system reap all children of this process, as some servers do to avoid zombies.
pub(crate) fn ignore_children() {
    // SAFETY: no handler is set.
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
