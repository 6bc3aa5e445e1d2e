//! The reasons why a value cannot be encoded or decoded.

use serde::de::{Expected, Unexpected};
use std::cell::Cell;
use std::fmt;

thread_local! {
    /// Whether a text or bytes were refused, as by `&'static str`, which only takes what is lent.
    ///
    /// Not in the fault, since an `untagged` type drops the faults of its variants.
    pub(super) static WANTS_LOAN: Cell<bool> = const { Cell::new(false) };
}

/// Why a value cannot be encoded or decoded.
#[derive(Debug)]
pub(crate) struct Fault {
    message: String,
    /// The fields that the value is in, outer ones first.
    path: String,
    /// Whether the message says which type disagrees with itself, and in what.
    is_explained: bool,
}

impl Fault {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            path: String::new(),
            is_explained: false,
        }
    }

    /// Adds why, unless something inside has said so.
    pub(super) fn explained(mut self, why: impl FnOnce() -> String) -> Self {
        if !self.is_explained {
            self.message = format!("{}: {}", self.message, why());
            self.is_explained = true;
        }
        self
    }

    /// The fault of a value that is in a field of this name.
    #[cold]
    pub(super) fn inside(mut self, field: &str) -> Self {
        if !self.path.is_empty() {
            self.path.insert(0, '.');
        }
        self.path.insert_str(0, field);
        self
    }

    pub(super) fn into_message(self) -> String {
        if self.path.is_empty() {
            return self.message;
        }
        format!("its field `{}`: {}", self.path, self.message)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl serde::ser::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        // What serde's derive says of a variant that is not to be written names type and variant, not the attribute.
        if message.starts_with("the enum variant ") {
            return Self::new(message + " (it has the attribute `skip` or `skip_serializing`)");
        }
        Self::new(message)
    }
}

impl serde::de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let mut fault = Self::new(format!("invalid type: {found}, expected {expected}"));
        if matches!(found, Unexpected::Str(_) | Unexpected::Bytes(_)) {
            WANTS_LOAN.set(true);
        }
        if matches!(found, Unexpected::Other(what) if what.ends_with("128")) {
            fault.message +=
                " (serde has no numbers of 128 bits in `flatten`, `tag` and `untagged`)";
        }
        fault
    }
}
