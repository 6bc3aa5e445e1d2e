//! Whether patterns move the expression that they are compared with, move something out of it, or only borrow it.

use super::{Position, is_variable};
use syn::Pat;

/// The position of an expression that these patterns are compared with.
///
/// A single name moves the whole value. For names inside a pattern, only types decide what is moved.
pub(super) fn position<'p>(patterns: impl IntoIterator<Item = &'p Pat>) -> Position {
    let mut position = Position::Place;
    for pattern in patterns {
        if is_name(pattern) {
            return Position::Value;
        }
        if moves(pattern) {
            position = Position::Receiver;
        }
    }
    position
}

/// Whether a pattern is a single name, bound by value.
fn is_name(pattern: &Pat) -> bool {
    match pattern {
        Pat::Ident(name) => name.by_ref.is_none() && is_variable(&name.ident),
        Pat::Guard(guarded) => is_name(&guarded.pat),
        Pat::Paren(inner) => is_name(&inner.pat),
        Pat::Type(typed) => is_name(&typed.pat),
        _ => false,
    }
}

/// Whether a pattern may bind something by value.
fn moves(pattern: &Pat) -> bool {
    match pattern {
        Pat::Ident(name) => {
            let inner = name.subpat.as_ref().map(|(_, inner)| &**inner);
            name.by_ref.is_none() && is_variable(&name.ident) || inner.is_some_and(moves)
        }
        Pat::Guard(guarded) => moves(&guarded.pat),
        Pat::Or(either) => either.cases.iter().any(moves),
        Pat::Paren(inner) => moves(&inner.pat),
        Pat::Reference(reference) => moves(&reference.pat),
        Pat::Slice(slice) => slice.elems.iter().any(moves),
        Pat::Struct(fields) => fields.fields.iter().any(|field| moves(&field.pat)),
        Pat::Tuple(tuple) => tuple.elems.iter().any(moves),
        Pat::TupleStruct(tuple) => tuple.elems.iter().any(moves),
        Pat::Type(typed) => moves(&typed.pat),
        Pat::Const(_)
        | Pat::Lit(_)
        | Pat::Path(_)
        | Pat::Range(_)
        | Pat::Rest(_)
        | Pat::Wild(_) => false,
        // A macro, or a pattern of a later version of Rust.
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse::Parser;

    fn position_of(patterns: &[&str]) -> Position {
        let parse = |text: &&str| {
            Pat::parse_multi
                .parse_str(text)
                .expect("test source should be a pattern")
        };
        let patterns: Vec<Pat> = patterns.iter().map(parse).collect();
        position(&patterns)
    }

    #[test]
    fn names_move_and_references_do_not() {
        assert_eq!(position_of(&["x"]), Position::Value);
        assert_eq!(position_of(&["mut x"]), Position::Value);
        assert_eq!(position_of(&["Kind::A(_)", "other"]), Position::Value);
        assert_eq!(position_of(&["Some(x)", "None"]), Position::Receiver);
        assert_eq!(position_of(&["Point { x, .. }"]), Position::Receiver);
        assert_eq!(position_of(&["(ref x, [1, .., y])"]), Position::Receiver);
        assert_eq!(position_of(&["Some(ref x)", "None", "_"]), Position::Place);
        assert_eq!(position_of(&["ref x", "LIMIT | 3..=5"]), Position::Place);
    }
}
