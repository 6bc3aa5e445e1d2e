//! The clauses after a body: `@ cost`, `via comm`, `within duration`, `retry count`.

use super::body::{at_clause_or_end, at_clause_word};
use super::{begins_statement, comma_ends_statement};
use crate::diagnostics::Diagnostics;
use crate::suggest;
use crate::syntax::{CLAUSE_WORDS, Clause, Clauses, Dependency, Via};
use proc_macro2::{Span, TokenTree};
use syn::parse::ParseStream;
use syn::{Expr, Ident, Result, Token, braced, token};

/// Reads clauses up to the `;` or the next statement; reports unknown, repeated and malformed ones.
pub(super) fn parse(name: &str, input: ParseStream<'_>, diagnostics: &mut Diagnostics) -> Clauses {
    let mut clauses = Clauses::default();
    while !ends(input) {
        if let Err(error) = clause(name, input, &mut clauses, diagnostics) {
            diagnostics.push(error);
            while !at_clause_or_end(input) && !ends(input) {
                // Not empty, so there is a token.
                let _ = input.parse::<TokenTree>();
            }
        }
    }
    clauses
}

fn ends(input: ParseStream<'_>) -> bool {
    input.is_empty()
        || input.peek(Token![;])
        || begins_statement(input)
        || comma_ends_statement(input)
}

fn clause(
    name: &str,
    input: ParseStream<'_>,
    clauses: &mut Clauses,
    diagnostics: &mut Diagnostics,
) -> Result<()> {
    let keyword = input.span();
    if !input.peek(Token![@]) && !at_clause_word(input) {
        return Err(unknown(input));
    }
    let tree: TokenTree = input.parse()?;
    let repeated = match tree.to_string().as_str() {
        "@" => set(&mut clauses.cost, keyword, cost(input, "@")?),
        "via" => set(&mut clauses.via, keyword, via(input)?),
        "within" => set(
            &mut clauses.within,
            keyword,
            operand(input, "a `Duration` after `within`")?,
        ),
        _ => set(
            &mut clauses.retry,
            keyword,
            operand(input, "a number after `retry`")?,
        ),
    };
    if repeated {
        diagnostics.error_at(
            keyword,
            format!("`{tree}` is given twice for task `{name}`"),
        );
    }
    Ok(())
}

/// Keeps the first operand of a clause; true if there was one already.
fn set<T>(slot: &mut Option<Clause<T>>, keyword: Span, operand: T) -> bool {
    let repeated = slot.is_some();
    slot.get_or_insert(Clause { keyword, operand });
    repeated
}

fn unknown(input: ParseStream<'_>) -> syn::Error {
    let span = input.span();
    let known = "after the body come `@ cost`, `via`, `within`, `retry`, then `;`";
    let Some((word, _)) = input.cursor().ident() else {
        return syn::Error::new(span, format!("unexpected token; {known}"));
    };
    let word = word.to_string();
    let near = suggest::nearest(&word, CLAUSE_WORDS).or_else(|| meant(&word));
    let message = match near {
        Some(near) => format!("unknown clause `{word}`; did you mean `{near}`?"),
        None => format!("unknown clause `{word}`; {known}"),
    };
    syn::Error::new(span, message)
}

/// The clause for a word that other tools use.
fn meant(word: &str) -> Option<&'static str> {
    match word {
        "cost" | "costs" | "takes" | "weight" | "at" => Some("@"),
        "communication" | "comm" | "transfer" => Some("via"),
        "timeout" | "deadline" | "in" => Some("within"),
        "retries" | "attempts" | "times" => Some("retry"),
        _ => None,
    }
}

fn cost(input: ParseStream<'_>, keyword: &str) -> Result<Expr> {
    operand(input, &format!("a cost after `{keyword}`"))
}

fn operand(input: ParseStream<'_>, what: &str) -> Result<Expr> {
    let begins_other_clause = at_clause_word(input)
        && (input.peek2(syn::Lit) || input.peek2(token::Brace) || input.peek2(Ident));
    if input.peek(Token![;]) || input.peek(Token![@]) || begins_other_clause {
        return Err(syn::Error::new(input.span(), format!("expected {what}")));
    }
    input.parse()
}

fn via(input: ParseStream<'_>) -> Result<Via> {
    if !input.peek(token::Brace) || !begins_map(input)? {
        return cost(input, "via").map(|cost| Via::All(Box::new(cost)));
    }
    let content;
    braced!(content in input);
    let mut costs = Vec::new();
    while !content.is_empty() {
        let dependency = Dependency::parse_separated_nonempty(&content)?;
        content.parse::<Token![:]>()?;
        costs.push((dependency, cost(&content, ":")?));
        if !content.is_empty() {
            content.parse::<Token![,]>()?;
        }
    }
    Ok(Via::Each(costs))
}

/// True if the braces ahead hold `name: …`, `left.name: …` or nothing; else they are a block.
fn begins_map(input: ParseStream<'_>) -> Result<bool> {
    let fork = input.fork();
    let content;
    braced!(content in fork);
    let is_empty = content.is_empty();
    let is_path = Dependency::parse_separated_nonempty(&content).is_ok();
    let named = is_path && content.peek(Token![:]) && !content.peek(Token![::]);
    Ok(is_empty || named)
}
