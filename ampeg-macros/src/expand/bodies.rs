//! The dispatcher: one arm a task, each a closure around the user's body, then one arm a capture.

use super::facts::to_u32;
use super::quiet;
use super::types::{Fields, expand_results, tuple};
use crate::body::{self, Position, Use, Visitor};
use crate::resolve::{Graph, Input, Mode, Task, binding};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use std::collections::HashMap;
use syn::spanned::Spanned;
use syn::{Expr, ExprReturn, parse_quote_spanned};

/// A closure without captures: each task in topological order, then each capture, then the types of the results.
pub(super) fn expand_dispatcher(graph: &Graph, order: &[usize], fields: &Fields) -> TokenStream {
    let tasks = order.iter().map(|&task| expand_task(graph, task, fields));
    let captures = &fields.captures;
    let arms = (0..captures.len()).map(to_u32);
    let modes = tuple(captures.iter().map(ToTokens::to_token_stream).collect());
    let results = expand_results(graph, fields);
    quote_spanned! {Span::mixed_site()=>
        ::ampeg::__private::dispatcher(&ampeg_modes, |ampeg_call, &#modes| {
            #(#tasks)*
            #(ampeg_call.capture(#arms, #captures);)*
            #results
        })
    }
}

fn expand_task(graph: &Graph, index: usize, fields: &Fields) -> TokenStream {
    let (task, field) = (&graph.tasks[index], &fields.tasks[index]);
    let bindings = Bindings::of(graph, task);
    let body = quiet::outermost(bindings.expand_body(task));
    let takes = bindings.expand_takes(task, fields);
    let types = Bindings::expand_types(task, fields);
    let parameters = if takes.is_empty() {
        quote_spanned!(Span::mixed_site()=> _, _)
    } else {
        quote_spanned!(Span::mixed_site()=> #types, ampeg_inputs)
    };
    let name_span = Span::mixed_site().located_at(task.statement.name.span());
    let body_span = Span::mixed_site().located_at(body.span());
    // The user's annotation is what the body is compared with, and where rustc points.
    let ok = quote_spanned!(body_span=> ::core::result::Result::Ok);
    let never_ends = quiet::never_ends(&body);
    let result = match (&task.statement.ty, never_ends) {
        (Some(ty), _) => {
            quote_spanned!(body_span=> let ampeg_result: #ty = #body; #ok(ampeg_result))
        }
        // Whatever type another task expects of it.
        (None, true) if is_used(graph, index) => quote!(#ok(#body)),
        (None, true) => quote_spanned!(body_span=> let () = #body; #ok(())),
        (None, false) => quote!(#ok(#body)),
    };
    let lint = never_ends.then(|| {
        let reason = "nothing follows a body that never ends";
        quote_spanned!(Span::mixed_site()=> #[allow(unreachable_code, clippy::diverging_sub_expression, reason = #reason)])
    });
    let closure = quote_spanned!(body_span=> |#parameters| { #takes #result });
    let (arm, run) = (to_u32(index), Ident::new("task", name_span));
    quote_spanned! {Span::mixed_site()=>
        #lint
        let #field = ampeg_call.#run(#arm, #types, #closure);
    }
}

fn is_used(graph: &Graph, task: usize) -> bool {
    let mut inputs = graph.tasks.iter().flat_map(|task| &task.dependencies);
    inputs.any(|input| input.index == task)
}

/// What the names of one body are bound to.
struct Bindings<'a> {
    graph: &'a Graph,
    /// By name or path of fields, as the body has it.
    by_path: HashMap<String, (Mode, Ident)>,
}

impl<'a> Bindings<'a> {
    fn of(graph: &'a Graph, task: &Task) -> Self {
        let mut by_path = HashMap::new();
        for input in task.dependencies.iter().chain(&task.captures) {
            let mut name = binding(&input.path, input.span);
            while by_path.values().any(|(_, taken)| *taken == name) {
                name = Ident::new(&format!("{name}_"), name.span());
            }
            by_path.insert(input.path.clone(), (input.mode, name));
        }
        Self { graph, by_path }
    }

    /// The types of the inputs, which are both a tuple and a pattern.
    fn expand_types(task: &Task, fields: &Fields) -> TokenStream {
        let dependencies = task
            .dependencies
            .iter()
            .map(|input| &fields.tasks[input.index]);
        let captures = task
            .captures
            .iter()
            .map(|input| &fields.captures[input.index]);
        tuple(
            dependencies
                .chain(captures)
                .map(ToTokens::to_token_stream)
                .collect(),
        )
    }

    fn expand_takes(&self, task: &Task, fields: &Fields) -> TokenStream {
        let dependencies = task.dependencies.iter().map(|input| (input, &fields.tasks));
        let captures = task.captures.iter().map(|input| (input, &fields.captures));
        let inputs = dependencies.chain(captures).enumerate();
        inputs
            .map(|(position, (input, fields))| {
                self.expand_take(input, position, &fields[input.index])
            })
            .collect()
    }

    fn expand_take(&self, input: &Input, position: usize, field: &Ident) -> TokenStream {
        let (mode, name) = &self.by_path[&input.path];
        let method = match mode {
            Mode::Take => "take",
            Mode::TakeOrClone => "take_or_clone",
            Mode::Borrow => "borrow",
        };
        let method = Ident::new(method, Span::mixed_site().located_at(input.span));
        quote_spanned!(Span::mixed_site()=> let #name = #field.#method(ampeg_inputs, #position);)
    }

    /// The body with each use of an input in place of its name.
    fn expand_body(&self, task: &Task) -> Expr {
        let body = task.statement.body.clone();
        let mut body = body.unwrap_or_else(|| syn::parse_quote!(()));
        body::walk(&mut body, &mut Replace { bindings: self });
        body
    }
}

struct Replace<'a> {
    bindings: &'a Bindings<'a>,
}

impl Visitor for Replace<'_> {
    fn is_task(&self, name: &str) -> bool {
        self.bindings.graph.has_task(name)
    }

    fn on_use(&mut self, used: &Use<'_>) -> Option<Expr> {
        let (mode, name) = self.bindings.by_path.get(used.path)?;
        let span = Span::mixed_site().located_at(used.span());
        let mut name = name.clone();
        name.set_span(span);
        Some(match (mode, used.position) {
            (Mode::Borrow, Position::Value) => {
                // In a `let`, since what is expected here must not decide what is cloned.
                parse_quote_spanned!(span=> { let #name = ::core::clone::Clone::clone(&*#name); #name })
            }
            (Mode::Borrow, _) => parse_quote_spanned!(span=> (*#name)),
            _ => parse_quote_spanned!(span=> #name),
        })
    }

    fn on_return(&mut self, _: &mut ExprReturn) {}
}
