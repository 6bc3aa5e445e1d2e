//! The outputs by name: a struct for the graph and one for each group, and how results become their fields.

use super::generated;
use super::types::{Fields, places, tuple, unpack};
use crate::resolve::{Entry, Graph};
use crate::syntax::name_of;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};

/// A witness of the type of the graph's values, after the declarations that it needs.
///
/// Results go through tuples, moved in one step: rustc's work on a value per output with calls between them, each of
/// which may unwind, grows with the square of their number. So does that on a bound per output.
pub(super) fn expand_results(graph: &Graph, fields: &Fields) -> TokenStream {
    let root = Shape::of(graph, 0);
    let mut declarations = TokenStream::new();
    root.declare(&mut declarations);
    let (outcome, values) = (&root.outputs, &root.values);
    let types = Shape::types(&root.families);
    let witness = |ty| quote_spanned!(Span::mixed_site()=> ::ampeg::__private::Type<#ty>);
    let list = |ty, _| quote_spanned!(Span::mixed_site()=> ::ampeg::__private::List<#ty>);
    let nested = types
        .iter()
        .zip(&root.families)
        .map(|(ty, &family)| (0..graph.names.rank(family)).fold(witness(ty), list));
    let nested = tuple(nested.collect());
    let witnesses = tuple(types.iter().map(witness).collect());
    let families = root.families.iter().map(|&family| &fields.families[family]);
    let families = tuple(families.map(ToTokens::to_token_stream).collect());
    let results = Ident::new("ampeg_results", Span::mixed_site());
    let (unpack, places) = unpack(&results, root.families.len());
    let taken = root.build_of(places);
    quote_spanned! {Span::mixed_site()=> {
        #declarations
        impl<#(#types),*> ::ampeg::Values for #values<#(#types),*>
        where
            #witnesses: 'static,
        {
            type Outcome = #outcome<#(#types),*>;
            fn outcome(
                #results: &mut ::ampeg::__private::Results<'_>,
                ampeg_report: ::ampeg::Report,
            ) -> Self::Outcome {
                let #results = <#nested as ::ampeg::__private::Take>::take(#results);
                #unpack
                #taken
            }
        }
        fn values_of<#(#types),*>(_: #witnesses) -> ::ampeg::__private::Type<#values<#(#types),*>> {
            ::ampeg::__private::Type::new()
        }
        values_of(#families)
    }}
}

/// The outputs of one group.
struct Shape<'a> {
    name: String,
    outputs: Ident,
    values: Ident,
    /// All families in it, within groups too.
    families: Vec<usize>,
    fields: Vec<Field<'a>>,
}

struct Field<'a> {
    name: &'a Ident,
    docs: TokenStream,
    /// How many indices stand at its name.
    n_indices: usize,
    content: Content<'a>,
}

enum Content<'a> {
    Family(usize),
    Group(Shape<'a>),
}

impl<'a> Shape<'a> {
    fn of(graph: &'a Graph, group: usize) -> Self {
        let scope = &graph.names.groups[group];
        let fields = scope
            .entries
            .iter()
            .filter_map(|&entry| Field::of(graph, entry));
        let fields: Vec<Field<'_>> = fields.collect();
        let name = scope.parent.as_ref().map(|(_, name)| name);
        let (outputs, values) = match name {
            None => (
                Ident::new("Outcome", Span::mixed_site()),
                Ident::new("Values", Span::mixed_site()),
            ),
            Some(_) => (generated("Outputs", group), generated("Values", group)),
        };
        Self {
            name: name.map_or_else(String::new, name_of),
            outputs,
            values,
            families: fields
                .iter()
                .flat_map(|field| field.content.families())
                .collect(),
            fields,
        }
    }

    fn types(families: &[usize]) -> Vec<Ident> {
        families
            .iter()
            .map(|&family| generated("R", family))
            .collect()
    }

    /// `Outcome`, a field per output with its `Result`, and `Values`, the same without; for each group too.
    fn declare(&self, declarations: &mut TokenStream) {
        for field in &self.fields {
            if let Content::Group(group) = &field.content {
                group.declare(declarations);
            }
        }
        let Self {
            outputs, values, ..
        } = self;
        let types = Self::types(&self.families);
        let names: Vec<_> = self.fields.iter().map(|field| field.name).collect();
        let docs: Vec<_> = self.fields.iter().map(|field| &field.docs).collect();
        let results: Vec<_> = self.fields.iter().map(|field| field.ty(true)).collect();
        let plain: Vec<_> = self.fields.iter().map(|field| field.ty(false)).collect();
        let show_outputs = self.expand_debug("Outcome", outputs, &types, &results);
        let show_values = self.expand_debug("Values", values, &types, &plain);
        let convert = self.expand_convert(&types);
        let report = self.report().map(|report| {
            quote_spanned! {Span::mixed_site()=>
                /// When and where each task ran, compared with the plan.
                pub #report: ::ampeg::Report,
            }
        });
        let must_use = report.is_some().then(|| {
            quote_spanned! {Span::mixed_site()=>
                #[must_use = "an outcome holds the results, and the errors of tasks that failed: `.into_values()?` returns the first of these"]
            }
        });
        declarations.extend(quote_spanned! {Span::mixed_site()=>
            #must_use
            pub struct #outputs<#(#types),*> {
                #(#docs pub #names: #results,)*
                #report
            }
            pub struct #values<#(#types),*> {
                #(#docs pub #names: #plain,)*
            }
            #show_outputs
            #show_values
            #convert
        });
    }

    /// From `Outcome` to `Values`.
    fn expand_convert(&self, types: &[Ident]) -> TokenStream {
        let Self {
            outputs, values, ..
        } = self;
        let names: Vec<_> = self.fields.iter().map(|field| field.name).collect();
        let taken = names
            .iter()
            .map(|name| quote_spanned!(Span::mixed_site()=> self.#name));
        let taken = tuple(taken.collect());
        let values_of_all = Ident::new("values", Span::mixed_site());
        let (unpack, places) = unpack(&values_of_all, names.len());
        let values_of = quote_spanned! {Span::mixed_site()=>
            let #values_of_all = ::ampeg::__private::Unwrap::unwrap(#taken)?;
            #unpack
            ::core::result::Result::Ok(#values {
                #(#names: #places,)*
            })
        };
        let Some(report) = self.report() else {
            return quote_spanned! {Span::mixed_site()=>
                impl<#(#types),*> ::ampeg::__private::Unwrap for #outputs<#(#types),*> {
                    type Values = #values<#(#types),*>;
                    fn unwrap(self) -> ::core::result::Result<Self::Values, ::ampeg::TaskError> {
                        #values_of
                    }
                }
            };
        };
        // The methods of the trait are those of the struct too, so that nobody need import the trait.
        quote_spanned! {Span::mixed_site()=>
            impl<#(#types),*> #outputs<#(#types),*> {
                pub fn report(&self) -> &::ampeg::Report {
                    &self.#report
                }
                pub fn into_values(self) -> ::core::result::Result<#values<#(#types),*>, ::ampeg::TaskError> {
                    #values_of
                }
            }
            impl<#(#types),*> ::ampeg::Outcome for #outputs<#(#types),*> {
                type Values = #values<#(#types),*>;
                fn report(&self) -> &::ampeg::Report {
                    self.report()
                }
                fn into_values(self) -> ::core::result::Result<Self::Values, ::ampeg::TaskError> {
                    self.into_values()
                }
            }
        }
    }

    /// The field of the report, which only the outcome of the whole graph has.
    fn report(&self) -> Option<Ident> {
        let is_taken = self.fields.iter().any(|field| field.name == "report");
        let name = if is_taken { "ampeg_report" } else { "report" };
        self.is_graph()
            .then(|| Ident::new(name, Span::mixed_site()))
    }

    fn is_graph(&self) -> bool {
        self.name.is_empty()
    }

    /// `Debug` with one bound for all fields; it shows a group by its name.
    fn expand_debug(
        &self,
        name: &str,
        ty: &Ident,
        types: &[Ident],
        fields: &[TokenStream],
    ) -> TokenStream {
        let references = fields
            .iter()
            .map(|field| quote_spanned!(Span::mixed_site()=> &'a #field));
        let references = tuple(references.collect());
        let names = self.fields.iter().map(|field| field.name);
        let places = names
            .clone()
            .map(|name| quote_spanned!(Span::mixed_site()=> &self.#name));
        let places = tuple(places.collect());
        let texts = names.map(name_of);
        let name = if self.is_graph() { name } else { &self.name };
        quote_spanned! {Span::mixed_site()=>
            impl<#(#types),*> ::core::fmt::Debug for #ty<#(#types),*>
            where
                for<'a> #references: ::ampeg::__private::Show,
            {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    ::ampeg::__private::show(f, #name, &[#(#texts),*], #places)
                }
            }
        }
    }

    /// The struct, of results that are in a tuple in the order of its families.
    fn build(&self, results: &Ident) -> TokenStream {
        let places = places(self.families.len());
        let places = places
            .into_iter()
            .map(|place| quote_spanned!(Span::mixed_site()=> #results #place));
        self.build_of(places.collect())
    }

    /// The struct, of results that are in these places, in the order of its families.
    fn build_of(&self, places: Vec<TokenStream>) -> TokenStream {
        let mut places = places.into_iter();
        let fields = self.fields.iter().map(|field| {
            let (name, value) = (field.name, field.build(&mut places));
            quote_spanned!(Span::mixed_site()=> #name: #value)
        });
        let outputs = &self.outputs;
        let report = self.report();
        let report =
            report.map(|report| quote_spanned!(Span::mixed_site()=> #report: ampeg_report,));
        quote_spanned!(Span::mixed_site()=> #outputs { #(#fields,)* #report })
    }
}

impl<'a> Field<'a> {
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
                let shape = Shape::of(graph, index);
                (!shape.fields.is_empty()).then(|| Self {
                    name,
                    docs: quote!(#(#docs)*),
                    n_indices: group.indices.len(),
                    content: Content::Group(shape),
                })
            }
        }
    }

    /// The type of the field: with the `Result`s of tasks, or without.
    fn ty(&self, with_results: bool) -> TokenStream {
        let inner = match &self.content {
            Content::Family(family) => {
                let ty = generated("R", *family);
                if with_results {
                    quote_spanned!(Span::mixed_site()=> ::core::result::Result<#ty, ::ampeg::TaskError>)
                } else {
                    ty.to_token_stream()
                }
            }
            Content::Group(group) => {
                let name = if with_results {
                    &group.outputs
                } else {
                    &group.values
                };
                let types = Shape::types(&group.families);
                quote_spanned!(Span::mixed_site()=> #name<#(#types),*>)
            }
        };
        (0..self.n_indices).fold(
            inner,
            |ty, _| quote_spanned!(Span::mixed_site()=> ::std::vec::Vec<#ty>),
        )
    }

    /// The value of the field, of the next results.
    fn build(&self, results: &mut impl Iterator<Item = TokenStream>) -> TokenStream {
        match &self.content {
            Content::Family(_) => results.next().unwrap_or_default(),
            Content::Group(group) => {
                let columns = results.by_ref().take(group.families.len()).collect();
                group.build_nested(self.n_indices, columns)
            }
        }
    }
}

impl Shape<'_> {
    /// Lists of the struct, nested so often, of lists of results nested as often.
    fn build_nested(&self, n_levels: usize, columns: Vec<TokenStream>) -> TokenStream {
        let columns = tuple(columns);
        let row = Ident::new("ampeg_row", Span::mixed_site());
        if n_levels == 0 {
            let value = self.build(&row);
            return quote_spanned!(Span::mixed_site()=> { let #row = #columns; #value });
        }
        let places = places(self.families.len()).into_iter();
        let inner = if n_levels == 1 {
            self.build(&row)
        } else {
            self.build_nested(
                n_levels - 1,
                places
                    .map(|place| quote_spanned!(Span::mixed_site()=> #row #place))
                    .collect(),
            )
        };
        quote_spanned! {Span::mixed_site()=>
            ::core::iter::Iterator::collect::<::std::vec::Vec<_>>(::core::iter::Iterator::map(
                ::core::iter::IntoIterator::into_iter(::ampeg::__private::transpose(#columns)),
                |#row| #inner,
            ))
        }
    }
}

impl Content<'_> {
    fn families(&self) -> Vec<usize> {
        match self {
            Self::Family(family) => vec![*family],
            Self::Group(group) => group.families.clone(),
        }
    }
}
