//! Decides whether the runs of a pool show their progress.

use crate::run::caller::Caller;
use crate::run::log::Observers;

/// Adds an observer that shows progress, if the setting or else the environment variable `AMPEG_PROGRESS` asks for it.
///
/// Graphs that tasks run show nothing, because they are part of another run.
pub(crate) fn add(choice: Option<bool>, observers: &mut Observers) {
    if choice.unwrap_or_else(is_set) && Caller::here().depth == 0 {
        show(observers);
    }
}

fn is_set() -> bool {
    let value = std::env::var_os("AMPEG_PROGRESS");
    value.is_some_and(|value| !value.is_empty() && value != "0")
}

#[cfg(any(test, feature = "progress"))]
fn show(observers: &mut Observers) {
    observers.add(crate::report::progress::Progress::default());
}

#[cfg(not(any(test, feature = "progress")))]
fn show(_: &mut Observers) {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        crate::base::logging::warn(format_args!(
            "`AMPEG_PROGRESS` has no effect without the cargo feature `progress` of ampeg"
        ));
    });
}
