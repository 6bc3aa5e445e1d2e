//! The outcome that belongs to a struct of values, and the traits that connect the two.

use super::types::{tuple, unpack};
use crate::origin;
use crate::syntax::name_of;
use proc_macro2::{Ident, TokenStream};
use quote::quote_spanned;
use syn::Generics;

/// A struct with a plain value for each output, or for each of a group.
pub(crate) struct Structs<'a> {
    /// The visibility of the structs.
    pub(crate) visibility: TokenStream,
    /// The docs of the outcome.
    pub(crate) docs: TokenStream,
    pub(crate) values: &'a Ident,
    pub(crate) outcome: &'a Ident,
    /// The name of the outcome in `Debug`.
    pub(crate) shown_as: &'a str,
    pub(crate) generics: &'a Generics,
    pub(crate) fields: Vec<Field>,
}

/// An output, or a group of outputs.
pub(crate) struct Field {
    pub(crate) name: Ident,
    /// Its docs in the outcome.
    pub(crate) docs: TokenStream,
    pub(crate) visibility: TokenStream,
    /// Its type in the outcome.
    pub(crate) result: TokenStream,
    /// The witness that decodes it from the results of a run.
    pub(crate) witness: TokenStream,
}

impl Structs<'_> {
    /// The struct of the outcome, and the traits that the runtime needs to make one.
    ///
    /// Outputs are decoded into nested tuples, and then moved into the struct in one step. If each field were decoded by
    /// itself, every call could unwind past all earlier fields, and rustc's time would grow with the square of their
    /// number. One trait bound per field would be quadratic too.
    pub(crate) fn expand(&self) -> TokenStream {
        let Self {
            visibility,
            docs,
            values,
            outcome,
            generics,
            ..
        } = self;
        let (parameters, arguments, wheres) = generics.split_for_impl();
        let names: Vec<_> = self.fields.iter().map(|field| &field.name).collect();
        let fields = self.fields.iter().map(|field| {
            let Field {
                name,
                docs,
                visibility,
                result,
                ..
            } = field;
            quote_spanned!(origin::span()=> #docs #visibility #name: #result,)
        });
        let report = self.report();
        let show = self.expand_debug();
        let convert = self.expand_convert();
        let witnesses = tuple(self.fields.iter().map(|it| it.witness.clone()).collect());
        let results = Ident::new("ampeg_results", origin::span());
        let (unpack, places) = unpack(&results, names.len());
        let is_static =
            Self::expand_static(generics, self.fields.iter().map(|it| it.witness.clone()));
        quote_spanned! {origin::span()=>
            #docs
            #[must_use = "an outcome holds the results, and the errors of tasks that failed: `.into_values()?` returns the first of these"]
            #visibility struct #outcome #parameters #wheres {
                #(#fields)*
                /// When and where each task ran, compared with the plan.
                pub #report: ::ampeg::Report,
            }
            #show
            #convert
            impl #parameters ::ampeg::Values for #values #arguments #is_static {
                type Outcome = #outcome #arguments;
                fn outcome(#results: &mut ::ampeg::__private::Results<'_>) -> Self::Outcome {
                    let ampeg_report = #results.report();
                    let #results = <#witnesses as ::ampeg::__private::Take>::take(#results);
                    #unpack
                    #outcome { #(#names: #places,)* #report: ampeg_report }
                }
            }
        }
    }

    /// The where clause of the struct: results own their contents.
    pub(crate) fn expand_static(
        generics: &Generics,
        witnesses: impl Iterator<Item = TokenStream>,
    ) -> TokenStream {
        let witnesses = tuple(witnesses.collect());
        // For types without parameters, rustc would warn that the bound is always met.
        let has_parameters = !generics.params.is_empty();
        let is_static =
            has_parameters.then(|| quote_spanned!(origin::span()=> #witnesses: 'static));
        let is_static = is_static.unwrap_or_default();
        expand_where(generics, &is_static)
    }

    /// The conversion from the outcome to the values. The struct has the methods of the trait too, so that users need not
    /// import it.
    fn expand_convert(&self) -> TokenStream {
        let Self {
            values,
            outcome,
            generics,
            ..
        } = self;
        let (parameters, arguments, wheres) = generics.split_for_impl();
        let names: Vec<_> = self.fields.iter().map(|field| &field.name).collect();
        let taken = names
            .iter()
            .map(|name| quote_spanned!(origin::span()=> self.#name));
        let taken = tuple(taken.collect());
        let of_all = Ident::new("values", origin::span());
        let (unpack, places) = unpack(&of_all, names.len());
        let report = self.report();
        quote_spanned! {origin::span()=>
            impl #parameters #outcome #arguments #wheres {
                /// Compares when and where each task ran with the plan.
                pub fn report(&self) -> &::ampeg::Report {
                    &self.#report
                }
                /// Returns the outputs as plain values, or the error of the first output without a value.
                ///
                /// # Errors
                ///
                /// Returns the error of the first output without a value, traced to the task that failed first.
                pub fn into_values(self) -> ::core::result::Result<#values #arguments, ::ampeg::TaskError> {
                    let #of_all = ::ampeg::__private::Unwrap::unwrap(#taken)?;
                    #unpack
                    ::core::result::Result::Ok(#values { #(#names: #places,)* })
                }
            }
            impl #parameters ::ampeg::Outcome for #outcome #arguments #wheres {
                type Values = #values #arguments;
                fn report(&self) -> &::ampeg::Report {
                    self.report()
                }
                fn into_values(self) -> ::core::result::Result<Self::Values, ::ampeg::TaskError> {
                    self.into_values()
                }
            }
        }
    }

    /// `Debug` with one bound for all fields.
    fn expand_debug(&self) -> TokenStream {
        let fields = self.fields.iter().map(|field| (&field.name, &field.result));
        expand_debug(self.outcome, self.shown_as, self.generics, fields)
    }

    fn report(&self) -> Ident {
        let is_taken = self.fields.iter().any(|field| field.name == "report");
        let name = if is_taken { "ampeg_report" } else { "report" };
        Ident::new(name, origin::span())
    }
}

/// The type of a task's result in the outcome, and the witness that decodes it.
pub(crate) fn task(ty: &TokenStream) -> (TokenStream, TokenStream) {
    (
        quote_spanned!(origin::span()=> ::core::result::Result<#ty, ::ampeg::TaskError>),
        quote_spanned!(origin::span()=> ::ampeg::__private::Type<#ty>),
    )
}

/// A type in `n` nested `Vec`s.
pub(crate) fn vecs(ty: TokenStream, n: usize) -> TokenStream {
    (0..n).fold(
        ty,
        |ty, _| quote_spanned!(origin::span()=> ::std::vec::Vec<#ty>),
    )
}

/// A witness in `n` nested lists.
pub(crate) fn lists(ty: TokenStream, n: usize) -> TokenStream {
    (0..n).fold(
        ty,
        |ty, _| quote_spanned!(origin::span()=> ::ampeg::__private::List<#ty>),
    )
}

/// `Debug` of a struct with the output of a derived one, but one bound for all fields.
pub(super) fn expand_debug<'a>(
    ty: &Ident,
    shown_as: &str,
    generics: &Generics,
    fields: impl Iterator<Item = (&'a Ident, &'a TokenStream)> + Clone,
) -> TokenStream {
    let (parameters, arguments, _) = generics.split_for_impl();
    let references = fields
        .clone()
        .map(|(_, ty)| quote_spanned!(origin::span()=> &'ampeg #ty));
    let references = tuple(references.collect());
    let places = fields
        .clone()
        .map(|(name, _)| quote_spanned!(origin::span()=> &self.#name));
    let places = tuple(places.collect());
    let names = fields.map(|(name, _)| name_of(name));
    let can_be_shown = quote_spanned! {origin::span()=>
        for<'ampeg> #references: ::ampeg::__private::Show
    };
    let wheres = expand_where(generics, &can_be_shown);
    quote_spanned! {origin::span()=>
        impl #parameters ::core::fmt::Debug for #ty #arguments #wheres {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::ampeg::__private::show(f, #shown_as, &[#(#names),*], #places)
            }
        }
    }
}

fn expand_where(generics: &Generics, predicate: &TokenStream) -> TokenStream {
    let known = generics.where_clause.iter().flat_map(|it| &it.predicates);
    quote_spanned!(origin::span()=> where #(#known,)* #predicate)
}
