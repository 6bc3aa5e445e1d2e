//! The expansion of `graph!`, with one snapshot for each construct of the language in `snapshots/`.
//!
//! A change of the generated code shows here as a diff. `INSTA_UPDATE=always cargo test -p ampeg-macros expansion` writes
//! the snapshots anew; a person must then read the diff.

use crate::stages::expand_graph;
use proc_macro2::TokenStream;

/// The expansion of a graph, formatted, with the graph above it.
fn expansion(source: &str) -> String {
    let tokens: TokenStream = source.parse().expect("test source should be tokens");
    let expanded = expand_graph(tokens);
    let as_expression = syn::parse2(quote::quote!(fn around() { let graph = #expanded; }));
    let file = as_expression.or_else(|_| syn::parse2(quote::quote!(fn around() { #expanded })));
    let formatted = prettyplease::unparse(&file.expect("an expansion is an expression, or items"));
    let source = source
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let source = source.map(|line| format!("// {line}\n"));
    source.collect::<String>() + "\n" + &formatted
}

macro_rules! snapshots {
    ($($name:ident: $source:literal)*) => {$(
        #[test]
        fn $name() {
            insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(stringify!($name), expansion($source));
            });
        }
    )*};
}

snapshots! {
    task: "a = square(3) @ 10.8;"
    dependencies: "
        a = vec![1, 2];
        b = a.len();
        c = total(&a, b);
        d = keep(c);
    "
    captures: "a = scale * self.offset + (shift)(table.rows[1]);"
    clauses: "
        a = load() @ size * 2 retry 2;
        b = parse(&a)? via { a: 0.5 } within limit;
    "
    outputs: "
        hidden = 1;
        /// What users read.
        pub shown: u64 = hidden + 1;
    "
    family: "
        part[i in 0..n] = i * i;
        pub total: u64 = part.iter().sum();
        pub one = part[n - 1];
        pub some = part[1..3].to_vec();
    "
    family_on_itself: "
        x[0] = 1.0;
        x[t in 1..n] = if t > 1 { x[t - 2] } else { x[t - 1] } / 2.0;
    "
    group: "
        base = 2;
        left: { a = base + 1; pub b = a * a; }
        pub sum = left.b + base;
    "
    group_with_indices: "
        shard[i in 0..3]: {
            part[j in 0..2] = 10 * i + j;
            pub sum = part[0] + part[1];
        }
        pub sums = shard.sum;
    "
    parts: "
        table = rows();
        pub first = table[0].len();
        pub name = table.name.clone();
    "
    parts_of_each_member: "
        fit[i in 0..n] = fit(i);
        pub slopes = fit[1..].line.slope;
    "
    values_with_a_name: "
        -> Fit;
        left: { a = 1; }
        part[i in 0..n] = i;
    "
    named_graph: "
        /// A fit.
        #[derive(Debug)]
        pub fn fit(n: usize) -> Fit {
            part[i in 0..n] = i;
            /// All parts.
            pub parts: Vec<usize> = part;
            shard[s in 0..2]: { pub x: usize = s; }
        }
    "
    graph_with_an_error: "a = b + 1; b = a + 1; c = 3;"
}
