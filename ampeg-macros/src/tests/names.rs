//! Which names of a body are its own, which are tasks, and which are captured.

use super::{analyse, check_errors};
use crate::resolve::Mode;

/// The inputs of the last statement, as `a:take b:clone | captured:borrow`.
#[track_caller]
fn check_inputs(body: &str, expected: &str) {
    // `a` and `b` are tasks, and `sole` is one that nobody else uses.
    let source = format!("a = f(); b = f(); sole = f(); other = g(a, b, x, xs); last = {body};");
    let (graph, errors) = analyse(&source);
    assert_eq!(errors, Vec::<String>::new(), "errors of: {body}");
    let last = &graph.tasks[4];
    let text = |inputs: &[crate::resolve::Input]| {
        let one = |input: &crate::resolve::Input| match input.mode {
            Mode::Take => format!("{}:take", input.path),
            Mode::TakeOrClone => format!("{}:clone", input.path),
            Mode::Borrow => input.path.clone(),
        };
        inputs.iter().map(one).collect::<Vec<_>>().join(" ")
    };
    let found = format!("{} | {}", text(&last.dependencies), text(&last.captures));
    assert_eq!(found.trim(), expected, "inputs of: {body}");
}

#[test]
fn bare_names_are_by_value_and_parts_by_reference() {
    check_inputs("f(a, &b)", "a:clone b |");
    check_inputs("f(a, a)", "a |");
    check_inputs("a + b.x", "a:clone b |");
    check_inputs("a == b", "a b |");
    check_inputs("a[b]", "a b:clone |");
    check_inputs("(a).len() + -b", "a b:clone |");
    check_inputs("Some(sole)", "sole:take |");
    check_inputs("sole.into_iter().sum()", "sole:take |");
    check_inputs("Point { a, y: b, ..sole }", "a:clone b:clone sole:take |");
}

#[test]
fn code_that_may_run_twice_only_borrows() {
    check_inputs("xs.iter().map(|z| f(sole, z))", "sole | xs");
    check_inputs("loop { f(sole) }", "sole |");
    check_inputs("for i in sole { f(i) }", "sole:take |");
    check_inputs("while sole > 1 { }", "sole |");
}

#[test]
fn names_bound_in_the_body_are_its_own() {
    for body in [
        "{ let a = 1; a }",
        "{ let (a, Point { x: b, .. }) = f(); a + b }",
        "{ let Some(a) = f() else { panic!() }; a }",
        "|a, &b| a + b",
        "match f() { Some(a) if a > 1 => a, b @ None | b => b }",
        "if let Some(a) = f() && let Some(b) = g(a) { b } else { 0 }",
        "{ while let Some(a) = f() { g(a) } }",
        "{ for (a, b) in f() { g(a, b) } }",
        "'a: loop { break 'a }",
        "{ fn a(b: i64) -> i64 { b } g(a) }",
        "{ let f = g(); { use std::cmp::max as a; h(a) } }",
        "{ const a: i64 = 3; a }",
        "matches!(f(), Some(a) if a > 3)",
        "{ let a = 1; format!(\"{a}\") }",
        "a(1) + b(2)",
        "Point { a: 1, b: 2 }",
        "f::<a>(CONST, Unit, None, path::to)",
        "p::a",
        "{ let ref a = f(); let [b, ..] = g(a); b }",
    ] {
        check_inputs(body, "|");
    }
}

#[test]
fn scopes_end_where_rustc_ends_them() {
    check_inputs("{ let a = a; a }", "a:clone |");
    check_inputs("{ { let a = 1; g(a) }; a }", "a:clone |");
    check_inputs("{ let Some(b) = f() else { return_b(b) }; b }", "b:clone |");
    check_inputs(
        "{ if let Some(a) = f() { g(a) } else { h(a) } }",
        "a:clone |",
    );
    check_inputs("match f() { Some(a) => g(a), _ => h(a) }", "a:clone |");
    check_inputs("(|a| g(a))(a)", "a:clone |");
    check_inputs("{ for a in a { g(a) } }", "a:clone |");
}

#[test]
fn other_variables_are_captured() {
    check_inputs("f(n, &data, x)", "| n:take data:take x:clone");
    check_inputs("data.rows[n].len()", "| data.rows:take n:take");
    check_inputs(
        "self.config.n + self.go(1)",
        "| self.config.n:take self:take",
    );
    check_inputs("xs.iter().map(square)", "| xs square:take");
    check_inputs("f(MAX, Kind::A, std::f64::consts::PI)", "|");
    check_inputs("Point { x, y: 1 }", "| x:clone");
}

#[test]
fn arguments_of_common_macros_are_analysed() {
    check_inputs("vec![a, n]", "a:clone | n:take");
    check_inputs("vec![a; n]", "a:clone | n:take");
    check_inputs("format!(\"{a} {:?} {b:>w$.2} {{c}}\", x)", "a b | x w:take");
    check_inputs("format!(\"{}\", a)", "a |");
    check_inputs("{ println!(\"{sole}\"); 1 }", "sole:take |");
    check_inputs(
        "{ assert!(a > 1, \"{b}\"); assert_eq!(a, n); 1 }",
        "a b | n:take",
    );
    check_inputs("matches!(a, Some(z) if z > b)", "a b |");
    check_inputs("dbg!(a)", "a:clone |");
    check_inputs("concat!(\"a\", 1)", "|");
    check_inputs("format!(\"{a}\", a = 3)", "|");
}

#[test]
fn unknown_macros_count_the_names_of_tasks() {
    check_inputs("json!({ \"x\": a, \"b\": [b, n] })", "a b |");
    check_inputs("smallvec![a, n]", "a | n");
    check_inputs("my!(x => a; .b; b: 1)", "a |");
    check_inputs("say!(\"{a}\")", "a |");
    check_inputs("{ let a = 1; my!(x => a) }", "|");
    check_inputs("kind!(f64, 3)", "|");
}

#[test]
fn return_is_for_closures_and_functions_of_the_body() {
    let message = "return @ a body ends with its last expression: `return` cannot leave it; \
                   use `?` to fail the task, or `if … { … } else { … }` for its value";
    check_errors("a = { if f() { return 1; } 2 };", &[message]);
    check_errors("a = g(|x| { return x; });", &[]);
    check_errors("a = { fn g() -> i64 { return 1; } g() };", &[]);
}

#[test]
fn loops_around_the_graph_cannot_be_left() {
    let message =
        "break @ a body cannot `break` out of a loop around the graph: it runs in another process";
    check_errors("a = { if f() { break; } 2 };", &[message]);
    check_errors("a = 'b: { if f() { break 'c 1; } 2 };", &[message]);
    check_errors("a = 'b: { if f() { break; } 2 };", &[message]);
    let message =
        "continue @ a body cannot `continue` a loop around the graph: it runs in another process";
    check_errors("a = 'b: loop { continue 'c; };", &[message]);
    check_errors("a = loop { if f() { continue; } break 1; };", &[]);
    check_errors(
        "a = 'b: loop { for i in 0..3 { while f() { continue 'b; } break 'b i; } };",
        &[],
    );
    check_errors("a = 'b: { if f() { break 'b 1; } 2 };", &[]);
}

#[test]
fn body_cannot_await() {
    let message = "await @ a body is not async: wait for the future within it, with the `block_on` of your runtime";
    check_errors("a = f().await + 1;", &[message]);
    check_errors("a = block_on(async { f().await + 1 });", &[]);
}

#[test]
fn names_are_declared_once() {
    check_errors(
        "a = f(1); b = f(2); a = f(3); via = f(4);",
        &[
            "a @ a task named `a` is already declared",
            "a @ `a` is declared here first",
            "via @ `via` begins a clause, so no task can have this name",
        ],
    );
}

#[test]
fn clauses_cannot_name_tasks() {
    let message = |token: &str, what: &str| {
        format!("{token} @ {what} cannot depend on task `a`: it is evaluated before any task runs")
    };
    check_errors(
        "a = 1; b = a @ f(&a) via { a: 2 * a.x } within { let a = 1; a } retry a;",
        &[
            &message("a", "a cost"),
            &message("a", "a cost"),
            &message("a", "a number of retries"),
        ],
    );
}
