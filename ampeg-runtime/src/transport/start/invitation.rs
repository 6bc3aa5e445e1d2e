//! The environment variable that makes a process a worker.
//!
//! A program may have several copies of this crate, of the same or of different versions, in the executable and in
//! libraries. Each copy accepts only workers that it has started itself, so an invitation has the address of its copy
//! in the executable.

use super::STAGE;
use crate::sys;
use std::ffi::OsStr;

/// The environment variable with the invitation. Its name differs between versions.
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
    /// The offset of the inviting copy of this crate in the executable.
    copy: u64,
    /// The number of pools around the worker's tasks.
    pub(crate) depth: u32,
    /// The address of the coordinator.
    pub(crate) address: String,
}

impl Invitation {
    /// An invitation for a worker of this copy; none if this copy is in a dynamic library.
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

    /// Reads the value of the variable; none if no copy of this version has written it.
    pub(crate) fn read(value: &OsStr) -> Option<Self> {
        let mut parts = value.to_str()?.splitn(3, ':');
        let mut next = || parts.next();
        Some(Self {
            copy: u64::from_str_radix(next()?, 16).ok()?,
            depth: next()?.parse().ok()?,
            address: next()?.to_owned(),
        })
    }

    /// Whether this process must become a worker of this copy.
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
    fn invitation_of_another_copy_is_not_accepted() {
        let own = Invitation::new(1, "1").unwrap();
        let copy = own.copy + 8;
        let other = Invitation { copy, ..own };
        let read = Invitation::read(other.write().as_ref()).unwrap();
        assert!(!read.is_for_this_copy());
    }

    #[test]
    fn value_that_no_copy_has_written_is_not_an_invitation() {
        for value in ["", "1", "garbled", "x:1:1", "1:x:1", "1:2", "\u{fffd}"] {
            assert_eq!(Invitation::read(value.as_ref()), None, "{value}");
        }
    }
}
