//! The errors of a graph, each with the tokens that it is about.
//!
//! Every stage adds all errors that it finds, so that a user sees the mistakes of a stage at once.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};

/// The errors found so far, in the order in which they were found.
#[derive(Debug, Default)]
pub(crate) struct Diagnostics {
    errors: Vec<syn::Error>,
}

impl Diagnostics {
    /// Adds an error about `tokens`, from the first of them to the last.
    pub(crate) fn error(&mut self, tokens: impl ToTokens, message: impl std::fmt::Display) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    /// Adds an error at one place.
    pub(crate) fn error_at(&mut self, span: Span, message: impl std::fmt::Display) {
        self.push(syn::Error::new(span, message));
    }

    /// Adds the errors of syn.
    pub(crate) fn push(&mut self, error: syn::Error) {
        self.errors.extend(error);
    }

    pub(crate) fn len(&self) -> usize {
        self.errors.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// One `compile_error!(…)` for each error. As an expression, it has rustc's error type, which fits everywhere.
    pub(crate) fn to_expressions(&self) -> Vec<TokenStream> {
        self.errors.iter().map(to_expression).collect()
    }

    /// The message and source text of each error.
    #[cfg(test)]
    pub(crate) fn to_test_lines(&self) -> Vec<String> {
        let text = |error: &syn::Error| error.span().source_text().unwrap_or_default();
        self.errors
            .iter()
            .map(|error| format!("{} @ {error}", text(error)))
            .collect()
    }
}

/// The tokens of `compile_error!`, with the spans that rustc underlines.
fn to_expression(error: &syn::Error) -> TokenStream {
    let message = error.to_string();
    let invocation: Vec<_> = error.to_compile_error().into_iter().collect();
    let (start, end) = match (invocation.first(), invocation.last()) {
        (Some(first), Some(last)) => (first.span(), last.span()),
        _ => (error.span(), error.span()),
    };
    let arguments = quote_spanned!(end=> (#message));
    let path = quote_spanned!(start=> ::core::compile_error!);
    quote!(#path #arguments)
}
