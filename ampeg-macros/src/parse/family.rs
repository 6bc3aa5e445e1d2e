//! The indices after a name: `[i in 0..n, j in 0..=i]`, or `[0]` for one member.

use crate::syntax::{Index, name_of};
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{Expr, Ident, Result, Token, bracketed, token};

/// Reads the indices of the family or group `name`, if there are any.
pub(super) fn parse(name: &Ident, input: ParseStream<'_>) -> Result<Vec<Index>> {
    if !input.peek(token::Bracket) {
        return Ok(Vec::new());
    }
    let content;
    let brackets = bracketed!(content in input);
    if content.is_empty() {
        let name = name_of(name);
        let message = format!("the brackets hold the indices of a family: `{name}[i in 0..n]`");
        return Err(syn::Error::new(brackets.span.join(), message));
    }
    let indices = Punctuated::<Index, Token![,]>::parse_terminated_with(&content, index)?;
    Ok(indices.into_iter().collect())
}

/// `i in range`, or the expression that is the only value of an index.
fn index(input: ParseStream<'_>) -> Result<Index> {
    if input.peek(Ident) && input.peek2(Token![in]) {
        let name = input.parse()?;
        input.parse::<Token![in]>()?;
        let range = input.parse()?;
        return Ok(Index::Each { name, range });
    }
    if input.peek2(Token![in]) {
        let message = "an index is a name: `i in 0..n`";
        return Err(syn::Error::new(input.span(), message));
    }
    let only: Expr = input.parse()?;
    if let Expr::Range(_) = only {
        let message = "the index of each member needs a name: `i in 0..n`";
        return Err(syn::Error::new_spanned(only, message));
    }
    Ok(Index::Only(only))
}
