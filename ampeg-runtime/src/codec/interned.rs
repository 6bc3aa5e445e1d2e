//! Texts and bytes that live as long as the program, for types that borrow them: `&'static str`, `&'static [u8]`.
//!
//! Each is kept once. What a program calls `'static` is in its executable, or was leaked by it, so they are few.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// The text, for ever.
pub(super) fn text(text: &str) -> &'static str {
    static KNOWN: Mutex<Option<HashSet<&str>>> = Mutex::new(None);
    intern(&KNOWN, text, |text| Box::leak(text.into()))
}

/// The bytes, for ever.
pub(super) fn bytes(bytes: &[u8]) -> &'static [u8] {
    static KNOWN: Mutex<Option<HashSet<&[u8]>>> = Mutex::new(None);
    intern(&KNOWN, bytes, |bytes| Box::leak(bytes.into()))
}

fn intern<T: Eq + Hash + ?Sized>(
    known: &Mutex<Option<HashSet<&'static T>>>,
    value: &T,
    leak: fn(&T) -> &'static T,
) -> &'static T {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    if let Some(&found) = known.get(value) {
        return found;
    }
    let leaked = leak(value);
    known.insert(leaked);
    leaked
}
