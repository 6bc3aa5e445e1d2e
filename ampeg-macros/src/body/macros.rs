//! Macros in bodies: the arguments of well-known macros are walked according to their grammar.
//!
//! The arguments of other macros are walked as expressions if they parse as a comma-separated list of expressions.
//! Otherwise, only identifiers that equal a task's name count as uses of the task.

use super::{Chain, Meaning, Position, Walker, format, pattern_position};
use crate::source;
use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, ExprMacro, Lit, Macro, MacroDelimiter, Pat, Result, Token, parse_quote};

/// The grammar of a macro's arguments.
enum Kind {
    /// A format string and its arguments, after a number of expressions in this position.
    Format(usize, Position),
    /// `vec![a, b]`, `vec![a; n]`, `dbg!(a)`.
    Values,
    /// `matches!(a, pattern if guard)`.
    Matches,
    /// No expression.
    Literal,
    Unknown,
}

impl Kind {
    fn of(mac: &Macro) -> Self {
        let name = mac
            .path
            .segments
            .last()
            .map(|segment| segment.ident.to_string());
        match name.as_deref().unwrap_or_default() {
            "format" | "print" | "println" | "eprint" | "eprintln" | "panic" | "todo"
            | "unimplemented" | "unreachable" | "format_args" => Self::Format(0, Position::Place),
            // From `log`, `tracing`, `anyhow` and similar crates.
            "trace" | "debug" | "info" | "warn" | "error" | "bail" | "anyhow" | "eyre" => {
                Self::Format(0, Position::Place)
            }
            "write" | "writeln" => Self::Format(1, Position::Place),
            "assert" | "debug_assert" | "ensure" => Self::Format(1, Position::Value),
            "assert_eq" | "assert_ne" | "debug_assert_eq" | "debug_assert_ne" => {
                Self::Format(2, Position::Place)
            }
            "vec" | "dbg" => Self::Values,
            "matches" | "assert_matches" | "debug_assert_matches" => Self::Matches,
            "stringify" | "concat" | "include" | "include_str" | "include_bytes" | "env"
            | "option_env" | "line" | "file" | "column" | "module_path" | "cfg"
            | "compile_error" => Self::Literal,
            _ => Self::Unknown,
        }
    }
}

/// Walks the arguments of a macro; returns a replacement for the whole expression, if it needs one.
pub(super) fn in_expression(walker: &mut Walker<'_>, expression: &mut Expr) -> Option<Expr> {
    let Expr::Macro(ExprMacro { mac, .. }) = expression else {
        return None;
    };
    let tokens = mac.tokens.clone();
    let arguments = match Kind::of(mac) {
        Kind::Literal => return None,
        Kind::Format(leading, position) => formatted(walker, tokens.clone(), leading, position),
        Kind::Values => values(walker, tokens.clone()),
        Kind::Matches => matched(walker, tokens.clone()),
        Kind::Unknown => return unknown(walker, mac).map(|names| rebind(names, expression)),
    };
    match arguments {
        Ok(new) => mac.tokens = with_condition(&mac.path, &tokens, new),
        Err(_) => return unknown(walker, mac).map(|names| rebind(names, expression)),
    }
    None
}

/// Whether a macro in the place of a statement may declare something in the block.
pub(super) fn may_declare(mac: &Macro) -> bool {
    matches!(Kind::of(mac), Kind::Unknown)
}

/// `value` or `name = value`.
struct Argument {
    name: Option<Ident>,
    value: Expr,
}

impl Parse for Argument {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let named = input.peek(syn::Ident)
            && input.peek2(Token![=])
            && !input.peek2(Token![==])
            && !input.peek2(Token![=>]);
        let name = if named {
            let name = input.parse()?;
            input.parse::<Token![=]>()?;
            Some(name)
        } else {
            None
        };
        let value = input.parse()?;
        Ok(Self { name, value })
    }
}

impl ToTokens for Argument {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let value = &self.value;
        match &self.name {
            Some(name) => tokens.extend(quote!(#name = #value)),
            None => value.to_tokens(tokens),
        }
    }
}

type Arguments = Punctuated<Argument, Token![,]>;

fn formatted(
    walker: &mut Walker<'_>,
    tokens: TokenStream,
    leading: usize,
    position: Position,
) -> Result<TokenStream> {
    let mut arguments = Arguments::parse_terminated.parse2(tokens)?;
    for (index, argument) in arguments.iter_mut().enumerate() {
        match position {
            Position::Value if index < leading => walker.value(&mut argument.value),
            _ => walker.place(&mut argument.value),
        }
    }
    let mut texts = arguments.iter().skip(leading).filter_map(text);
    let Some(literal) = texts.next() else {
        return Ok(quote!(#arguments));
    };
    for name in format::names(&literal.value()) {
        let is_given = |argument: &Argument| argument.name.as_ref().is_some_and(|it| *it == name);
        let ident = Ident::new(&name, literal.span());
        if arguments.iter().any(is_given) {
            continue;
        }
        if let Some(value) = inline(walker, &ident) {
            let name = Some(ident);
            arguments.push(Argument { name, value });
        }
    }
    Ok(quote!(#arguments))
}

/// The new arguments of a macro. An `assert!` without a message gets a message with its condition as written, since rustc
/// would show the condition after the replacement.
fn with_condition(path: &syn::Path, old: &TokenStream, new: TokenStream) -> TokenStream {
    let is_assert = path.is_ident("assert") || path.is_ident("debug_assert");
    let has_message = || {
        Arguments::parse_terminated
            .parse2(old.clone())
            .is_ok_and(|it| it.len() > 1)
    };
    if !is_assert || old.to_string() == new.to_string() || has_message() {
        return new;
    }
    let text = source::text(old);
    let text = text.trim_end_matches([',', ' ']);
    let comma = (!new.to_string().ends_with(',')).then(|| quote!(,));
    quote!(#new #comma "assertion failed: {}", #text)
}

/// The text of an argument that is a string literal.
fn text(argument: &Argument) -> Option<syn::LitStr> {
    match &argument.value {
        Expr::Lit(literal) if argument.name.is_none() => match &literal.lit {
            Lit::Str(text) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// The hole for a name in a format string, if it is a use.
fn inline(walker: &mut Walker<'_>, ident: &Ident) -> Option<Expr> {
    walker.meaning(ident)?;
    walker.used(&parse_quote!(#ident), Position::Place)
}

fn values(walker: &mut Walker<'_>, tokens: TokenStream) -> Result<TokenStream> {
    let list = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(tokens.clone());
    if let Ok(mut list) = list {
        list.iter_mut().for_each(|value| walker.value(value));
        return Ok(quote!(#list));
    }
    let repeat = |input: ParseStream<'_>| {
        let value: Expr = input.parse()?;
        input.parse::<Token![;]>()?;
        Ok((value, input.parse::<Expr>()?))
    };
    let (mut value, mut count) = repeat.parse2(tokens)?;
    walker.value(&mut value);
    walker.value(&mut count);
    Ok(quote!(#value; #count))
}

fn matched(walker: &mut Walker<'_>, tokens: TokenStream) -> Result<TokenStream> {
    let parts = |input: ParseStream<'_>| {
        let value: Expr = input.parse()?;
        input.parse::<Token![,]>()?;
        let pattern = Pat::parse_multi_with_leading_vert(input)?;
        let guard = match input.parse::<Option<Token![if]>>()? {
            Some(_) => Some(input.parse::<Expr>()?),
            None => None,
        };
        // The rest is a message, as in `assert_matches!`.
        Ok((value, pattern, guard, input.parse::<TokenStream>()?))
    };
    let (mut value, mut pattern, mut guard, rest) = parts.parse2(tokens)?;
    walker.part_or(
        &mut value,
        pattern_position::position([&pattern]),
        Walker::place,
    );
    walker.scoped(|walker| {
        walker.pattern(&mut pattern);
        if let Some(guard) = &mut guard {
            walker.value(guard);
        }
    });
    let guard = guard.map(|guard| quote!(if #guard));
    Ok(quote!(#value, #pattern #guard #rest))
}

/// Walks the arguments of an unknown macro; returns the names in its string literals that need a binding around the macro.
fn unknown(walker: &mut Walker<'_>, mac: &mut Macro) -> Option<Vec<(Ident, Expr)>> {
    let mut names = Vec::new();
    let is_graph = mac
        .path
        .segments
        .last()
        .is_some_and(|last| last.ident == "graph");
    let is_list = !is_graph && !matches!(mac.delimiter, MacroDelimiter::Brace(_));
    let list = is_list.then(|| Arguments::parse_terminated.parse2(mac.tokens.clone()));
    if let Some(Ok(mut arguments)) = list {
        for argument in &mut arguments {
            match (&argument.value, text(argument)) {
                (_, Some(text)) => in_text(walker, &text, &mut names),
                (Expr::Path(path), _) => opaque(walker, &path.clone(), &mut argument.value),
                // The macro may borrow or move a part.
                _ => walker.part_or(&mut argument.value, Position::Receiver, Walker::value),
            }
        }
        mac.tokens = quote!(#arguments);
    } else {
        let tokens = mac.tokens.clone();
        walker.scoped(|walker| {
            if is_graph {
                walker.locals.bind_statements(&tokens);
            }
            mac.tokens = in_tokens(walker, tokens, &mut names);
        });
    }
    (!names.is_empty()).then_some(names)
}

/// A bare name as an argument of an unknown macro: it may be a value, a place, or a type.
fn opaque(walker: &mut Walker<'_>, path: &syn::ExprPath, value: &mut Expr) {
    let Some(ident) = path.path.get_ident() else {
        return;
    };
    let is_meant = match walker.meaning(ident) {
        None => false,
        Some(Meaning::Outside) => !PRIMITIVES.contains(&&*ident.to_string()),
        Some(_) => true,
    };
    if is_meant {
        walker.name(value, Position::Unknown);
    }
}

pub(super) const PRIMITIVES: [&str; 17] = [
    "bool", "char", "str", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16",
    "u32", "u64", "u128", "usize",
];

/// Collects the tasks that a string literal names, since the macro may use it as a format string.
fn in_text(walker: &mut Walker<'_>, text: &syn::LitStr, names: &mut Vec<(Ident, Expr)>) {
    for name in format::names(&text.value()) {
        let ident = Ident::new(&name, text.span());
        let is_new = names.iter().all(|(known, _)| *known != ident);
        if is_new
            && is_declared(walker, &ident)
            && let Some(value) = inline(walker, &ident)
        {
            names.push((ident, value));
        }
    }
}

/// `{ let name = &…; macro!(…) }`, so that a format string finds the name.
fn rebind(names: Vec<(Ident, Expr)>, expression: &Expr) -> Expr {
    let bindings = names.into_iter().map(|(name, value)| {
        let used = source::used(&name);
        quote!(let #name = &#value; #used)
    });
    parse_quote!({ #(#bindings)* #expression })
}

fn in_tokens(
    walker: &mut Walker<'_>,
    tokens: TokenStream,
    names: &mut Vec<(Ident, Expr)>,
) -> TokenStream {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut result = TokenStream::new();
    let mut index = 0;
    while let Some(tree) = trees.get(index) {
        index += 1;
        match tree {
            TokenTree::Group(group) => {
                let inner = in_tokens(walker, group.stream(), names);
                let mut new = Group::new(group.delimiter(), inner);
                new.set_span(group.span());
                result.extend([TokenTree::Group(new)]);
                continue;
            }
            TokenTree::Ident(ident)
                if is_value(&trees[..index - 1], &trees[index..]) && is_declared(walker, ident) =>
            {
                if let Some((part, length)) = part_at(walker, &trees[index - 1..]) {
                    index += length - 1;
                    result.extend(quote!((#part)));
                    continue;
                }
                let (chain, length) = chain_at(walker, &trees[index - 1..]);
                if let Some(value) = walker.used(&chain, Position::Unknown) {
                    index += length - 1;
                    result.extend(quote!((#value)));
                    continue;
                }
            }
            TokenTree::Literal(literal) => {
                if let Ok(text) = syn::parse2(literal.to_token_stream()) {
                    in_text(walker, &text, names);
                }
            }
            _ => {}
        }
        result.extend([tree.clone()]);
    }
    result
}

/// True if a name means a task or an index.
fn is_declared(walker: &Walker<'_>, ident: &Ident) -> bool {
    !matches!(walker.meaning(ident), None | Some(Meaning::Outside))
}

/// The part of each member of a list at the start of the tokens, and its number of tokens.
fn part_at(walker: &mut Walker<'_>, trees: &[TokenTree]) -> Option<(Expr, usize)> {
    let mut length = 1;
    while let Some(more) = link(&trees[length..]) {
        let rest = &trees[length + more..];
        let is_call = more > 1 && (is_group(rest, Delimiter::Parenthesis) || is_path(rest));
        if is_call {
            break;
        }
        length += more;
    }
    let mut part = syn::parse2::<Expr>(trees[..length].iter().cloned().collect()).ok()?;
    (length > 1 && walker.part(&mut part, Position::Unknown)).then_some((part, length))
}

fn is_group(trees: &[TokenTree], delimiter: Delimiter) -> bool {
    matches!(trees, [TokenTree::Group(group), ..] if group.delimiter() == delimiter)
}

/// Whether tokens begin with `::`, as those of `.collect::<…>()` after the name.
fn is_path(trees: &[TokenTree]) -> bool {
    matches!(trees, [TokenTree::Punct(a), TokenTree::Punct(b), ..] if a.as_char() == ':' && b.as_char() == ':')
}

/// The name at the start of the tokens with the fields and brackets that select a task, and its number of tokens.
fn chain_at(walker: &Walker<'_>, trees: &[TokenTree]) -> (Expr, usize) {
    let parse = |length: usize| syn::parse2::<Expr>(trees[..length].iter().cloned().collect());
    let mut lengths = vec![1];
    let mut length = 1;
    while let Some(more) = link(&trees[length..]) {
        length += more;
        lengths.push(length);
    }
    let selecting = parse(length).ok().and_then(|whole| {
        let chain = Chain::of(&whole)?;
        match walker.names.meaning(chain.root, &chain.segments) {
            Meaning::Task { length, .. } => lengths.get(length).copied(),
            _ => None,
        }
    });
    let length = selecting.unwrap_or(1);
    let name = &trees[0];
    parse(length).map_or_else(|_| (parse_quote!(#name), 1), |chain| (chain, length))
}

/// The number of tokens of a field or bracket at the start of the tokens.
fn link(trees: &[TokenTree]) -> Option<usize> {
    match trees {
        [TokenTree::Group(group), ..] if group.delimiter() == Delimiter::Bracket => Some(1),
        [TokenTree::Punct(dot), TokenTree::Ident(_), ..] if dot.as_char() == '.' => Some(2),
        _ => None,
    }
}

/// True if an identifier between these tokens can be a value: no field, method, path, label, binding or callee.
fn is_value(before: &[TokenTree], after: &[TokenTree]) -> bool {
    let punct = |tree: Option<&TokenTree>| match tree {
        Some(TokenTree::Punct(punct)) => punct.as_char(),
        _ => ' ',
    };
    let mut backwards = before.iter().rev();
    let (last, last_but_one) = (punct(backwards.next()), punct(backwards.next()));
    let is_part = match last {
        '.' => last_but_one != '.',
        ':' => last_but_one == ':',
        other => other == '\'',
    };
    let (next, second) = (punct(after.first()), punct(after.get(1)));
    let is_named = next == ':' || next == '=' && !matches!(second, '=' | '>');
    let is_macro = next == '!' && second != '=';
    let is_bound = matches!(before.last(), Some(TokenTree::Ident(word)) if BINDERS.iter().any(|it| word == it));
    let is_called = matches!(after.first(), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
    !(is_part || is_named || is_macro || is_bound || is_called)
}

const BINDERS: [&str; 5] = ["let", "mut", "ref", "fn", "const"];
