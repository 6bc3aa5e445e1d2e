//! The text of tokens as written, hashes of it, and the hygiene context of names.

use crate::origin;
use crate::syntax::name_of;
use proc_macro2::{Delimiter, Group, Ident, LineColumn, Spacing, Span, TokenStream, TokenTree};
use quote::quote_spanned;
use std::collections::HashMap;

/// The text of `tokens`, with one space wherever the source has a gap.
///
/// Falls back on the compiler's own spacing for tokens without a place (those that another macro made).
pub(crate) fn text(tokens: &TokenStream) -> String {
    let mut writer = Writer::default();
    writer.stream(tokens);
    writer.text
}

/// The hygiene context of a token: two names with the same text but different contexts are different variables.
///
/// Stable Rust exposes it only in the `Debug` text of a span. If a compiler prints spans in another form, the result is
/// `None`: names with the same text then count as one variable, but they are never merged ([`merge_context`]).
pub(crate) fn context(span: Span) -> Option<String> {
    printed_context(&format!("{span:?}")).map(str::to_owned)
}

/// The `#3` of `#3 bytes(17..18)`; empty in `bytes(17..18)`, which spans print outside of a compiler.
fn printed_context(printed: &str) -> Option<&str> {
    let (context, _) = printed.split_once("bytes(")?;
    let context = context.trim_end();
    (context.is_empty() || context.starts_with('#')).then_some(context)
}

/// The text that distinguishes names where equal ones are merged: the hygiene context or, if that is unknown, the place.
pub(crate) fn merge_context(span: Span) -> String {
    context(span).unwrap_or_else(|| {
        let LineColumn { line, column } = span.start();
        format!("{line}:{column}")
    })
}

/// Whether two names mean the same variable where both are in scope.
pub(crate) fn is_same_name(a: &Ident, b: &Ident) -> bool {
    name_of(a) == name_of(b) && context(a.span()) == context(b.span())
}

/// A statement that uses a variable, so that rustc does not warn of an unused one. A user's `forbid` would refuse `allow`.
///
/// There is none for a name that begins with `_`: rustc does not warn of it, and clippy would warn of its use.
pub(crate) fn used(name: &Ident) -> Option<TokenStream> {
    let is_warned_of = !name_of(name).starts_with('_');
    is_warned_of.then(|| quote_spanned!(origin::span()=> let _ = &#name;))
}

/// The text that distinguishes an expression: its tokens, and the places where the hygiene context of its names changes.
pub(crate) fn identity(tokens: &TokenStream) -> String {
    let mut identity = text(tokens);
    let (mut number, mut last) = (0, String::new());
    each_context(tokens, &mut |context| {
        if context != last {
            identity.extend(["@", &number.to_string(), &context]);
            last = context;
        }
        number += 1;
    });
    identity
}

/// Calls `f` with the context of each name, and of each literal, since a format string may name something.
fn each_context(tokens: &TokenStream, f: &mut dyn FnMut(String)) {
    for tree in tokens.clone() {
        match tree {
            TokenTree::Ident(name) => f(merge_context(name.span())),
            TokenTree::Literal(literal) => f(merge_context(literal.span())),
            TokenTree::Group(group) => each_context(&group.stream(), f),
            TokenTree::Punct(_) => {}
        }
    }
}

#[derive(Default)]
struct Writer {
    text: String,
    end: Option<LineColumn>,
    joint: bool,
}

impl Writer {
    fn stream(&mut self, tokens: &TokenStream) {
        for tree in tokens.clone() {
            match tree {
                TokenTree::Group(group) => {
                    let (open, close) = match group.delimiter() {
                        Delimiter::Parenthesis => ("(", ")"),
                        Delimiter::Brace => ("{", "}"),
                        Delimiter::Bracket => ("[", "]"),
                        Delimiter::None => ("", ""),
                    };
                    let (first, last) = brackets(&group);
                    self.leaf(open, first);
                    self.stream(&group.stream());
                    self.leaf(close, last);
                }
                TokenTree::Punct(punct) => {
                    self.leaf(&punct.to_string(), place(punct.span()));
                    self.joint = punct.spacing() == Spacing::Joint;
                }
                TokenTree::Ident(ident) => self.leaf(&ident.to_string(), place(ident.span())),
                TokenTree::Literal(literal) => {
                    self.leaf(&literal.to_string(), place(literal.span()));
                }
            }
        }
    }

    fn leaf(&mut self, text: &str, (start, end): Place) {
        if text.is_empty() {
            return;
        }
        if self.end.is_some_and(|end| end != start) && !self.joint {
            self.text.push(' ');
        }
        self.text.push_str(text);
        self.end = Some(end);
        self.joint = false;
    }
}

/// The start and end of a token.
type Place = (LineColumn, LineColumn);

fn place(span: Span) -> Place {
    (span.start(), span.end())
}

/// The places of the brackets of a group. A group that syn has printed has only one span, from which they are derived.
fn brackets(group: &Group) -> (Place, Place) {
    let (whole, open, close) = (
        place(group.span()),
        place(group.span_open()),
        place(group.span_close()),
    );
    if open != whole || group.delimiter() == Delimiter::None {
        return (open, close);
    }
    let (start, end) = whole;
    let after = LineColumn {
        column: start.column + 1,
        ..start
    };
    let before = LineColumn {
        column: end.column.saturating_sub(1),
        ..end
    };
    ((start, after), (before, end))
}

/// A number for the graph written as `tokens` at `place`; it is equal for equal text at equal places.
///
/// FNV-1a, 64 bits: it depends neither on the compiler nor on the platform nor on the order of hash tables.
pub(crate) fn hash(tokens: &TokenStream, place: &str) -> u64 {
    let text = tokens.to_string();
    let bytes = place.bytes().chain([0]).chain(text.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A number for a body; it is equal if the text is, and if the same names have equal hygiene contexts.
pub(crate) fn hash_body(tokens: &TokenStream) -> u64 {
    let mut numbers = HashMap::new();
    let mut contexts = String::new();
    each_context(tokens, &mut |context| {
        let next = numbers.len();
        let number = *numbers.entry(context).or_insert(next);
        contexts.push_str(&number.to_string());
        contexts.push(',');
    });
    hash(tokens, &contexts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(source: &str) -> String {
        text(&source.parse().expect("test source should be tokens"))
    }

    #[test]
    fn gaps_are_kept_as_single_spaces() {
        assert_eq!(round_trip("add(a,  &b)\n  + 1"), "add(a, &b) + 1");
        assert_eq!(round_trip("a.0[1..=n]"), "a.0[1..=n]");
        assert_eq!(round_trip("|x| -> u8 { x as u8 }"), "|x| -> u8 { x as u8 }");
    }

    #[test]
    fn brackets_that_syn_has_read_are_written_as_they_were() {
        for source in ["x[i - 1][..]", "f( &a[0] )", "shard[k].b", "g(1, [2])"] {
            let expression: syn::Expr =
                syn::parse_str(source).expect("test source should be an expression");
            assert_eq!(text(&quote::quote!(#expression)), source);
        }
    }

    #[test]
    fn macro_of_a_name_is_read_from_its_span_or_unknown() {
        assert_eq!(printed_context("#3 bytes(17..18)"), Some("#3"));
        assert_eq!(printed_context("bytes(17..18)"), Some(""));
        for other in ["", "#3", "src/lib.rs:1:2: 1:5 (#3)", "ctxt 3 bytes(17..18)"] {
            assert_eq!(printed_context(other), None, "{other}");
        }
        let names: TokenStream = "a a".parse().expect("test source should be tokens");
        let contexts = names.into_iter().map(|name| context(name.span()));
        assert!(
            contexts
                .into_iter()
                .all(|context| context == Some(String::new()))
        );
    }

    #[test]
    fn place_distinguishes_equal_texts() {
        let tokens: TokenStream = "a = f(1);".parse().expect("test source should be tokens");
        assert_ne!(hash(&tokens, "x.rs:1:1"), hash(&tokens, "x.rs:2:1"));
        assert_eq!(hash(&tokens, "x.rs:1:1"), hash(&tokens, "x.rs:1:1"));
    }
}
