//! The reasons why a value cannot be encoded or decoded.

use serde::de::{Expected, Unexpected};
use std::cell::Cell;
use std::fmt;

thread_local! {
    /// Whether a visitor refused a text or bytes because it only accepts borrowed ones, as the visitor of `&'static
    /// str` does.
    ///
    /// This is not a part of the fault, because an `untagged` type drops the faults of its variants.
    pub(super) static WANTS_LOAN: Cell<bool> = const { Cell::new(false) };
}

/// Why a value cannot be encoded or decoded.
#[derive(Debug)]
pub(crate) struct Fault {
    message: String,
    /// The field that contains the value, as a path from the outermost field.
    path: String,
    /// Whether the message already names the type and field that differ.
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

    /// Adds an explanation, unless an inner value has added one.
    pub(super) fn explained(mut self, why: impl FnOnce() -> String) -> Self {
        if !self.is_explained {
            self.message = format!("{}: {}", self.message, why());
            self.is_explained = true;
        }
        self
    }

    /// The fault of a value inside the field of this name.
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
        // Serde's derive names the type and the skipped variant, but not the attribute.
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
