//! Which parts of results a body uses in place of the whole.

use super::analyse;
use crate::body::Link;
use crate::resolve::Mode;

/// The fields and brackets of a part.
fn text(links: &[Link]) -> String {
    links.iter().map(|link| &*link.text).collect()
}

/// Compares the parts that the last statement uses, after a task `a`.
#[track_caller]
fn check(body: &str, expected: &[&str]) {
    let source = format!("a = f(); b = g(); last = {body};");
    let (graph, errors) = analyse(&source);
    assert_eq!(errors, [] as [String; 0], "errors of: {source}");
    let inputs = &graph.tasks[2].dependencies;
    let parts = inputs.iter().flat_map(|input| {
        let taken = if input.mode == Mode::Take {
            " taken"
        } else {
            ""
        };
        let parts = input.parts.iter();
        parts.map(move |part| text(&part.links) + taken)
    });
    assert_eq!(parts.collect::<Vec<_>>(), expected, "parts in: {source}");
}

#[test]
fn brackets_hold_what_is_known_outside_the_body() {
    check("a.x[k + 1][LIMIT]", &[".x[k + 1][LIMIT]"]);
    check("a[m::LIMIT as usize]", &["[m::LIMIT as usize]"]);
    check(
        "a[<T as Size>::N..][k as Index]",
        &["[<T as Size>::N..][k as Index]"],
    );
    check("a.x[b]", &[".x"]);
    check("a.x[k()]", &[".x"]);
    check("{ let k = 1; a.x[k] }", &[".x"]);
}

#[test]
fn items_of_the_body_are_not_known_outside() {
    check("{ use m::*; a[LIMIT] }", &[]);
    check("{ use m::*; a[k as usize] }", &["[k as usize]"]);
    check("{ use m as n; a[n::LIMIT] }", &[]);
    check("{ enum E { A } a[E::A as usize] }", &[]);
    check("{ struct S { x: u8 } a[S::LIMIT] }", &[]);
    check("{ type T = usize; a[1_u8 as T] }", &[]);
    check("{ mod m {} a[k][m::LIMIT] }", &["[k]"]);
    check("({ use m::*; LIMIT }) + a[LIMIT]", &["[LIMIT]"]);
}

#[test]
fn static_that_can_change_is_read_where_the_body_runs() {
    check("unsafe { a[LIMIT] }", &[]);
    check("unsafe { a[k][1] }", &["[k][1]"]);
}

#[test]
fn part_is_moved_only_if_all_of_it_is() {
    check("f(a.x)", &[".x taken"]);
    check("{ let x = a.x; x }", &[".x taken"]);
    check("match a.x { x => x }", &[".x taken"]);
    check("match a.x { Some(x) => x, None => 0 }", &[]);
    check("match a.x { Some(ref x) => x, None => 0 }", &[".x"]);
    check("{ let S { x, .. } = a.x; x }", &[]);
    check("S { y: 1, ..a.x }", &[]);
    check("matches!(a.x, Some(_))", &[".x"]);
    check("matches!(a.x, Some(x) if x > 1)", &[]);
    check("other!(a.x)", &[]);
    check("other!(a.x[1])", &[".x[1]"]);
    check("a.x.len()", &[]);
}

/// Compares the parts that the last statement uses of a family, and the errors.
#[track_caller]
fn check_list(body: &str, expected: &[&str], refused: &[&str]) {
    let source = format!(
        "x[i in 0..3] = f(i); g[s in 0..2]: {{ y = f(s); z[i in 0..3] = f(i); }} b = f(); last = {body};"
    );
    let (graph, errors) = analyse(&source);
    let errors = errors
        .iter()
        .map(|error| error.split_once(" @ what follows a list"));
    let errors: Vec<_> = errors.map(|it| it.map_or("", |(at, _)| at)).collect();
    assert_eq!(errors, refused, "errors of: {source}");
    let inputs = &graph.tasks[graph.tasks.len() - 1].dependencies;
    let parts = inputs.iter().flat_map(|input| &input.parts);
    let parts: Vec<_> = parts.map(|part| text(&part.links)).collect();
    assert_eq!(parts, expected, "parts in: {source}");
}

#[test]
fn brackets_after_a_list_are_parts_of_each_member() {
    check_list("x[..][1]", &["[1]"], &[]);
    check_list("x.a.b[k + 1].0", &[".a.b[k + 1].0"], &[]);
    check_list("x[1..][..2]", &["[..2]"], &[]);
    check_list(
        "g.y[0] + g[1].z.a + g[..].z[1][2]",
        &["[0]", ".a", "[2]"],
        &[],
    );
    check_list("(x.a, x.a.b, x.a)", &[".a", ".a.b"], &[]);
    check_list("(x[..], x[..][1])", &["[1]"], &[]);
    check_list("x[..].len() + x[..].iter().sum()", &[], &[]);
    check_list("(x[..])[1] + { let all = &x; all[1] }", &[], &[]);
    check_list("other! { x[..][1] => x.a.len() }", &["[1]", ".a"], &[]);
}

#[test]
fn brackets_after_a_list_are_known_outside_the_body() {
    check_list("x[..][b]", &[], &["b"]);
    check_list("x[..][k()]", &[], &["k()"]);
    check_list("{ let k = 1; x.a[k].c }", &[], &["k"]);
    check_list("{ const K: usize = 1; x[..][K] }", &[], &["K"]);
    check_list("other! { x[..][b] => 1 }", &[], &["b"]);
    check_list("{ let k = 1; x[0].a[k] + x[1][b] }", &[".a"], &[]);
}
