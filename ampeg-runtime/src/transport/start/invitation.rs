//! The environment variable that makes a process a worker.
//!
//! A program may hold several copies of this crate, of one version or of several, in the executable and in libraries.
//! Each takes the workers that it has started itself: an invitation names the place of its copy in the executable.

use super::STAGE;
use crate::sys;
use std::ffi::OsStr;

/// The environment variable that holds the invitation. Other versions have others.
pub(crate) const VARIABLE: &str = concat!(
    "AMPEG_WORKER_",
    env!("CARGO_PKG_VERSION_MAJOR"),
    "_",
    env!("CARGO_PKG_VERSION_MINOR"),
    "_",
    env!("CARGO_PKG_VERSION_PATCH")
);

/// An invitation to become a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invitation {
    /// Where the copy of this crate is in the executable that has written it.
    copy: u64,
    /// How many pools the worker's tasks are inside of.
    pub(crate) depth: u32,
    /// How to reach the coordinator.
    pub(crate) address: String,
}

impl Invitation {
    /// One for a worker of this copy; none if this copy lies in a dynamic library.
    pub(crate) fn new(depth: u32, address: &str) -> Option<Self> {
        Some(Self {
            copy: sys::offset_in_executable(&STAGE)?,
            depth,
            address: address.to_owned(),
        })
    }

    /// The value of the variable.
    pub(crate) fn write(&self) -> String {
        format!("{:x}:{}:{}", self.copy, self.depth, self.address)
    }

    /// What the value of the variable says; none if no copy of this version has written it.
    pub(crate) fn read(value: &OsStr) -> Option<Self> {
        let mut parts = value.to_str()?.splitn(3, ':');
        let mut next = || parts.next();
        Some(Self {
            copy: u64::from_str_radix(next()?, 16).ok()?,
            depth: next()?.parse().ok()?,
            address: next()?.to_owned(),
        })
    }

    /// Whether this process is to become a worker of this copy.
    pub(crate) fn is_for_this_copy(&self) -> bool {
        sys::offset_in_executable(&STAGE) == Some(self.copy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invitation_is_read_as_it_was_written() {
        for address in ["1", "1:name:of/a/socket", ""] {
            let invitation = Invitation::new(3, address).unwrap();
            let read = Invitation::read(invitation.write().as_ref()).unwrap();
            assert_eq!(read, invitation);
            assert!(read.is_for_this_copy());
        }
    }

    #[test]
    fn invitation_of_another_copy_is_left_to_it() {
        let own = Invitation::new(1, "1").unwrap();
        let copy = own.copy + 8;
        let other = Invitation { copy, ..own };
        let read = Invitation::read(other.write().as_ref()).unwrap();
        assert!(!read.is_for_this_copy());
    }

    #[test]
    fn what_no_copy_has_written_is_no_invitation() {
        for value in ["", "1", "garbled", "x:1:1", "1:x:1", "1:2", "\u{fffd}"] {
            assert_eq!(Invitation::read(value.as_ref()), None, "{value}");
        }
    }
}
