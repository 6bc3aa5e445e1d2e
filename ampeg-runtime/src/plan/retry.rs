//! Decides when a task with a `retry` clause is tried again.

use crate::base::failure::TaskErrorKind;
use crate::base::panics;
use crate::sys::FunctionAddress;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The settings of a pool for all tasks with a `retry` clause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Retry {
    /// The wait before the second attempt. It doubles before each later attempt.
    pub(crate) backoff: Duration,
    /// The function that decides which errors are followed by another attempt. Without this function, every error is.
    pub(crate) only_if: Option<FunctionAddress>,
}

/// Whether an error is followed by another attempt.
pub(crate) type Predicate = fn(&TaskErrorKind) -> bool;

impl Retry {
    /// The wait before an attempt.
    pub(crate) fn wait_before(self, attempt: u32) -> Duration {
        match attempt.checked_sub(2) {
            // More than 20 doublings are never waited for, and would overflow the shift.
            Some(doublings) => self.backoff.saturating_mul(1 << doublings.min(20)),
            None => Duration::ZERO,
        }
    }

    /// Whether an attempt that failed with this error may be followed by another one.
    pub(crate) fn applies_to(self, kind: &TaskErrorKind) -> bool {
        // The next attempt would return a value that cannot be sent, too.
        if matches!(kind, TaskErrorKind::NotDeliverable { .. }) {
            return false;
        }
        self.only_if.is_none_or(|function| {
            let predicate = function.resolve::<Predicate>();
            // A predicate that panics counts as false.
            predicate.is_ok_and(|predicate| panics::catch(|| predicate(kind)).unwrap_or(false))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_doubles() {
        let retry = Retry {
            backoff: Duration::from_secs(3),
            only_if: None,
        };
        let waits = [1, 2, 3, 4].map(|attempt| retry.wait_before(attempt).as_secs());
        assert_eq!(waits, [0, 3, 6, 12]);
        assert!(retry.wait_before(u32::MAX) > Duration::from_secs(1_000_000));
    }

    #[test]
    fn predicate_decides_and_a_panic_is_a_no() {
        let only_if = |predicate: Predicate| Retry {
            only_if: Some(FunctionAddress::of(predicate).unwrap()),
            ..Retry::default()
        };
        let cancelled = TaskErrorKind::Cancelled;
        assert!(Retry::default().applies_to(&cancelled));
        assert!(only_if(|kind| *kind == TaskErrorKind::Cancelled).applies_to(&cancelled));
        assert!(!only_if(|_| false).applies_to(&cancelled));
        assert!(!only_if(|_| panic!("on purpose")).applies_to(&cancelled));
        let reason = String::new();
        assert!(!Retry::default().applies_to(&TaskErrorKind::NotDeliverable { reason }));
    }
}
