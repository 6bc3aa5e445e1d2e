//! Texts and bytes that live as long as the program, for types that borrow: `&'static str`, `&'static [u8]`.
//!
//! Equal texts and bytes are leaked once. A program has few of them, because they come from its executable or were
//! leaked by it.
//! Types that own their text, like `String`, copy it from the message instead.

use super::Fault;
use serde::de::Visitor;
use std::any::type_name;
use std::collections::HashSet;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// Whether a visitor returns the reference that it gets, as the visitor of `&'static str` does.
#[inline]
fn borrows<T>() -> bool {
    type_name::<T>().starts_with('&')
}

/// Passes a text to a visitor. The text is leaked if the visitor borrows it, or if `lends` is true.
#[inline]
pub(super) fn visit_text<'de, V: Visitor<'de>>(
    value: &str,
    lends: bool,
    visitor: V,
) -> Result<V::Value, Fault> {
    if lends || borrows::<V::Value>() {
        visitor.visit_borrowed_str(text(value))
    } else {
        visitor.visit_str(value)
    }
}

/// Like [`visit_text`], for bytes.
#[inline]
pub(super) fn visit_bytes<'de, V: Visitor<'de>>(
    value: &[u8],
    lends: bool,
    visitor: V,
) -> Result<V::Value, Fault> {
    if lends || borrows::<V::Value>() {
        visitor.visit_borrowed_bytes(bytes(value))
    } else {
        visitor.visit_bytes(value)
    }
}

/// The same text, leaked once.
fn text(text: &str) -> &'static str {
    static KNOWN: Mutex<Option<HashSet<&str>>> = Mutex::new(None);
    intern(&KNOWN, text, |text| Box::leak(text.into()))
}

/// The same bytes, leaked once.
fn bytes(bytes: &[u8]) -> &'static [u8] {
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
