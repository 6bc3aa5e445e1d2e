//! `#[derive(Values)]`: a struct of the program's own for the values of a graph.

use crate::diagnostics::Diagnostics;
use crate::expand::{Field, Structs, lists, task, vecs};
use crate::origin;
use crate::syntax::{hash_of, name_of};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::meta::ParseNestedMeta;
use syn::{
    Attribute, Data, DeriveInput, Expr, Fields, GenericArgument, Lit, Meta, Path, PathArguments,
    Result, Type,
};

/// The outcome of the struct, and the traits that a graph needs to fill it.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::default();
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let origin = origin(&input).unwrap_or_else(|error| {
        diagnostics.push(error);
        None
    });
    let outputs = outputs(&input, &mut diagnostics);
    let expanded = if diagnostics.is_empty() {
        expand_struct(&input, &outputs)
    } else {
        let errors = diagnostics.to_expressions();
        quote_spanned!(origin::span()=> const _: () = { #(#errors;)* };)
    };
    match origin {
        None => expanded,
        Some(origin) => origin::replace(expanded, &origin),
    }
}

/// The path to the crate `ampeg` from `#[values(crate = path)]`, if the crate has another name.
fn origin(input: &DeriveInput) -> Result<Option<TokenStream>> {
    let mut origin = None;
    for attribute in input.attrs.iter().filter(|it| it.path().is_ident("values")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("crate") {
                let message = "expected `crate = path`; `family` and `group` stand before a field";
                return Err(meta.error(message));
            }
            let path: Path = meta.value()?.call(Path::parse_mod_style)?;
            origin = Some(path.into_token_stream());
            Ok(())
        })?;
    }
    Ok(origin)
}

/// A field of the struct.
struct Output<'a> {
    field: &'a syn::Field,
    name: &'a Ident,
    /// The number of lists around `ty`.
    n_lists: usize,
    ty: &'a Type,
    is_group: bool,
}

fn outputs<'a>(input: &'a DeriveInput, diagnostics: &mut Diagnostics) -> Vec<Output<'a>> {
    for lifetime in input.generics.lifetimes() {
        let message = "results borrow nothing, so the struct of a graph's values has no lifetimes";
        diagnostics.error(lifetime, message);
    }
    let Data::Struct(data) = &input.data else {
        let message = "`Values` is derived for a struct with a named field for each output";
        diagnostics.error(&input.ident, message);
        return Vec::new();
    };
    if let Fields::Unnamed(_) = &data.fields {
        let message = "each field needs the name of an output of the graph";
        diagnostics.error(&data.fields, message);
    }
    let fields = data.fields.iter().filter_map(|field| {
        let output = Output::of(field, field.ident.as_ref()?);
        output.map_err(|error| diagnostics.push(error)).ok()
    });
    fields.collect()
}

impl<'a> Output<'a> {
    fn of(field: &'a syn::Field, name: &'a Ident) -> Result<Self> {
        let (mut n_lists, mut is_group) = (0, false);
        for attribute in field.attrs.iter().filter(|it| it.path().is_ident("values")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("group") {
                    is_group = true;
                } else if meta.path.is_ident("family") {
                    n_lists = n_indices(&meta)?;
                } else {
                    let message = "expected `family`, `family = 2` or `group`";
                    return Err(meta.error(message));
                }
                Ok(())
            })?;
        }
        let mut ty = &field.ty;
        if is_group {
            n_lists = 0;
            while let Some(item) = item(ty) {
                (ty, n_lists) = (item, n_lists + 1);
            }
        } else {
            for _ in 0..n_lists {
                let message = format!(
                    "`{}` is a family, whose values are a `Vec`: write `Vec<…>`, one for each index",
                    name_of(name),
                );
                ty = item(ty).ok_or_else(|| syn::Error::new_spanned(ty, message))?;
            }
        }
        Ok(Self {
            field,
            name,
            n_lists,
            ty,
            is_group,
        })
    }

    /// The field of the outcome.
    fn result(&self) -> Field {
        let ty = self.ty;
        let (result, witness) = if self.is_group {
            (
                quote_spanned!(origin::span()=> <#ty as ::ampeg::Values>::Outcome),
                quote_spanned!(origin::span()=> ::ampeg::__private::Fields<#ty>),
            )
        } else {
            task(&ty.to_token_stream())
        };
        let docs = self.field.attrs.iter().filter(|it| is_doc(it));
        let mut docs = quote!(#(#docs)*);
        if docs.is_empty() {
            let text = format!(" The result of `{}`.", name_of(self.name));
            docs = quote!(#[doc = #text]);
        }
        Field {
            name: self.name.clone(),
            docs,
            visibility: self.field.vis.to_token_stream(),
            result: vecs(result, self.n_lists),
            witness: lists(witness, self.n_lists),
        }
    }

    /// The type of the field, for the dispatcher of a graph.
    fn expand_witness(&self) -> TokenStream {
        let ty = self.ty;
        let witness = if self.is_group {
            quote_spanned!(origin::span()=> ::ampeg::__private::TasksOf<#ty>)
        } else {
            quote_spanned!(origin::span()=> ::ampeg::__private::Type<#ty>)
        };
        lists(witness, self.n_lists)
    }

    /// The name of the field, and the fields of a group.
    fn expand_field(&self) -> TokenStream {
        let (name, ty) = (name_of(self.name), self.ty);
        let fields = if self.is_group {
            quote_spanned!(origin::span()=> <#ty as ::ampeg::__private::Named>::FIELDS)
        } else {
            quote!(&[])
        };
        quote_spanned!(origin::span()=> ::ampeg::__private::Field { name: #name, fields: #fields })
    }
}

/// The number of indices of a family: `family`, or `family = 2`.
fn n_indices(meta: &ParseNestedMeta<'_>) -> Result<usize> {
    if !meta.input.peek(syn::Token![=]) {
        return Ok(1);
    }
    let expression: Expr = meta.value()?.parse()?;
    if let Expr::Lit(literal) = &expression
        && let Lit::Int(number) = &literal.lit
        && let Ok(number @ 1..) = number.base10_parse()
    {
        return Ok(number);
    }
    let message = "expected the number of indices of the family, as in `family = 2`";
    Err(syn::Error::new_spanned(expression, message))
}

fn is_doc(attribute: &Attribute) -> bool {
    matches!(&attribute.meta, Meta::NameValue(pair) if pair.path.is_ident("doc"))
}

/// The `T` of a type written as `Vec<T>`.
fn item(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else {
        return None;
    };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    match (last.ident == "Vec", arguments.args.first()) {
        (true, Some(GenericArgument::Type(item))) => Some(item),
        _ => None,
    }
}

fn expand_struct(input: &DeriveInput, outputs: &[Output<'_>]) -> TokenStream {
    let (values, visibility) = (&input.ident, &input.vis);
    let suffixed = |what| format_ident!("{values}{what}", span = values.span());
    let (outcome, tasks): (Ident, Ident) = (suffixed("Outcome"), suffixed("Tasks"));
    let text = format!(
        " The outcome of a run whose values are [`{}`]: a `Result` for each field, and the report.",
        name_of(values),
    );
    let structs = Structs {
        visibility: visibility.to_token_stream(),
        docs: quote!(#[doc = #text]),
        values,
        outcome: &outcome,
        shown_as: &outcome.to_string(),
        generics: &input.generics,
        fields: outputs.iter().map(Output::result).collect(),
    };
    let structs = structs.expand();
    let (parameters, arguments, wheres) = input.generics.split_for_impl();
    let generics = &input.generics;
    let names = outputs.iter().map(|output| output.name);
    let field_visibilities = outputs.iter().map(|output| &output.field.vis);
    let witnesses = outputs.iter().map(Output::expand_witness);
    let fields = outputs.iter().map(Output::expand_field);
    let is_static = Structs::expand_static(generics, outputs.iter().map(|it| it.result().witness));
    let groups = outputs
        .iter()
        .filter(|output| output.is_group)
        .map(|output| {
            let (hash, ty) = (hash_of(output.name), output.ty);
            quote_spanned! {origin::span()=>
                impl #parameters ::ampeg::__private::GroupOf<#hash> for #values #arguments #wheres {
                    type Group = #ty;
                }
            }
        });
    quote_spanned! {origin::span()=>
        #structs
        #[doc(hidden)]
        #visibility struct #tasks #parameters #wheres {
            #(#field_visibilities #names: #witnesses,)*
        }
        impl #parameters ::ampeg::__private::Named for #values #arguments #is_static {
            type Tasks = #tasks #arguments;
            const FIELDS: &'static [::ampeg::__private::Field] = &[#(#fields),*];
        }
        #(#groups)*
    }
}
