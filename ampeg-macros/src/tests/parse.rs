//! What the grammar accepts, and where a body ends.

use super::{analyse, check_errors};
use crate::syntax::{Dependency, Via};
use quote::ToTokens;

/// Body and clauses of the only statement, as `body | @ cost | via comm | within d | retry n`.
#[track_caller]
fn check_statement(source: &str, expected: &str) {
    let (graph, errors) = analyse(source);
    assert_eq!(errors, Vec::<String>::new(), "errors of: {source}");
    let statement = &graph.tasks[graph.tasks.len() - 1].statement;
    let clauses = &statement.clauses;
    let mut parts = vec![statement.source.clone()];
    let tokens = |tokens: &dyn ToTokens| tokens.to_token_stream().to_string();
    parts.extend(
        clauses
            .cost
            .iter()
            .map(|it| format!("@ {}", tokens(&it.operand))),
    );
    parts.extend(clauses.via.iter().map(|it| match &it.operand {
        Via::All(cost) => format!("via {}", tokens(cost)),
        Via::Each(costs) => {
            let pair = |(name, cost): &(Dependency, syn::Expr)| {
                format!("{}: {}", tokens(name), tokens(cost))
            };
            format!(
                "via {{ {} }}",
                costs.iter().map(pair).collect::<Vec<_>>().join(", ")
            )
        }
    }));
    parts.extend(
        clauses
            .within
            .iter()
            .map(|it| format!("within {}", tokens(&it.operand))),
    );
    parts.extend(
        clauses
            .retry
            .iter()
            .map(|it| format!("retry {}", tokens(&it.operand))),
    );
    assert_eq!(parts.join(" | "), expected, "parts of: {source}");
}

#[test]
fn clauses_come_in_any_order() {
    check_statement(
        "a = f(1) retry 2 @ 3 within d;",
        "f(1) | @ 3 | within d | retry 2",
    );
}

#[test]
fn body_may_be_any_expression() {
    for body in [
        "if x { 1 } else { 2 }",
        "match x { y @ 1..=3 => y, _ => 0 }",
        "Point { x: 1, y: 2 }",
        "|x| x + 1",
        "|y @ Point { .. }| y.x",
        "x as f64",
        "x as Vec<f64>",
        "xs.iter().map(|x| x * x).collect::<Vec<_>>()",
        "{ let y = x; y }",
        "unsafe { f(x) }",
        "'outer: loop { break 'outer 3 }",
        "0..n",
        "0..",
        "..=n",
        "..",
        "x?.y()?",
        "via::f(1)",
        "a::within::<3>(2)",
        "x.retry",
        "-x",
        "vec![1; 3]",
        "if let y @ 1 = x { y } else { 0 }",
    ] {
        check_statement(&format!("a = {body};"), body);
        check_statement(&format!("a = {body} @ 3;"), &format!("{body} | @ 3"));
        check_statement(
            &format!("a = {body} retry 3;"),
            &format!("{body} | retry 3"),
        );
        let all = format!("a = {body} @ k * 2 within d retry 1;");
        check_statement(&all, &format!("{body} | @ k * 2 | within d | retry 1"));
    }
}

#[test]
fn via_takes_a_cost_or_a_cost_for_each() {
    check_statement("b = f(1); a = g(b) via 1;", "g(b) | via 1");
    check_statement("b = f(1); a = g(b) via { b: 1, };", "g(b) | via { b: 1 }");
    check_statement("b = f(1); a = g(b) via { k.x };", "g(b) | via { k . x }");
    check_statement("b = f(1); a = b via {};", "b | via {  }");
}

#[test]
fn every_bad_statement_is_reported() {
    check_errors(
        "a = ; b f(1); c = g( + ); _ = 3; let d = 4; e = 5 vai 2;",
        &[
            "; @ the body of `a` is missing: `a = expression;`",
            "f @ expected `=` after the task's name: `b = expression;`",
            "+ @ expected an expression",
            "_ @ a task needs a name: `name = expression;`",
            "let @ a task is declared without `let`: `name = expression;`",
            "vai @ unknown clause `vai`; did you mean `via`?",
        ],
    );
}

#[test]
fn missing_body_before_a_clause_is_reported() {
    check_errors(
        "a = @ 3;",
        &["@ @ the body of `a` is missing: `a = expression;`"],
    );
    check_errors(
        "a = within 3;",
        &["within @ the body of `a` is missing: `a = expression;`"],
    );
    check_errors("a = f(1) + @ 3;", &["@ @ expected an expression"]);
}

#[test]
fn missing_operand_is_reported() {
    check_errors("a = f(1) @;", &["; @ expected a cost after `@`"]);
    check_errors(
        "a = f(1) @ retry 3;",
        &["retry @ expected a cost after `@`"],
    );
    check_errors(
        "a = f(1) retry @ 2;",
        &["@ @ expected a number after `retry`"],
    );
}

#[test]
fn missing_semicolon_is_reported_at_the_end_of_the_statement() {
    let message = "missing `;` after the statement of `a`";
    check_errors("a = f(1) b = g(2);", &[&format!(") @ {message}")]);
    check_errors(
        "a = f(1) @ 2 pub b: i64 = g(2);",
        &[&format!("2 @ {message}")],
    );
    check_errors(
        "a = f(1) @ k /// doc\n b = g(2);",
        &[&format!("k @ {message}")],
    );
    check_errors("a = f(1) @ k", &[&format!("k @ {message}")]);
}

#[test]
fn repeated_clause_is_reported() {
    check_errors(
        "a = f(1) @ 2 @ 3;",
        &["@ @ `@` is given twice for task `a`"],
    );
}

#[test]
fn unknown_clause_is_reported_with_the_known_ones() {
    check_errors(
        "a = f(1) timeout 3 @ 2; b = g(2) 3; c = h(3) cost 4;",
        &[
            "timeout @ unknown clause `timeout`; did you mean `within`?",
            "3 @ unexpected token; after the body come `@ cost`, `via`, `within`, `retry`, then `;`",
            "cost @ unknown clause `cost`; did you mean `@`?",
        ],
    );
}

#[test]
fn only_docs_and_pub_stand_before_a_task() {
    check_errors(
        "#[inline] a = f(1); pub(crate) b = f(2); /// fine\npub c = f(3);",
        &[
            "#[inline] @ only doc comments may stand before a task",
            "pub(crate) @ an output is marked with a plain `pub`: it is a field of the outcome",
        ],
    );
}

#[test]
fn comma_in_place_of_a_semicolon_is_one_error() {
    let message = |name: &str| format!(", @ the statement of `{name}` ends with `;`, not with `,`");
    check_errors(
        "a = 1, b = f(a, 1) @ 2, pub c = (a, b) via 1,",
        &[&message("a"), &message("b"), &message("c")],
    );
}

#[test]
fn colon_in_place_of_equals_is_reported_there() {
    let message = |name: &str| {
        format!(
            ": @ expected `=` before what `{name}` computes: `{name} = expression;`; after `:` comes its type"
        )
    };
    check_errors("a: 1; b: f(a) @ 2;", &[&message("a"), &message("b")]);
    check_errors(
        "a: 1 = 2;",
        &["1 @ expected a type after `:`, as in `a: i64 = expression;`"],
    );
}

#[test]
fn statement_after_let_is_still_read() {
    check_errors(
        "let a = 1; let mut b = c; c = a;",
        &[
            "let @ a task is declared without `let`: `name = expression;`",
            "let @ a task is declared without `let`: `name = expression;`",
        ],
    );
}
