//! Random input: whatever the tokens are, expansion returns, and never gives a graph without a task or an error.

use crate::expand_graph;
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
    "left: { a = 1; }",
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
    let source = "/// doc\n pub c: i64 = h(b, vec![a], format!(\"{a}\"))? @ 1.5 via { b: 2, a: 0.5 } within d \
                  retry 2; a = if let Some(x) = y { x } else { z.len() } @ 3; b = Point { x, a }.sum(|a| a + x);";
    let whole: Vec<&str> = source
        .split_inclusive([' ', '(', ')', '{', '}', ',', ';'])
        .collect();
    let mut random = fastrand::Rng::with_seed(12);
    for _ in 0..5_000 {
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
