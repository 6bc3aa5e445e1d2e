//! Families and groups: their declarations, the members that brackets select, and the errors of both.

use super::{analyse, check_errors};
use crate::resolve::{Mode, Selector};
use quote::ToTokens;

/// The inputs of the last statement, as `part[i - 1]:take`, with their selectors and conditions.
#[track_caller]
fn check_uses(source: &str, expected: &str) {
    let (graph, errors) = analyse(source);
    assert_eq!(errors, Vec::<String>::new(), "errors of: {source}");
    let last = &graph.tasks[graph.tasks.len() - 1];
    let selector = |selector: &Selector| match selector {
        Selector::Same(index) => format!("[={index}]"),
        Selector::At(index) => format!("[{}]", index.to_token_stream()),
        Selector::Span(range) => format!("[{}]", range.to_token_stream()),
        Selector::All => "[]".to_owned(),
    };
    let uses = last.dependencies.iter().map(|input| {
        let selectors: String = input.selectors.iter().map(selector).collect();
        let conditions = input.conditions.iter();
        let conditions: Vec<_> = conditions.map(|it| format!(" if {}", it.text())).collect();
        let conditions = conditions.concat();
        let mode = match input.mode {
            Mode::Take => ":take",
            Mode::TakeOrClone => ":clone",
            Mode::Borrow => "",
        };
        format!(
            "{}{selectors}{mode}{conditions}",
            graph.names.path(input.index)
        )
    });
    let captures = last.captures.iter().map(|input| input.path.clone());
    let indices = last.used_indices.iter().map(|index| format!("#{index}"));
    let all: Vec<String> = uses.chain(captures).chain(indices).collect();
    assert_eq!(all.join(", "), expected, "uses of: {source}");
}

const FAMILY: &str = "x[i in 0..n, j in 0..=i] = f(i, j);";

#[test]
fn brackets_select_members() {
    let check = |body: &str, expected: &str| {
        check_uses(&format!("{FAMILY} y[i in 0..n] = {body};"), expected);
    };
    check("f(x[i][0])", "x[=0][0]:take");
    check("f(&x[i - 1][2 * i])", "x[i - 1][2 * i]");
    check("f(x[i])", "x[=0][]:take");
    check("f(x[..][i])", "x[][=0]:take");
    check("f(x[..i][k])", "x[.. i][k]:clone");
    check("f(&x, i)", "x[][]:clone, #0");
    check("x[i][0][3].y", "x[=0][0]");
    check("x[i][0].y", "x[=0][0]:take");
    check("x[0].len()", "x[0][]:clone");
    check("f((x)[k])", "x[][]:clone, k");
    check("x[i][0] + x[i][0]", "x[=0][0]");
    check("vec![x[i], format!(\"{i}\")]", "x[=0][]:take, #0");
    check("my!(a => x[i][j + 1], b => i)", "x[=0][j + 1], #0");
}

#[test]
fn names_resolve_outward_through_groups() {
    let groups = "a = f(); g[i in 0..n]: { a = h(); b[j in 0..3] = f(a, i, j); sub: { c = f(b, a); } last = ";
    let check = |body: &str, expected: &str| check_uses(&format!("{groups} {body}; }}"), expected);
    check("f(a)", "g.a[=0]:clone");
    check("f(b)", "g.b[=0][]:clone");
    check("f(&b[2])", "g.b[=0][2]");
    check("f(sub.c)", "g.sub.c[=0]:take");
    check("f(sub.c.d)", "g.sub.c[=0]:take");
    check("f(&g[i - 1].a)", "g.a[i - 1]");
    check("f(g[i].b[i])", "g.b[=0][=0]:clone");
    check("f(g.b)", "g.b[][]:clone");
    check("f(g.b[2])", "g.b[][2]:clone");
    check("f(g[1..].sub.c)", "g.sub.c[1 ..]:clone");
    check_uses("g[i in 0..n]: { a = f(); } b = f(&g.a);", "g.a[]:take");
    check_uses("g: { a = f(); } b = f(g.a) via { g.a: 1 };", "g.a:take");
}

#[test]
fn input_with_one_certain_use_is_moved() {
    check_uses("x[i in 0..n] = f(); y[i in 0..n] = g(x[i]);", "x[=0]:take");
    check_uses(
        "x[i in 0..n] = f(); y[j in 0..n] = g(x[j]) retry 1;",
        "x[=0]:clone",
    );
    check_uses(
        "x[i in 0..n] = f(); y[i in 0..n, j in 0..2] = g(x[i]);",
        "x[=0]:clone",
    );
    check_uses(
        "x[i in 0..n, j in 0..n] = f(); y[i in 0..n, j in 0..n] = g(x[j][i]);",
        "x[=1][=0]:take",
    );
    check_uses("x[i in 0..n] = f(); y = g(x);", "x[]:take");
    check_uses("x[i in 0..n] = f(); y = g(x[2]);", "x[2]:take");
    check_uses("a = f(); y[i in 0..n] = g(a);", "a:clone");
    check_uses("a = f(); y[0] = g(a);", "a:take");
    check_uses("x[0] = f(); x[i in 1..n] = g(x[i - 1]);", "x[i - 1]:clone");
}

#[test]
fn conditions_on_indices_decide_what_counts() {
    let check = |body: &str, expected: &str| {
        check_uses(
            &format!("a = f(); x[0] = f(); x[t in 1..n] = {body};"),
            expected,
        );
    };
    check(
        "if t == 1 { f(&a) } else { f(&x[t - 1]) }",
        "a if (t == 1), x[t - 1] if !(t == 1), #0",
    );
    check(
        "if t > k && x[0] > 1 { 1 } else { 0 }",
        "x[0] if (t > k), k, #0",
    );
    check(
        "if t == 0 { 0 } else if k { x[t] } else { x[1] }",
        "x[=0]:clone if !(t == 0) if (k), x[1]:clone if !(t == 0) if !(k), k, #0",
    );
    check(
        "{ let k = 1; if t == k { f(&x[0]) } else { 0 } }",
        "x[0], #0",
    );
    check(
        "if a { x[0] } else { x[1] }",
        "a:clone, x[0]:clone, x[1]:clone",
    );
    check("if t == 1 { f(&x[0]) } else { 0 } + x[0]", "x[0], #0");
    check("match t { 1 => 1, _ => x[t - 1] }", "x[t - 1]:clone, #0");
    check_uses("a = f(); b = if k { a } else { 1 };", "a:take, k");
    check_uses(
        "x[i in 0..n] = f(); b = if n > 0 { x[n - 1] } else { 1 };",
        "x[n - 1]:take if (n > 0), n",
    );
}

#[test]
fn index_must_be_known_where_the_graph_stands() {
    let known = "which members of `x` are used must be known where the graph stands, but";
    let advice = "depend on all of `x` and take the member in the body: `let all = &x;`";
    check_errors(
        "x[i in 0..n] = f(i); k = 3; a = (0..3).map(|z| x[z]).sum::<i64>(); b = x[k]; c = x[g()?];",
        &[
            &format!("z @ {known} `z` is bound inside the body, which runs later; {advice}"),
            &format!("k @ {known} `k` is the result of a task, which runs later; {advice}"),
            "g()? @ an index is evaluated where the graph stands, so nothing can leave it",
        ],
    );
    check_errors(
        "k = 3; x[i in 0..k] = f(i);",
        &["k @ an index cannot depend on task `k`: it is evaluated before any task runs"],
    );
    check_errors(
        "x[i in 0..n] = f(i); a = { let all = &x; (0..3).map(|z| all[z]).sum::<i64>() };",
        &[],
    );
}

#[test]
fn groups_are_no_values() {
    check_errors(
        "g: { alpha = f(); beta = f(); } a = h(g); b = g.alhpa; c = g.x; d = g[0].alpha; e = g.alpha.x;",
        &[
            "g @ `g` is a group of tasks, not a value; name what is in it: `g.alpha`, `g.beta`",
            "alhpa @ the group `g` has no task `alhpa`; did you mean `alpha`?",
            "x @ the group `g` has no task `x`; it has `alpha`, `beta`",
            "g[0] @ the group `g` has no index",
        ],
    );
}

#[test]
fn statements_of_a_family_go_together() {
    check_errors(
        "x[0] = f(); x[i in 1..n, j in 0..n] = g(); pub x[i in 0..2]: u8 = f(); pub x[9]: u16 = 1; x = f(); g: {} g = f(); g: {}",
        &[
            "x @ `x` has 2 indices here and one index where it is declared first; each statement of a family has as many",
            "x @ `x` is declared here first",
            "x @ `x` is `pub` in one of its statements; so it is in all or in none",
            "x @ `x` is `pub` in one of its statements; so it is in all or in none",
            "u16 @ the members of `x` are of one type, and another is written where it is declared first",
            "x @ `x` has no index here and one index where it is declared first; each statement of a family has as many",
            "x @ `x` is declared here first",
            "g @ a group named `g` is already declared",
            "g @ `g` is declared here first",
            "g @ a group named `g` is already declared",
            "g @ `g` is declared here first",
        ],
    );
}

#[test]
fn indices_have_names_of_their_own() {
    check_errors(
        "x[i in 0..n, i in 0..2] = f(); a = 1; y[a in 0..2] = f(); g[i in 0..2]: { z[i in 0..2] = f(); b = 2; w[b in 0..2] = 1; }",
        &[
            "i @ the index `i` is declared twice for this task",
            "a @ `a` is declared in the graph too; an index needs a name of its own",
            "i @ the index `i` is declared twice for this task",
            "b @ `b` is declared in the graph too; an index needs a name of its own",
        ],
    );
    check_errors(
        "x[] = 1; y[0..3] = 2; z[(i, j) in w] = 3; pub g: { a = 1 }",
        &[
            "[] @ the brackets hold the indices of a family: `x[i in 0..n]`",
            "0..3 @ the index of each member needs a name: `i in 0..n`",
            "( @ an index is a name: `i in 0..n`",
            "pub @ `g` is a group; `pub` stands on the tasks inside that are outputs",
            "1 @ missing `;` after the statement of `a`",
        ],
    );
}

#[test]
fn certain_cycles_are_reported() {
    check_errors(
        "x[i in 0..n] = f(x[i]);",
        &["x @ task `x` depends on itself: `x → x`"],
    );
    check_errors(
        "x[0] = f(); x[i in 0..n] = f(&x);",
        &["x @ task `x` depends on itself: `x → x`"],
    );
    check_errors("x[i in 0..n] = f(x[i - 1]);", &[]);
    check_errors("x[i in 0..n] = if i == 0 { 1 } else { x[i - 1] };", &[]);
    check_errors(
        "a[i in 0..n] = f(b[i]); b[i in 0..n] = g(a[i]);",
        &[
            "b @ tasks depend on each other in a cycle, `a → b → a`: `a` needs `b` here",
            "a @ `b` needs `a` here, on the cycle `a → b → a`",
        ],
    );
    check_errors(
        "a[i in 0..n] = f(&b); b[i in 0..n] = g(a[i - 1]); c = f(&b);",
        &[
            "b @ tasks depend on each other in a cycle, `a → b → a`: `a` needs `b` here",
            "a @ `b` needs `a` here, on the cycle `a → b → a`",
        ],
    );
    check_errors("a[i in 0..n] = f(b[i - 1]); b[i in 0..n] = g(a[i]);", &[]);
    check_errors(
        "g[i in 0..n]: { a = f(b); b = f(a); }",
        &[
            "b @ tasks depend on each other in a cycle, `g.a → g.b → g.a`: `g.a` needs `g.b` here",
            "a @ `g.b` needs `g.a` here, on the cycle `g.a → g.b → g.a`",
        ],
    );
}

#[test]
fn long_conditions_take_no_time() {
    let condition = vec!["i > 0 && x[0] > 1"; 60].join(" && ");
    let nested = (0..30).fold("i > 0".to_owned(), |inner, _| {
        format!("if {inner} {{ i > 1 }} else {{ x[i] }}")
    });
    let brackets = (0..30).fold("0".to_owned(), |inner, _| format!("x[{inner} + 1]"));
    check_errors(
        &format!("x[i in 0..n] = f(); y[i in 0..n] = if {condition} {{ {nested} }} else {{ 1 }};"),
        &[],
    );
    let (_, errors) = analyse(&format!("x[i in 0..n] = f(); y = {brackets};"));
    assert!(!errors.is_empty());
}
