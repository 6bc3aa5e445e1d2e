//! A named graph: the function that returns it, and the structs of its values.

use crate::diagnostics::Diagnostics;
use crate::expand::vecs;
use crate::origin;
use crate::parse;
use crate::resolve::{Entry, Graph, Task};
use crate::source;
use crate::stages::Compiled;
use crate::syntax::{Function, name_of};
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use std::fmt::Write as _;
use syn::punctuated::Punctuated;
use syn::{Attribute, GenericParam, Generics, PathArguments, Token};

/// All functions of one `graph!`, with their structs.
pub(crate) fn expand(tokens: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::default();
    let functions = parse::parse_functions(tokens, &mut diagnostics);
    let functions = functions.iter().map(expand_function);
    let errors = diagnostics.to_expressions();
    quote_spanned! {origin::span()=>
        #(#functions)*
        #(const _: () = #errors;)*
    }
}

fn expand_function(function: &Function) -> TokenStream {
    let mut compiled = Compiled::of(function.body.clone());
    check_types(function, &mut compiled);
    let (graph, values) = (&compiled.graph, &function.values);
    let body = compiled.expand(Some(values));
    let structs = Structs::of(function, graph);
    let (structs, docs) = (structs.expand(), expand_docs(graph));
    let of_function = function.attributes.iter().filter(|it| !is_of_values(it));
    let visibility = &function.visibility;
    let mut signature = function.signature.clone();
    signature.output = syn::parse_quote_spanned!(origin::span()=> -> ::ampeg::Graph<#values>);
    quote_spanned! {origin::span()=>
        #(#of_function)*
        #docs
        #visibility #signature {
            #body
        }
        #structs
    }
}

/// Reports outputs without a type; the struct then lacks these fields.
fn check_types(function: &Function, compiled: &mut Compiled) {
    let function = name_of(&function.name);
    for (index, family) in compiled.graph.names.families.iter().enumerate() {
        if !family.is_output || compiled.graph.annotation(index).is_some() {
            continue;
        }
        let name = name_of(&family.name);
        let (indices, of_one) = match family.n_own {
            0 => ("", ""),
            _ => ("[…]", " of one member"),
        };
        let message = format!(
            "`{name}` is an output of the graph `{function}`, so the type{of_one} must be written: `pub {name}{indices}: Type = …`"
        );
        compiled.diagnostics.error(&family.name, message);
        compiled.order = None;
    }
}

/// Whether an attribute before the function belongs to the struct of its values.
fn is_of_values(attribute: &Attribute) -> bool {
    const OF_FUNCTION: [&str; 11] = [
        "doc",
        "cfg",
        "must_use",
        "deprecated",
        "allow",
        "expect",
        "warn",
        "deny",
        "forbid",
        "inline",
        "track_caller",
    ];
    !OF_FUNCTION
        .iter()
        .any(|name| attribute.path().is_ident(name))
}

/// The structs of the values of one function.
struct Structs<'a> {
    function: &'a Function,
    graph: &'a Graph,
    /// The attributes of each struct.
    attributes: Vec<&'a Attribute>,
    declarations: TokenStream,
}

impl<'a> Structs<'a> {
    fn of(function: &'a Function, graph: &'a Graph) -> Self {
        let attributes = function.attributes.iter();
        let attributes = attributes.filter(|it| is_of_values(it) || it.path().is_ident("cfg"));
        Self {
            function,
            graph,
            attributes: attributes.collect(),
            declarations: TokenStream::new(),
        }
    }

    fn expand(mut self) -> TokenStream {
        let segment = self.function.values.segments.last();
        let Some(segment) = segment else {
            return TokenStream::new();
        };
        let used = match &segment.arguments {
            PathArguments::AngleBracketed(arguments) => arguments.args.to_token_stream(),
            _ => TokenStream::new(),
        };
        let generics = restrict(&self.function.signature.generics, &used);
        self.declare(0, &segment.ident, &generics);
        self.declarations
    }

    /// Declares the struct of a group, after the structs of the groups in it; returns whether it has any field.
    fn declare(&mut self, group: usize, name: &Ident, generics: &Generics) -> bool {
        let mut fields = TokenStream::new();
        for &entry in &self.graph.names.groups[group].entries {
            fields.extend(self.field(entry, name));
        }
        if fields.is_empty() && group != 0 {
            return false;
        }
        let (visibility, attributes) = (&self.function.visibility, &self.attributes);
        let function = name_of(&self.function.name);
        let docs = match group {
            0 => format!(" The values of [`{function}`]: a field for each output."),
            _ => format!(
                " The values of the group `{}` of [`{function}`].",
                self.graph.names.group_path(group)
            ),
        };
        let wheres = &generics.where_clause;
        self.declarations.extend(quote_spanned! {origin::span()=>
            #[doc = #docs]
            #[derive(::ampeg::Values)]
            #[values(crate = ::ampeg)]
            #(#attributes)*
            #visibility struct #name #generics #wheres {
                #fields
            }
        });
        true
    }

    fn field(&mut self, entry: Entry, around: &Ident) -> Option<TokenStream> {
        match entry {
            Entry::Family(index) => {
                let family = &self.graph.names.families[index];
                if !family.is_output {
                    return None;
                }
                let (name, docs, n_indices) = (&family.name, &family.docs, family.n_own);
                let ty = self.graph.annotation(index)?.to_token_stream();
                let ty = vecs(ty, n_indices);
                let kind = (n_indices > 0)
                    .then(|| quote_spanned!(at(name)=> #[values(family = #n_indices)]));
                Some(quote_spanned!(at(name)=> #(#docs)* #kind pub #name: #ty,))
            }
            Entry::Group(index) => {
                let graph = self.graph;
                let group = &graph.names.groups[index];
                let (_, name) = group.parent.as_ref()?;
                let (docs, n_indices) = (&group.docs, group.indices.len());
                let inner =
                    format_ident!("{around}{}", camel_case(&name_of(name)), span = name.span());
                let used = self.types_in(index);
                let generics = restrict(&self.function.signature.generics, &used);
                if !self.declare(index, &inner, &generics) {
                    return None;
                }
                let (_, arguments, _) = generics.split_for_impl();
                let ty = vecs(
                    quote_spanned!(origin::span()=> #inner #arguments),
                    n_indices,
                );
                Some(quote_spanned!(at(name)=> #(#docs)* #[values(group)] pub #name: #ty,))
            }
        }
    }

    /// All types of the outputs in a group.
    fn types_in(&self, group: usize) -> TokenStream {
        let mut types = TokenStream::new();
        for &entry in &self.graph.names.groups[group].entries {
            types.extend(match entry {
                Entry::Family(family) if self.graph.names.families[family].is_output => {
                    self.graph.annotation(family).to_token_stream()
                }
                Entry::Family(_) => TokenStream::new(),
                Entry::Group(group) => self.types_in(group),
            });
        }
        types
    }
}

/// The span at which rustc reports problems of a field.
fn at(name: &Ident) -> Span {
    origin::span().located_at(name.span())
}

/// The generic parameters that `used` names, with the `where` conditions that concern no others.
fn restrict(generics: &Generics, used: &TokenStream) -> Generics {
    let parameters = generics.params.iter();
    let parameters: Vec<(String, &GenericParam)> = parameters
        .map(|parameter| match parameter {
            GenericParam::Type(it) => (it.ident.to_string(), parameter),
            GenericParam::Const(it) => (it.ident.to_string(), parameter),
            GenericParam::Lifetime(it) => (it.lifetime.ident.to_string(), parameter),
        })
        .collect();
    let (kept, others): (Vec<_>, Vec<_>) = parameters
        .into_iter()
        .partition(|(name, _)| mentions(used, name));
    let mut restricted = Generics {
        params: kept
            .into_iter()
            .map(|(_, parameter)| parameter.clone())
            .collect(),
        ..generics.clone()
    };
    if let Some(wheres) = &mut restricted.where_clause {
        let predicates = std::mem::take(&mut wheres.predicates).into_iter();
        let concerns_others =
            |tokens: TokenStream| others.iter().any(|(name, _)| mentions(&tokens, name));
        let kept: Punctuated<_, Token![,]> = predicates
            .filter(|predicate| !concerns_others(predicate.to_token_stream()))
            .collect();
        wheres.predicates = kept;
    }
    restricted
}

/// Whether the tokens contain a name.
fn mentions(tokens: &TokenStream, name: &str) -> bool {
    tokens.clone().into_iter().any(|tree| match tree {
        TokenTree::Ident(ident) => ident == name,
        TokenTree::Group(group) => mentions(&group.stream(), name),
        _ => false,
    })
}

/// `LeftHalf` of `left_half`.
fn camel_case(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_uppercase().to_string());
        first.unwrap_or_default() + letters.as_str()
    });
    words.collect()
}

/// The statements of the graph as a table, which rustdoc shows on the page of the function.
fn expand_docs(graph: &Graph) -> TokenStream {
    let mut text = "\n\n# Tasks\n\n| task | type | uses |\n| --- | --- | --- |\n".to_owned();
    for task in &graph.tasks {
        let ty = task.statement.ty.as_ref();
        let ty = ty.map_or_else(String::new, |ty| code(&source::text(&ty.to_token_stream())));
        // A `String` takes whatever is written to it.
        let _ = writeln!(
            text,
            "| {} | {ty} | {} |",
            code(&name_with_indices(graph, task)),
            inputs(task)
        );
    }
    quote!(#[cfg_attr(doc, doc = #text)])
}

fn name_with_indices(graph: &Graph, task: &Task) -> String {
    let mut indices = task.indices.iter();
    let index = |&index: &usize| {
        let index = &graph.names.indices[index];
        let expression = || source::text(&index.expression.to_token_stream());
        index.name.as_ref().map_or_else(expression, name_of)
    };
    let name = graph.name(task);
    let segments = name.split('.').zip(graph.names.segments(task.family));
    let segments = segments.map(|(name, n_indices)| {
        let indices: Vec<_> = indices.by_ref().take(n_indices).map(index).collect();
        match &*indices {
            [] => name.to_owned(),
            indices => format!("{name}[{}]", indices.join(", ")),
        }
    });
    segments.collect::<Vec<_>>().join(".")
}

/// The names that a task uses: other tasks, then parameters.
fn inputs(task: &Task) -> String {
    let mut names: Vec<String> = Vec::new();
    for input in task.dependencies.iter().chain(&task.captures) {
        let name = code(&input.text);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}

/// A text as code in a table cell.
fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|").replace(['\n', '`'], " "))
}
