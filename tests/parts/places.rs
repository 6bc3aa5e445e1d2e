//! Parts in every kind of expression, with every kind of expression inside.

use super::{isolated::isolated, sent, spread_out, table};
use ampeg::graph;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Kind {
    Small,
    Named(String),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Pair {
    x: u32,
    y: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Thing {
    kind: Kind,
    pair: Pair,
    option: Option<(u32, String)>,
    numbers: Vec<u64>,
}

fn thing() -> Thing {
    Thing {
        kind: Kind::Named("thing".into()),
        pair: Pair { x: 1, y: 2 },
        option: Some((3, "three".into())),
        numbers: vec![7; 1000],
    }
}

/// A value out of which nothing can be moved.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Guarded {
    kind: Kind,
    number: u64,
}

impl Drop for Guarded {
    fn drop(&mut self) {}
}

#[test]
fn patterns_take_apart_values_that_cannot_be_moved() {
    isolated(|| {
        let graph = graph! {
            _s0 = Arc::new(thing());
            _s1 = Arc::new(thing());
            _s2 = Arc::new(thing());
            _s3 = Arc::new(thing());
            _s4 = Arc::new(thing());
            _s5 = Arc::new(thing());
            _s6 = Arc::new(thing());
            _s7 = Arc::new(thing());
            _s8 = Arc::new(thing());
            _s9 = Arc::new(thing());
            _g0 = Guarded { kind: Kind::Small, number: 4 };
            _g1 = Guarded { kind: Kind::Small, number: 4 };
            pub reference = match _s0.kind { Kind::Small => 0, Kind::Named(ref name) => name.len() };
            pub nothing = match _s1.kind { Kind::Small => 0, Kind::Named(_) => 1 };
            pub copied = { let Pair { x, y } = _s2.pair; x + y };
            pub first = if let Some((n, _)) = _s3.option { n } else { 0 };
            pub otherwise = { let Some((n, ref text)) = _s4.option else { Err("no")? }; n as usize + text.len() };
            pub ignored = { let _ = _s5.option; 5 };
            pub held = { let ref numbers = _s6.numbers; numbers.len() };
            pub update = Pair { x: 9, .._s7.pair };
            pub guard = matches!(_s8.kind, Kind::Named(ref name) if name.len() > 3);
            pub number = _s9.pair.x + 1;
            pub dropped = match _g0.kind { Kind::Small => _g1.number, Kind::Named(_) => 0 };
        };
        let outcome = spread_out(&graph);
        assert_eq!(sent(&graph, &outcome, "_s0", "reference"), 17);
        assert_eq!(sent(&graph, &outcome, "_s9", "number"), 4);
        let values = outcome.into_values().unwrap();
        assert_eq!((values.reference, values.copied, values.first), (5, 3, 3));
        assert_eq!((values.otherwise, values.update.y), (8, 2));
        assert_eq!((values.guard, values.dropped), (true, 4));
    });
}

#[test]
fn patterns_move_out_of_owned_values() {
    macro_rules! own {
        ($value:expr) => {
            match $value {
                Kind::Named(name) => name,
                Kind::Small => String::new(),
            }
        };
    }
    isolated(|| {
        let graph = graph! {
            _first = thing();
            _second = thing();
            _third = thing();
            _fourth = thing();
            _fifth = thing();
            pub name = match _first.kind { Kind::Named(name) => name, Kind::Small => String::new() };
            pub text = if let Some((_, text)) = _second.option { text } else { String::new() };
            pub is_named = matches!(_third.kind, Kind::Named(name) if name == "thing");
            pub in_macro = own!(_fourth.kind);
            pub list = { let numbers = _fifth.numbers; numbers };
        };
        let outcome = spread_out(&graph);
        assert_eq!(sent(&graph, &outcome, "_fifth", "list"), 8000);
        let values = outcome.into_values().unwrap();
        assert_eq!(values.name + &values.text, "thingthree");
        assert_eq!(values.in_macro, "thing");
        assert!(values.is_named);
    });
}

#[test]
fn brackets_see_what_the_body_declares_and_imports() {
    mod numbers {
        pub(super) const TWO: usize = 2;
        pub(super) enum Place {
            Zero,
            One,
        }
    }
    isolated(|| {
        let graph = graph! {
            _table = table(3, 3);
            pub glob = { use numbers::*; _table.rows[TWO][Place::One as usize] };
            pub import = { use numbers as n; _table.rows[n::TWO][n::Place::Zero as usize] };
            pub variant = { use numbers::Place::{One, Zero}; _table.rows[Zero as usize][One as usize] };
            pub constant = {
                struct Local { _x: u8 }
                impl Local { const ONE: usize = 1; }
                enum Row { Second = 1 }
                type Index = usize;
                _table.rows[Local::ONE][Row::Second as Index] + _table.rows[1u8 as Index][0]
            };
            pub outside = _table.rows[numbers::TWO][numbers::Place::One as usize];
        };
        let outcome = spread_out(&graph);
        assert_eq!(sent(&graph, &outcome, "_table", "outside"), 8);
        let values = outcome.into_values().unwrap();
        assert_eq!(
            (values.glob, values.import, values.variant),
            (7.0, 6.0, 1.0)
        );
        assert_eq!((values.constant, values.outside), (7.0, 7.0));
    });
}
