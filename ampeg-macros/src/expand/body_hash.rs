//! A hash of a body, with positions in the place of inputs. Equal hashes mean equal code, whatever the names of the tasks.

use crate::body::{Hole, Link, Origin, part_of};
use crate::resolve::Task;
use crate::source;
use proc_macro2::Ident;
use quote::{ToTokens, format_ident};
use syn::{Expr, parse_quote};

/// A number that is equal for bodies that differ only in the names of their inputs.
pub(super) fn hash_body(task: &Task) -> u64 {
    let Some(body) = &task.body else { return 0 };
    let body = body.fill(&mut |hole, part| fill(task, hole, part));
    source::hash_body(&body.to_token_stream())
}

/// A name with the position of an input or index.
fn fill(task: &Task, hole: &Hole, part: Vec<Link>) -> Expr {
    let name: Ident = match hole.origin {
        Origin::Index(place) => {
            let position = task.used_indices.iter().position(|&used| used == place);
            format_ident!("ampeg_index{}", position.unwrap_or_default())
        }
        Origin::Dependency(position) => format_ident!("ampeg_input{position}"),
        Origin::Capture(position) => {
            format_ident!("ampeg_input{}", task.dependencies.len() + position)
        }
        Origin::Error => return hole.whole.clone(),
    };
    part_of(parse_quote!(#name), part)
}
