//! The text of tokens as it was written, and a number that tells one graph from another.

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

/// Which macro, if any, a token comes from: names of one text are different variables if this differs.
///
/// Stable Rust tells it only where a span is printed, as in `#3 bytes(17..18)`; empty where it does not.
pub(crate) fn context(span: Span) -> String {
    let printed = format!("{span:?}");
    let (context, _) = printed.split_once(" bytes").unwrap_or_default();
    context.to_owned()
}

/// Whether two names mean the same variable where both are known.
pub(crate) fn is_same_name(a: &Ident, b: &Ident) -> bool {
    name_of(a) == name_of(b) && context(a.span()) == context(b.span())
}

/// Uses a variable, which rustc would warn of otherwise, without an `allow` that a user's `forbid` forbids.
///
/// It does not warn of a name that begins with `_`, and clippy would of its use.
pub(crate) fn used(name: &Ident) -> Option<TokenStream> {
    let is_warned_of = !name_of(name).starts_with('_');
    is_warned_of.then(|| quote_spanned!(origin::span()=> let _ = &#name;))
}

/// What tells an expression from others: its text, and where the names in it begin to come from another macro.
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
            TokenTree::Ident(name) => f(context(name.span())),
            TokenTree::Literal(literal) => f(context(literal.span())),
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

/// Where something begins and ends.
type Place = (LineColumn, LineColumn);

fn place(span: Span) -> Place {
    (span.start(), span.end())
}

/// Where the brackets of a group are, even if syn has made it anew and knows only where it is as a whole.
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

/// A number for the graph written as `tokens` at `place`; equal text at equal places is equal.
///
/// FNV-1a, 64 bits: the same whatever the compiler, the platform and the order of hash tables.
pub(crate) fn hash(tokens: &TokenStream, place: &str) -> u64 {
    let text = tokens.to_string();
    let bytes = place.bytes().chain([0]).chain(text.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A number for a body: equal if the text is, and if the same of its names come from one macro.
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
    fn place_tells_equal_texts_apart() {
        let tokens: TokenStream = "a = f(1);".parse().expect("test source should be tokens");
        assert_ne!(hash(&tokens, "x.rs:1:1"), hash(&tokens, "x.rs:2:1"));
        assert_eq!(hash(&tokens, "x.rs:1:1"), hash(&tokens, "x.rs:1:1"));
    }
}
