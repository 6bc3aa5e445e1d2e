//! Random input: for any tokens, expansion returns, and the expansion always has a task or an error.

use crate::stages::expand_graph;
use proc_macro2::TokenStream;

/// Pieces of graphs, right and wrong ones; drawn at random they reach most of the grammar.
const PIECES: &[&str] = &[
    "a",
    "b",
    "c",
    "self",
    "x",
    "pub",
    "=",
    "= ",
    ";",
    ";",
    "@",
    "via",
    "within",
    "retry",
    ":",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ",",
    ".",
    "&",
    "*",
    "-",
    "+",
    "==",
    "..",
    "..=",
    "=>",
    "->",
    "|",
    "||",
    "?",
    "!",
    "#",
    "'l",
    "1",
    "2.5",
    "1e999",
    "-1",
    "3u8",
    "\"text {a}\"",
    "'c'",
    "if",
    "else",
    "match",
    "let",
    "for",
    "in",
    "while",
    "loop",
    "break",
    "return",
    "move",
    "fn",
    "impl",
    "as",
    "f64",
    "Vec<u8>",
    "::",
    "vec!",
    "format!",
    "println!",
    "matches!",
    "unknown!",
    "/// doc\n",
    "// no doc\n",
    "a = f(1) @ 2;",
    "b = g(a, &a) via 1;",
    "pub c: i64 = h(b)? @ 1 via { b: 2 };",
    "a = b; b = a;",
    "if let Some(x) = a { x } else { 1 }",
    "|x| x + a",
    "Point { x, a }",
    "a[1..]",
    "a.0.x",
    "x[i in 0..3] = f(i);",
    "x[0] = a;",
    "x[i in 1..n, j in 0..=i]: u8 = x[i - 1][j];",
    "left: { a = 1; }",
    "shard[k in 0..2]: { b = a; x[i in 0..k] = if i > 0 { b } else { x[i - 1] }; }",
    "x[i][1..]",
    "shard[k].x",
    "left.a",
    "i in",
    "async",
    "unsafe",
    "_",
    "r#type",
    "..a",
    "b\"bytes\"",
];

fn soup(random: &mut fastrand::Rng) -> String {
    let length = random.usize(0..25);
    let pieces = (0..length).filter_map(|_| random.choice(PIECES));
    pieces.copied().collect::<Vec<_>>().join(" ")
}

#[test]
fn random_tokens_are_expanded_or_refused() {
    let mut random = fastrand::Rng::with_seed(11);
    let mut read = 0;
    for _ in 0..20_000 {
        let source = soup(&mut random);
        if let Ok(tokens) = source.parse::<TokenStream>() {
            read += 1;
            assert!(
                !expand_graph(tokens).is_empty(),
                "nothing came of: {source}"
            );
        }
    }
    assert!(read > 1_000, "only {read} were tokens at all");
}

#[test]
fn damaged_graphs_are_expanded_or_refused() {
    damage(
        "/// doc\n pub c: i64 = h(b, vec![a], format!(\"{a}\"))? @ 1.5 via { b: 2, a: 0.5 } within d \
         retry 2; a = if let Some(x) = y { x } else { z.len() } @ 3; b = Point { x, a }.sum(|a| a + x);",
    );
}

#[test]
fn damaged_families_and_groups_are_expanded_or_refused() {
    damage(
        "part[ i in 0..n , j in 0..=i ]: u8 = if j == 0 { f(i)? } else { part[i][ j - 1 ] } @ i via { left.b: 2 }; \
         left: { b = part[..][0]; inner[ k in 0..3 ]: { pub c = my!(b => part[k] , \"{b}\") ; } } x[0] = left.inner.c; \
         x[ t in 1..n ] = g(&x[ t - 1 ], match t { 1 => left.b , _ => { let t = 2; left.inner[t] .c } });",
    );
}

/// Expands a graph with a few of its words removed, swapped or replaced, again and again.
fn damage(source: &str) {
    let whole: Vec<&str> = source
        .split_inclusive([' ', '(', ')', '{', '}', ',', ';'])
        .collect();
    let mut random = fastrand::Rng::with_seed(12);
    for _ in 0..3_000 {
        let mut words = whole.clone();
        for _ in 0..random.usize(1..4) {
            let place = random.usize(0..words.len());
            match random.u8(0..3) {
                0 => drop(words.remove(place)),
                1 => words.insert(place, random.choice(PIECES).unwrap()),
                _ => {
                    let other = random.usize(0..words.len());
                    words.swap(place, other);
                }
            }
        }
        if let Ok(tokens) = words.join(" ").parse::<TokenStream>() {
            expand_graph(tokens);
        }
    }
}
