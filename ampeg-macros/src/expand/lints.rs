//! Prevents lints of rustc and clippy about generated code around a user's expression.

use crate::origin;
use proc_macro2::TokenStream;
use syn::spanned::Spanned;
use syn::token::{Brace, Paren};
use syn::{Block, Expr, Stmt};

/// The expression with new spans for its outer delimiters, since rustc would report them as unnecessary in an argument.
pub(super) fn respan_delimiters(mut expression: Expr) -> Expr {
    let span = origin::span().located_at(expression.span());
    match &mut expression {
        Expr::Block(block) => block.block.brace_token = Brace(span),
        Expr::Paren(inner) => inner.paren_token = Paren(span),
        _ => {}
    }
    expression
}

/// True if an expression has the type never by its form: a loop without `break`, a panic, the end of the process.
pub(super) fn never_ends(expression: &Expr) -> bool {
    match expression {
        Expr::Loop(endless) => !breaks(&endless.body),
        Expr::Macro(macro_) => {
            let name = macro_.mac.path.segments.last();
            name.is_some_and(|name| NEVER_MACROS.iter().any(|it| name.ident == it))
        }
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => {
                let mut names = path.path.segments.iter().rev();
                let (function, module) = (names.next(), names.next());
                let is_end = function.is_some_and(|it| it.ident == "abort" || it.ident == "exit");
                is_end && module.is_some_and(|it| it.ident == "process")
            }
            _ => false,
        },
        Expr::Block(block) => match block.block.stmts.last() {
            Some(Stmt::Expr(last, _)) => never_ends(last),
            Some(Stmt::Macro(last)) => never_ends(&Expr::Macro(syn::ExprMacro {
                attrs: Vec::new(),
                mac: last.mac.clone(),
            })),
            _ => false,
        },
        Expr::Paren(inner) => never_ends(&inner.expr),
        Expr::Group(inner) => never_ends(&inner.expr),
        _ => false,
    }
}

/// True if the value of an expression, or of one of its branches, is the result of a call.
pub(super) fn ends_in_call(expression: &Expr) -> bool {
    let last = |block: &Block| matches!(block.stmts.last(), Some(Stmt::Expr(last, None)) if ends_in_call(last));
    match expression {
        Expr::Call(_) | Expr::MethodCall(_) => true,
        Expr::Block(block) => last(&block.block),
        Expr::Unsafe(block) => last(&block.block),
        Expr::If(branches) => {
            let other = branches.else_branch.as_ref();
            last(&branches.then_branch) || other.is_some_and(|(_, other)| ends_in_call(other))
        }
        Expr::Match(match_) => match_.arms.iter().any(|arm| ends_in_call(&arm.body)),
        Expr::Paren(inner) => ends_in_call(&inner.expr),
        Expr::Group(inner) => ends_in_call(&inner.expr),
        _ => false,
    }
}

const NEVER_MACROS: [&str; 4] = ["panic", "todo", "unimplemented", "unreachable"];

/// True if a block contains `break`, so that it may end.
fn breaks(block: &Block) -> bool {
    use proc_macro2::TokenTree;
    use quote::ToTokens;
    fn any(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|tree| match tree {
            TokenTree::Ident(ident) => ident == "break",
            TokenTree::Group(group) => any(group.stream()),
            _ => false,
        })
    }
    any(block.to_token_stream())
}
