//! The structs of a graph's values and outcome, and those of its groups, with a field for each output.

use super::generated;
use super::structs::{Field, Structs, expand_debug, lists, task, vecs};
use super::types::{WitnessNames, tuple};
use crate::origin;
use crate::resolve::{Entry, Graph};
use crate::syntax::{hash_of, name_of};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{GenericParam, Generics, Path};

/// A witness of the type of the graph's values, after the declarations that it needs.
pub(super) fn expand_results(
    graph: &Graph,
    fields: &WitnessNames,
    values: Option<&Path>,
) -> TokenStream {
    let root = Group::of(graph, 0);
    if let Some(values) = values {
        let span = origin::span().located_at(values.span());
        let literal = root.expand_literal(&values.to_token_stream(), span, fields);
        return quote_spanned!(span=> ::ampeg::__private::named::<#values>(#literal));
    }
    let mut declarations = TokenStream::new();
    root.declare(&mut declarations);
    let (values, types) = (&root.values, root.types());
    let witness = |ty| quote_spanned!(origin::span()=> ::ampeg::__private::Type<#ty>);
    let witnesses = tuple(types.iter().map(witness).collect());
    let families = root.families.iter().map(|&family| &fields.families[family]);
    let families = tuple(families.map(ToTokens::to_token_stream).collect());
    quote_spanned! {origin::span()=> {
        #declarations
        fn values_of<#(#types),*>(_: #witnesses) -> ::ampeg::__private::Type<#values<#(#types),*>> {
            ::ampeg::__private::Type::new()
        }
        values_of(#families)
    }}
}

/// The outputs of one group.
struct Group<'a> {
    /// The name of its outcome in `Debug`.
    name: String,
    is_graph: bool,
    outcome: Ident,
    values: Ident,
    /// All families in it and in its groups.
    families: Vec<usize>,
    outputs: Vec<Output<'a>>,
}

struct Output<'a> {
    name: &'a Ident,
    docs: TokenStream,
    /// The number of indices at its name.
    n_indices: usize,
    content: Content<'a>,
}

enum Content<'a> {
    Family(usize),
    Group(Group<'a>),
}

impl<'a> Group<'a> {
    fn of(graph: &'a Graph, group: usize) -> Self {
        let scope = &graph.names.groups[group];
        let outputs = scope.entries.iter();
        let outputs = outputs.filter_map(|&entry| Output::of(graph, entry));
        let outputs: Vec<Output<'_>> = outputs.collect();
        let (name, outcome, values) = match &scope.parent {
            None => (
                "Outcome".to_owned(),
                Ident::new("Outcome", origin::span()),
                Ident::new("Values", origin::span()),
            ),
            Some((_, name)) => (
                name_of(name),
                generated("Outcome", group),
                generated("Values", group),
            ),
        };
        let families = outputs.iter().flat_map(|output| match &output.content {
            Content::Family(family) => std::slice::from_ref(family),
            Content::Group(group) => &group.families,
        });
        Self {
            name,
            is_graph: group == 0,
            outcome,
            values,
            families: families.copied().collect(),
            outputs,
        }
    }

    /// The types of the results, which are the parameters of the structs.
    fn types(&self) -> Vec<Ident> {
        let families = self.families.iter();
        families.map(|&family| generated("R", family)).collect()
    }

    /// The structs of the values and the outcome, also for each group.
    fn declare(&self, declarations: &mut TokenStream) {
        for output in &self.outputs {
            if let Content::Group(group) = &output.content {
                group.declare(declarations);
            }
        }
        let types = self.types().into_iter();
        let generics = Generics {
            params: types.map(|ty| GenericParam::Type(ty.into())).collect(),
            ..Generics::default()
        };
        let structs = Structs {
            visibility: quote!(pub),
            docs: TokenStream::new(),
            values: &self.values,
            outcome: &self.outcome,
            shown_as: &self.name,
            generics: &generics,
            fields: self.outputs.iter().map(Output::field).collect(),
        };
        let outcome = structs.expand();
        let values = &self.values;
        let plain: Vec<_> = self.outputs.iter().map(Output::plain).collect();
        let names: Vec<_> = self.outputs.iter().map(|output| output.name).collect();
        let docs = self.outputs.iter().map(|output| &output.docs);
        let shown_as = if self.is_graph { "Values" } else { &self.name };
        let show = expand_debug(
            values,
            shown_as,
            &generics,
            names.iter().copied().zip(&plain),
        );
        declarations.extend(quote_spanned! {origin::span()=>
            pub struct #values #generics {
                #(#docs pub #names: #plain,)*
            }
            #show
            #outcome
        });
    }

    /// The types of its outputs, as the fields of a struct that belongs to the type `values`.
    fn expand_literal(
        &self,
        values: &TokenStream,
        span: Span,
        fields: &WitnessNames,
    ) -> TokenStream {
        let outputs = self.outputs.iter().map(|output| {
            let name = output.name;
            let span = origin::span().located_at(name.span());
            let (witness, n_indices) = match &output.content {
                Content::Family(family) => {
                    let mut family = fields.families[*family].clone();
                    family.set_span(span);
                    (family.to_token_stream(), output.n_indices)
                }
                Content::Group(group) => {
                    let hash = hash_of(name);
                    let inner = quote_spanned! {span=>
                        <#values as ::ampeg::__private::GroupOf<#hash>>::Group
                    };
                    (group.expand_literal(&inner, span, fields), output.n_indices)
                }
            };
            let list = |witness, _| quote_spanned!(span=> ::ampeg::__private::list_of(#witness));
            let witness = (0..n_indices).fold(witness, list);
            quote_spanned!(span=> #name: #witness)
        });
        quote_spanned!(span=> ::ampeg::__private::TasksOf::<#values> { #(#outputs,)* })
    }
}

impl<'a> Output<'a> {
    fn of(graph: &'a Graph, entry: Entry) -> Option<Self> {
        match entry {
            Entry::Family(index) => {
                let family = &graph.names.families[index];
                let docs = &family.docs;
                family.is_output.then(|| Self {
                    name: &family.name,
                    docs: quote!(#(#docs)*),
                    n_indices: family.n_own,
                    content: Content::Family(index),
                })
            }
            Entry::Group(index) => {
                let group = &graph.names.groups[index];
                let (_, name) = group.parent.as_ref()?;
                let docs = &group.docs;
                let content = Group::of(graph, index);
                (!content.outputs.is_empty()).then(|| Self {
                    name,
                    docs: quote!(#(#docs)*),
                    n_indices: group.indices.len(),
                    content: Content::Group(content),
                })
            }
        }
    }

    /// The type of the field in the values.
    fn plain(&self) -> TokenStream {
        let inner = match &self.content {
            Content::Family(family) => generated("R", *family).into_token_stream(),
            Content::Group(group) => group.with_types(&group.values),
        };
        vecs(inner, self.n_indices)
    }

    fn field(&self) -> Field {
        let (result, witness) = match &self.content {
            Content::Family(family) => task(&generated("R", *family).into_token_stream()),
            Content::Group(group) => {
                let values = group.with_types(&group.values);
                let witness = quote_spanned!(origin::span()=> ::ampeg::__private::Fields<#values>);
                (group.with_types(&group.outcome), witness)
            }
        };
        Field {
            name: self.name.clone(),
            docs: self.docs.clone(),
            visibility: quote!(pub),
            result: vecs(result, self.n_indices),
            witness: lists(witness, self.n_indices),
        }
    }
}

impl Group<'_> {
    fn with_types(&self, name: &Ident) -> TokenStream {
        let types = self.types();
        quote_spanned!(origin::span()=> #name<#(#types),*>)
    }
}
