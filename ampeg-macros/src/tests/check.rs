//! Cycles, and clauses that make no sense.

use super::check_errors;

// a → c → d → a
#[test]
fn cycle_is_reported_as_a_path_with_each_dependency_marked() {
    check_errors(
        "a = f(d); b = f(1); c = g(a, b); d = h(&c); e = f(d);",
        &[
            "d @ tasks depend on each other in a cycle, `a → c → d → a`: `a` needs `d` here",
            "a @ `c` needs `a` here, on the cycle `a → c → d → a`",
            "c @ `d` needs `c` here, on the cycle `a → c → d → a`",
        ],
    );
}

#[test]
fn all_cycles_are_reported_at_once() {
    check_errors(
        "a = f(a + 1); b = f(c); c = f(b);",
        &[
            "a @ task `a` depends on itself: `a → a`",
            "c @ tasks depend on each other in a cycle, `b → c → b`: `b` needs `c` here",
            "b @ `c` needs `b` here, on the cycle `b → c → b`",
        ],
    );
}

#[test]
fn function_of_the_same_name_is_no_dependency() {
    check_errors("sum = sum(&[1, 2]); mean = mean(sum, 2);", &[]);
}

#[test]
fn via_is_for_dependencies() {
    check_errors(
        "alpha = f(1) via 2; b = g(alpha) via { alhpa: 1, c: 2, alpha: 1, alpha: 2 };",
        &[
            "via @ `alpha` depends on no task, so there is nothing that `via` could cost",
            "alhpa @ `b` does not depend on `alhpa`; did you mean `alpha`?",
            "c @ `b` does not depend on `c`; it depends on `alpha`",
            "alpha @ `alpha` is given twice in `via` of task `b`",
        ],
    );
}

#[test]
fn literal_costs_are_in_range() {
    check_errors(
        "a = f(1) @ -1; b = f(2) @ 1e999; c = g(a) via (-2.5); d = g(a) via { a: 1e101 }; e = f(0) within -1;",
        &[
            "-1 @ a cost cannot be negative",
            "1e999 @ a cost must be finite",
            "(-2.5) @ a cost cannot be negative",
            "1e101 @ a cost can be at most 1e100",
            "-1 @ a duration cannot be negative",
        ],
    );
    check_errors("a = f(1) @ 0; b = f(1) @ 1_000.5; c = f(1) @ -k;", &[]);
}

#[test]
fn literal_retries_are_counts() {
    let message = "`retry` takes a whole number from 0 to 4294967295";
    check_errors(
        "a = f(1) retry -1; b = f(2) retry 1.0; c = f(3) retry 3;",
        &[&format!("-1 @ {message}"), &format!("1.0 @ {message}")],
    );
}

#[test]
fn suffixes_that_are_no_types_are_refused() {
    let message = |number: &str, what: &str| {
        format!(
            "{number} @ `{number}` is no number: {what} is a plain number or a `Duration`, \
             as in `Duration::from_millis(10)`"
        )
    };
    check_errors(
        "a = f() @ 10ms; b = g(a) @ 1e3f32 via 2min within 5s retry 3u8; c = h() retry 3times;",
        &[
            &message("10ms", "a cost"),
            &message("2min", "a cost"),
            &message("5s", "a duration"),
            "3times @ `retry` takes a whole number from 0 to 4294967295",
        ],
    );
}
