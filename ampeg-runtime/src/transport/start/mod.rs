//! Checks that this program can be started again as its own worker, before the first process is started.
//!
//! A process that is started as a worker but does not become one runs the program's `main` again, which starts
//! workers again, without end. So this module checks that processes can become workers, and a process with an
//! invitation starts no workers.

use crate::sys;
use crate::sys::resources::EMULATED;
use invitation::VARIABLE;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};

pub(crate) mod invitation;
#[cfg(target_os = "linux")]
mod system;

#[cfg(target_os = "linux")]
pub(crate) use system::{executable, missing};

/// The file of this executable.
#[cfg(not(target_os = "linux"))]
pub(crate) fn executable() -> std::io::Result<PathBuf> {
    std::env::current_exe()
}

/// On other systems, restrictions are not checked.
#[cfg(not(target_os = "linux"))]
pub(crate) fn missing() -> Option<String> {
    None
}

/// The stage of this process before `main`. The address of this static identifies this copy of the crate in the
/// program.
static STAGE: AtomicU8 = AtomicU8::new(Stage::Early as u8);

/// The stages of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// This crate's constructor has not run yet, or there is none.
    Early,
    /// This process has no invitation for this copy of the crate.
    #[cfg(feature = "before-main")]
    Ordinary,
    /// This process is becoming a worker, and runs the program's constructors first.
    #[cfg(feature = "before-main")]
    Becoming,
    /// This process is a worker.
    Worker,
}

impl Stage {
    /// Records that this process has reached this stage.
    pub(crate) fn enter(self) {
        STAGE.store(self as u8, Ordering::Relaxed);
    }

    #[cfg(feature = "before-main")]
    fn is_present(self) -> bool {
        STAGE.load(Ordering::Relaxed) == self as u8
    }
}

/// The reasons why this program cannot be started again as a worker.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "not all of them are looked for there")
)]
enum Obstacle {
    /// A constructor runs a graph in a worker, or before this crate's own constructor.
    BeforeMain,
    /// This process was started as a worker, but has not become one.
    NotTaken,
    /// Other code has set the variable that marks workers.
    Marked(String),
    /// The program is set-user-ID, set-group-ID or has capabilities.
    Raised,
    /// The program would have these privileges if it was started again.
    WouldBeRaised,
    /// Real and effective ids differ.
    Ids(&'static str),
    /// This crate is part of a dynamic library.
    Library(Option<PathBuf>),
    /// The dynamic loader was started instead of this program.
    Loader,
}

/// Checks that a worker process can be started.
///
/// This is called for each start, because ids and environment may change. It takes less than 10 µs.
///
/// # Errors
///
/// If a worker process cannot be started, for a reason that will not go away. The error says what to do.
pub(crate) fn check() -> Result<(), String> {
    match obstacle() {
        None => Ok(()),
        Some(obstacle) => Err(obstacle.to_string()),
    }
}

fn obstacle() -> Option<Obstacle> {
    if is_before_main() {
        return Some(Obstacle::BeforeMain);
    }
    if let Some(value) = std::env::var_os(VARIABLE) {
        return Some(match invitation::Invitation::read(&value) {
            Some(invitation) if invitation.is_for_this_copy() => Obstacle::NotTaken,
            _ => Obstacle::Marked(value.to_string_lossy().into_owned()),
        });
    }
    if sys::has_raised_privileges() {
        return Some(Obstacle::Raised);
    }
    if let Some(difference) = sys::different_ids() {
        return Some(Obstacle::Ids(difference));
    }
    if sys::offset_in_executable(&STAGE).is_none() {
        return Some(Obstacle::Library(sys::library_of(&STAGE)));
    }
    #[cfg(target_os = "linux")]
    if system::is_raised_by_start() {
        return Some(Obstacle::WouldBeRaised);
    }
    #[cfg(target_os = "linux")]
    if sys::is_without_loader() && system::is_loaded_by_hand(&STAGE) {
        return Some(Obstacle::Loader);
    }
    None
}

/// Whether this process must become a worker, and is still running the program's constructors.
#[cfg(feature = "before-main")]
fn is_before_main() -> bool {
    let is_invited = || {
        let value = std::env::var_os(VARIABLE);
        let invitation = value.and_then(|value| invitation::Invitation::read(&value));
        invitation.is_some_and(|invitation| invitation.is_for_this_copy())
    };
    Stage::Becoming.is_present() || Stage::Early.is_present() && is_invited()
}

/// Without the feature, this crate has no constructor, so this is unknown.
#[cfg(not(feature = "before-main"))]
fn is_before_main() -> bool {
    false
}

/// Advice for programs that cannot have worker processes.
const INSTEAD: &str =
    "run the graph with `run_inline`, or on threads, with `Pool::builder().threads(n)`";

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BeforeMain => f.write_str(
                "a graph is run before `main`, by a constructor, which runs in workers too and would start workers \
                 without end: run the graph in `main`",
            ),
            Self::NotTaken if cfg!(feature = "before-main") => f.write_str(
                "this process was started as a worker itself, and has not become one",
            ),
            Self::NotTaken => f.write_str(
                "this process was started as a worker itself; without the feature `before-main`, \
                 a program calls `ampeg::worker_process::enter()` first in `main`",
            ),
            Self::Marked(value) => write!(
                f,
                "the environment variable {VARIABLE} is set, to `{value}`; it marks processes that a pool of another \
                 program or library has started, and these start no workers: unset it"
            ),
            Self::Raised => write!(
                f,
                "this program has privileges that its caller does not have (its file is set-user-ID, set-group-ID \
                 or has capabilities), and such a program does not become a worker because its environment says so: \
                 {INSTEAD}"
            ),
            Self::WouldBeRaised => write!(
                f,
                "this program's file is set-user-ID, set-group-ID or has capabilities, and this process has changed \
                 its ids since it was started: started again, it would have other privileges: {INSTEAD}"
            ),
            Self::Ids(difference) => write!(
                f,
                "this process runs as two users or groups at a time ({difference}), and a program that is started so \
                 does not become a worker: make both the same first, or {INSTEAD}"
            ),
            Self::Library(library) => {
                f.write_str("ampeg is part of a dynamic library")?;
                if let Some(library) = library {
                    write!(f, " ({})", library.display())?;
                }
                f.write_str(", and a worker would be the executable")?;
                if let Ok(executable) = std::env::current_exe() {
                    write!(f, " ({})", executable.display())?;
                }
                write!(f, ", started again, which knows nothing of it: {INSTEAD}")
            }
            Self::Loader => write!(
                f,
                "this program was started by hand through the dynamic loader ({}), which would take its arguments for \
                 a program when it is started again: start the program itself, or {INSTEAD}",
                std::env::current_exe().unwrap_or_default().display()
            ),
        }
    }
}

/// The reason why a process cannot be a worker, if it printed nothing and its exit code shows the reason.
pub(crate) fn reason_of(code: Option<i32>) -> Option<&'static str> {
    // The process existed, but the program could not be started in it. Under an emulator, only this exit code is left
    // of the error.
    (cfg!(unix) && code == Some(127)).then_some(EMULATED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_program_can_be_started_again() {
        assert_eq!(obstacle(), None);
        assert_eq!(check(), Ok(()));
    }

    #[test]
    fn each_obstacle_says_what_to_do() {
        let marked = Obstacle::Marked("2".into()).to_string();
        assert!(marked.contains(VARIABLE) && marked.ends_with("unset it"));
        let library = Obstacle::Library(Some("/lib/plugin.so".into())).to_string();
        assert!(library.contains("(/lib/plugin.so)"), "{library}");
        for obstacle in [
            Obstacle::Raised,
            Obstacle::WouldBeRaised,
            Obstacle::Ids("user 1, effective user 2"),
            Obstacle::Library(None),
            Obstacle::Loader,
        ] {
            assert!(obstacle.to_string().ends_with(INSTEAD), "{obstacle}");
        }
    }
}
