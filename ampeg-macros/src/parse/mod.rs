//! The grammar of `graph!`: tokens to [`Item`]s.
//!
//! A bad statement is reported and skipped up to the next `;`, so that every mistake is found.
//! Names are resolved in the next stage.

mod body;
mod clause;
mod family;
mod function;

pub(crate) use function::{is_function, parse_functions, split_values};

use crate::diagnostics::Diagnostics;
use crate::syntax::{Clauses, Group, Index, Item, Statement, name_of};
use proc_macro2::{Punct, Spacing, Span, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Ident, Meta, Result, Token, Type, Visibility, braced, token};

/// Reads all statements; reports those that cannot be read.
///
/// A statement whose name alone could be read is returned without a body.
pub(crate) fn parse(tokens: TokenStream, diagnostics: &mut Diagnostics) -> Vec<Item> {
    let mut items = Vec::new();
    for chunk in chunks(tokens) {
        parse_chunk(chunk, diagnostics, &mut items);
    }
    items
}

/// Tokens up to a `;` outside all brackets, with this `;`: one statement, or several if a `;` is missing.
struct Chunk {
    tokens: TokenStream,
    /// False if the text had no `;`; the chunk then has one at the place of its last token.
    terminated: bool,
}

fn chunks(tokens: TokenStream) -> Vec<Chunk> {
    let is_semicolon =
        |tree: &TokenTree| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ';');
    let mut chunks = Vec::new();
    let mut trees = Vec::new();
    for tree in tokens {
        let ends = is_semicolon(&tree);
        trees.push(tree);
        if ends {
            let tokens = trees.drain(..).collect();
            chunks.push(Chunk {
                tokens,
                terminated: true,
            });
        }
    }
    if let Some(last) = trees.last() {
        let mut semicolon = Punct::new(';', Spacing::Alone);
        semicolon.set_span(end_of(last));
        trees.push(semicolon.into());
        chunks.push(Chunk {
            tokens: trees.into_iter().collect(),
            terminated: false,
        });
    }
    chunks
}

fn parse_chunk(chunk: Chunk, diagnostics: &mut Diagnostics, items: &mut Vec<Item>) {
    let known = diagnostics.len();
    let terminated = chunk.terminated;
    let parsed = (|input: ParseStream<'_>| {
        while !input.is_empty() {
            match header(input, diagnostics) {
                Ok(header) => items.push(header.finish(input, terminated, diagnostics)),
                Err(error) => {
                    diagnostics.push(error);
                    skip(input)?;
                }
            }
        }
        Ok(())
    })
    .parse2(chunk.tokens);
    if let Err(error) = parsed
        && diagnostics.len() == known
    {
        diagnostics.push(error);
    }
}

/// `/// doc  pub name`
struct Header {
    docs: Vec<Attribute>,
    visibility: Option<Token![pub]>,
    name: Ident,
}

fn header(input: ParseStream<'_>, diagnostics: &mut Diagnostics) -> Result<Header> {
    let docs = Attribute::parse_outer(input)?;
    if let Some(other) = docs.iter().find(|attribute| !is_doc(attribute)) {
        let message = "only doc comments may stand before a task";
        return Err(syn::Error::new_spanned(other, message));
    }
    let visibility = match input.parse()? {
        Visibility::Inherited => None,
        Visibility::Public(visibility) => Some(visibility),
        restricted @ Visibility::Restricted(_) => {
            let message = "an output is marked with a plain `pub`: it is a field of the outcome";
            return Err(syn::Error::new_spanned(restricted, message));
        }
    };
    if input.peek(Token![let]) {
        let message = "a task is declared without `let`: `name = expression;`";
        diagnostics.error_at(input.span(), message);
        // Despite the error, a statement follows, which others may use.
        input.parse::<Token![let]>()?;
        input.parse::<Option<Token![mut]>>()?;
    }
    Ok(Header {
        docs,
        visibility,
        name: name(input)?,
    })
}

fn is_doc(attribute: &Attribute) -> bool {
    matches!(&attribute.meta, Meta::NameValue(pair) if pair.path.is_ident("doc"))
}

fn name(input: ParseStream<'_>) -> Result<Ident> {
    let span = input.span();
    let message = if input.peek(Token![_]) {
        "a task needs a name: `name = expression;`"
    } else if input.peek(Token![;]) {
        "there is no statement before this `;`"
    } else if input.peek(Ident) {
        return input.parse();
    } else if let Some((keyword, next)) = input.cursor().ident()
        && is_raw(&keyword)
        && matches!(next.punct(), Some((sign, _)) if matches!(sign.as_char(), '=' | ':' | '@'))
    {
        let message =
            format!("`{keyword}` is a keyword of Rust: take another name, or write `r#{keyword}`");
        return Err(syn::Error::new(span, message));
    } else {
        "expected the name of a task: `name = expression;`"
    };
    Err(syn::Error::new(span, message))
}

/// True if a keyword can be a name when written raw.
fn is_raw(keyword: &Ident) -> bool {
    !matches!(&*keyword.to_string(), "self" | "Self" | "super" | "crate")
}

impl Header {
    /// Reads the rest of a statement or group; reports a mistake in a statement, which then has no body.
    fn finish(
        self,
        input: ParseStream<'_>,
        terminated: bool,
        diagnostics: &mut Diagnostics,
    ) -> Item {
        let all = trees_ahead(input);
        let indices = family::parse(&self.name, input).unwrap_or_else(|error| {
            diagnostics.push(error);
            Vec::new()
        });
        if input.peek(Token![:]) && input.peek2(token::Brace) {
            return Item::Group(self.group(indices, input, diagnostics));
        }
        let mut statement = Statement {
            docs: self.docs,
            visibility: self.visibility,
            name: self.name,
            indices,
            ty: None,
            body: None,
            source: String::new(),
            clauses: Clauses::default(),
        };
        if let Err(error) = define(&mut statement, input, diagnostics) {
            diagnostics.push(error);
            // Nothing can be skipped at the end of the chunk.
            let _ = skip(input);
        } else {
            end(&statement.name, input, &all, terminated, diagnostics);
        }
        Item::Statement(Box::new(statement))
    }

    /// Reads `: { … }` and the `;` that may follow it.
    fn group(
        self,
        indices: Vec<Index>,
        input: ParseStream<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Group {
        if let Some(visibility) = &self.visibility {
            let name = name_of(&self.name);
            let message =
                format!("`{name}` is a group; `pub` stands on the tasks inside that are outputs");
            diagnostics.error(visibility, message);
        }
        let content = (|input: ParseStream<'_>| {
            input.parse::<Token![:]>()?;
            let content;
            braced!(content in input);
            input.parse::<Option<Token![;]>>()?;
            content.parse::<TokenStream>()
        })(input);
        Group {
            docs: self.docs,
            name: self.name,
            indices,
            items: content.map_or_else(|_| Vec::new(), |tokens| parse(tokens, diagnostics)),
        }
    }
}

/// Reads `: Type = body clauses` into a statement.
fn define(
    statement: &mut Statement,
    input: ParseStream<'_>,
    diagnostics: &mut Diagnostics,
) -> Result<()> {
    let name = name_of(&statement.name);
    if input.peek(Token![:]) && !input.peek(Token![::]) {
        let colon = input.parse::<Token![:]>()?;
        let ty = input.parse::<Type>();
        if !is_assigned(input) {
            let message = format!(
                "expected `=` before what `{name}` computes: `{name} = expression;`; after `:` comes its type"
            );
            return Err(syn::Error::new(colon.span, message));
        }
        statement.ty = Some(ty.map_err(|error| {
            let message = format!("expected a type after `:`, as in `{name}: i64 = expression;`");
            syn::Error::new(error.span(), message)
        })?);
    }
    let found = ["==", "=>"]
        .into_iter()
        .zip([input.peek(Token![==]), input.peek(Token![=>])]);
    if let Some((sign, _)) = found.into_iter().find(|(_, is_there)| *is_there) {
        let message =
            format!("expected `=` after the task's name, not `{sign}`: `{name} = expression;`");
        return Err(syn::Error::new(input.span(), message));
    }
    if input.peek(Token![!]) {
        let message = "a macro cannot declare tasks: write them here, or let the macro give the whole `graph!`";
        return Err(syn::Error::new(input.span(), message));
    }
    if !input.peek(Token![=]) {
        let message = format!("expected `=` after the task's name: `{name} = expression;`");
        return Err(syn::Error::new(input.span(), message));
    }
    input.parse::<Token![=]>()?;
    let body = body::parse(&name, input)?;
    statement.body = Some(body.expression);
    statement.source = body.source;
    statement.clauses = clause::parse(&name, input, diagnostics);
    Ok(())
}

/// True if a single `=` comes before the end of the statement.
fn is_assigned(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    while !ahead.is_empty() && !ahead.peek(Token![;]) {
        if ahead.peek(Token![=]) && !ahead.peek(Token![==]) && !ahead.peek(Token![=>]) {
            return true;
        }
        // Not empty, so there is a token.
        let _ = ahead.parse::<TokenTree>();
    }
    false
}

/// Reads the `;`; reports a missing `;`, and tokens that belong neither to a clause nor to the next statement.
fn end(
    name: &Ident,
    input: ParseStream<'_>,
    all: &[TokenTree],
    terminated: bool,
    diagnostics: &mut Diagnostics,
) {
    if comma_ends_statement(input) {
        let span = input.span();
        let message = format!("the statement of `{name}` ends with `;`, not with `,`");
        diagnostics.error_at(span, message);
        let _ = input.parse::<Token![,]>();
        let _ = input.parse::<Option<Token![;]>>();
    } else if input.peek(Token![;]) {
        let semicolon = input.parse::<Token![;]>();
        if !terminated && input.is_empty() {
            let span = semicolon.map_or_else(|_| Span::call_site(), |token| token.span);
            diagnostics.error_at(span, format!("missing `;` after the statement of `{name}`"));
        }
    } else if begins_statement(input) {
        let done = all.len() - trees_ahead(input).len();
        let span = all.get(done - 1).map_or_else(|| input.span(), end_of);
        diagnostics.error_at(span, format!("missing `;` after the statement of `{name}`"));
    } else {
        // The clauses have reported these tokens.
        let _ = skip(input);
    }
}

/// True before a `,` in place of a `;`: another statement follows it, or nothing.
fn comma_ends_statement(input: ParseStream<'_>) -> bool {
    let after = input.fork();
    let is_comma = after.parse::<Token![,]>().is_ok();
    is_comma && (after.is_empty() || after.peek(Token![;]) || begins_statement(&after))
}

/// True if what follows can only be another statement: a doc comment, `pub`, `name =`, `name: Type =`, `name[…] =`.
fn begins_statement(input: ParseStream<'_>) -> bool {
    if input.peek(Ident) && input.peek2(token::Bracket) {
        return (input.peek3(Token![=]) && !input.peek3(Token![==]) && !input.peek3(Token![=>]))
            || (input.peek3(Token![:]) && !input.peek3(Token![::]));
    }
    let assigned = input.peek2(Token![=]) && !input.peek2(Token![==]) && !input.peek2(Token![=>]);
    let typed = input.peek2(Token![:]) && !input.peek2(Token![::]);
    input.peek(Token![#]) || input.peek(Token![pub]) || input.peek(Ident) && (assigned || typed)
}

/// Passes over everything up to and with the next `;` outside all brackets.
fn skip(input: ParseStream<'_>) -> Result<()> {
    while !input.is_empty() {
        let tree: TokenTree = input.parse()?;
        if matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ';') {
            break;
        }
    }
    Ok(())
}

/// The token trees that have not been read yet.
fn trees_ahead(input: ParseStream<'_>) -> Vec<TokenTree> {
    let rest: Result<TokenStream> = input.fork().parse();
    rest.map_or_else(|_| Vec::new(), |rest| rest.into_iter().collect())
}

/// The end of a token tree: its closing bracket, or the token itself.
fn end_of(tree: &TokenTree) -> Span {
    match tree {
        TokenTree::Group(group) => group.span_close(),
        other => other.span(),
    }
}
