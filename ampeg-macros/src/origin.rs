//! The path to the crate `ampeg` in generated code: a program may rename it, or know it only through another crate.
//!
//! `ampeg::graph!` passes `$crate` to the procedural macro. Generated code is written with `::ampeg`, which is replaced by
//! `$crate` at the end.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use std::cell::Cell;
use syn::Ident;

thread_local! {
    static SITE: Cell<Option<Span>> = const { Cell::new(None) };
}

/// The span of generated tokens. No token of the user can refer to a name with this span.
///
/// It is the span of `$crate` in `ampeg::graph!`. If the path to the crate came from another macro than the tokens after
/// it, rustc would underline the whole graph instead of the token concerned.
pub(crate) fn span() -> Span {
    SITE.get().unwrap_or_else(Span::mixed_site)
}

/// Expands a graph; generated tokens have the span of `origin`.
pub(crate) fn expand_at(origin: &TokenStream, expand: impl FnOnce() -> TokenStream) -> TokenStream {
    let last = origin.clone().into_iter().last();
    SITE.set(last.map(|tree| tree.span()));
    let expanded = expand();
    SITE.set(None);
    replace(expanded, origin)
}

/// Splits `[$crate]` from the front of a graph, if it is there.
pub(crate) fn split(tokens: TokenStream) -> (Option<TokenStream>, TokenStream) {
    let mut trees = tokens.clone().into_iter();
    let origin = match trees.next() {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket => {
            let mut content = group.stream().into_iter();
            match (content.next(), content.next()) {
                (Some(TokenTree::Ident(origin)), None) if origin == "$crate" => {
                    Some(group.stream())
                }
                _ => None,
            }
        }
        _ => None,
    };
    if origin.is_some() {
        (origin, trees.collect())
    } else {
        (None, tokens)
    }
}

/// Replaces each absolute path `::ampeg` in generated code by `origin`.
///
/// The new path keeps the location of the old one, where rustc reports errors, and is resolved as in the program.
pub(crate) fn replace(tokens: TokenStream, origin: &TokenStream) -> TokenStream {
    replaced(&tokens, origin).unwrap_or(tokens)
}

/// As [`replace`], but `None` if nothing changes, since a new group loses the places of its brackets.
fn replaced(tokens: &TokenStream, origin: &TokenStream) -> Option<TokenStream> {
    let mut is_changed = false;
    let mut trees: Vec<TokenTree> = Vec::new();
    for tree in tokens.clone() {
        match tree {
            TokenTree::Ident(name) if name == "ampeg" && ends_with_root(&trees) => {
                trees.truncate(trees.len() - 2);
                trees.extend(origin.clone().into_iter().map(|mut tree| {
                    tree.set_span(tree.span().located_at(name.span()));
                    tree
                }));
                is_changed = true;
            }
            TokenTree::Group(group) => trees.push(match replaced(&group.stream(), origin) {
                None => group.into(),
                Some(content) => {
                    let mut changed = Group::new(group.delimiter(), content);
                    changed.set_span(group.span());
                    is_changed = true;
                    changed.into()
                }
            }),
            tree => trees.push(tree),
        }
    }
    is_changed.then(|| trees.into_iter().collect())
}

/// Whether the last tokens are a `::` that begins a path.
fn ends_with_root(trees: &[TokenTree]) -> bool {
    let is_colon = |tree: &TokenTree| matches!(tree, TokenTree::Punct(it) if it.as_char() == ':');
    match trees {
        [before @ .., first, second] if is_colon(first) && is_colon(second) => {
            match before.last() {
                // After a keyword, `::` begins a path; after a name, it continues one.
                Some(TokenTree::Ident(name)) => syn::parse_str::<Ident>(&name.to_string()).is_err(),
                _ => true,
            }
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths_are_replaced() {
        let cases = [
            ("::ampeg::Graph", "there :: Graph"),
            ("impl ::ampeg::Values for X", "impl there :: Values for X"),
            ("(<X as ::ampeg::Y>)", "(< X as there :: Y >)"),
            ("other::ampeg::Graph", "other :: ampeg :: Graph"),
            ("ampeg::Graph", "ampeg :: Graph"),
            ("{ ampeg }", "{ ampeg }"),
        ];
        let origin = quote::quote!(there);
        for (text, expected) in cases {
            let tokens: TokenStream = text.parse().unwrap();
            let expected: TokenStream = expected.parse().unwrap();
            assert_eq!(replace(tokens, &origin).to_string(), expected.to_string());
        }
    }

    #[test]
    fn graph_without_an_origin_stays_as_it_is() {
        for text in ["a = 1;", "[a] b", "[a, b]", ""] {
            let tokens: TokenStream = text.parse().unwrap();
            let (origin, rest) = split(tokens.clone());
            assert!(origin.is_none());
            assert_eq!(rest.to_string(), tokens.to_string());
        }
    }
}
