//! The body of a task: an expression before `@`, a word that begins a clause, or `;`.

use super::{begins_statement, comma_ends_statement, trees_ahead};
use crate::source;
use crate::syntax::CLAUSE_WORDS;
use proc_macro2::{TokenStream, TokenTree};
use syn::parse::ParseStream;
use syn::parse::discouraged::Speculative;
use syn::{Expr, Result, Token};

/// An expression and its text.
pub(super) struct Body {
    pub(super) expression: Expr,
    pub(super) source: String,
}

/// Reads the body of task `name`.
///
/// syn's parser stops where an expression ends, which is nearly always the end of the body.
/// If a clause could also continue the expression (`0..` before `via`), the body is cut at the first `@` or clause word
/// that follows a whole expression.
pub(super) fn parse(name: &str, input: ParseStream<'_>) -> Result<Body> {
    let ahead = trees_ahead(input);
    if input.peek(Token![;]) || input.peek(Token![@]) {
        return Err(missing(name, input));
    }
    let fork = input.fork();
    let whole = fork.parse::<Expr>();
    if whole.is_err() || !ends(&fork) {
        for length in cuts(&ahead) {
            let prefix: TokenStream = ahead[..length].iter().cloned().collect();
            if let Ok(expression) = syn::parse2::<Expr>(prefix.clone()) {
                for _ in 0..length {
                    input.parse::<TokenTree>()?;
                }
                let source = source::text(&prefix);
                return Ok(Body { expression, source });
            }
        }
    }
    let begins_with_clause = cuts(&ahead).first() == Some(&0) && !at_clause_or_end(&fork);
    let expression = match whole {
        _ if begins_with_clause => return Err(missing(name, input)),
        Err(error) => return Err(error),
        Ok(expression) => expression,
    };
    let length = ahead.len() - trees_ahead(&fork).len();
    input.advance_to(&fork);
    let tokens = ahead[..length].iter().cloned().collect();
    let source = source::text(&tokens);
    Ok(Body { expression, source })
}

fn ends(input: ParseStream<'_>) -> bool {
    at_clause_or_end(input) || begins_statement(input) || comma_ends_statement(input)
}

fn missing(name: &str, input: ParseStream<'_>) -> syn::Error {
    let message = format!("the body of `{name}` is missing: `{name} = expression;`");
    syn::Error::new(input.span(), message)
}

/// True before `;`, `@`, or a word that begins a clause.
pub(super) fn at_clause_or_end(input: ParseStream<'_>) -> bool {
    input.is_empty() || input.peek(Token![;]) || input.peek(Token![@]) || at_clause_word(input)
}

pub(super) fn at_clause_word(input: ParseStream<'_>) -> bool {
    let ident = input.cursor().ident();
    ident.is_some_and(|(ident, _)| CLAUSE_WORDS.iter().any(|word| ident == word))
}

/// The number of token trees before each `@` and each clause word.
fn cuts(trees: &[TokenTree]) -> Vec<usize> {
    let is_cut = |tree: &TokenTree| match tree {
        TokenTree::Punct(punct) => punct.as_char() == '@',
        TokenTree::Ident(ident) => CLAUSE_WORDS.iter().any(|word| ident == word),
        _ => false,
    };
    let indexed = trees.iter().enumerate();
    indexed
        .filter(|(_, tree)| is_cut(tree))
        .map(|(index, _)| index)
        .collect()
}
