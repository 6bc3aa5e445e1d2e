//! The depth of nested values, and the memory of kept texts.

use crate::isolated::isolated;
use crate::{arrive, is_refused, round_trip};
use ampeg::{Pool, graph};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Node {
    next: Option<Box<Node>>,
}

impl Drop for Node {
    fn drop(&mut self) {
        let mut next = self.next.take();
        while let Some(mut node) = next {
            next = node.next.take();
        }
    }
}

fn deep(levels: usize) -> Node {
    (0..levels).fold(Node { next: None }, |node, _| Node {
        next: Some(Box::new(node)),
    })
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Tree {
    Leaf,
    Fork {
        left: Box<Tree>,
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        others: Vec<(u64, Tree)>,
    },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Loose {
    Number(u8),
    List(Vec<Loose>),
}

fn tree(levels: usize) -> Tree {
    (0..levels).fold(Tree::Leaf, |tree, level| {
        if level % 2 == 0 {
            Tree::Fork {
                left: Box::new(tree),
                others: vec![],
            }
        } else {
            Tree::Fork {
                left: Box::new(Tree::Leaf),
                others: vec![(1, tree)],
            }
        }
    })
}

fn loose(levels: usize) -> Loose {
    (0..levels).fold(Loose::Number(1), |loose, _| Loose::List(vec![loose]))
}

/// Decodes on a stack of the usual size of threads, also in a build without optimization.
#[test]
fn deepest_values_fit_on_a_small_stack() {
    let small = std::thread::Builder::new().stack_size(2 << 20);
    let body = || {
        arrive(&[deep(127), deep(128)]);
        is_refused(&deep(129), &["nested more than 128"]);
        arrive(&[tree(80)]);
        arrive(&[loose(60)]);
        is_refused(&loose(300), &["nested more than 128"]);
    };
    small.spawn(body).unwrap().join().unwrap();
}

#[test]
fn value_that_is_too_deep_fails_its_task_alone() {
    isolated(|| {
        let levels = if cfg!(debug_assertions) {
            10_000
        } else {
            100_000
        };
        let graph = graph! { list = deep(levels); other = 2; };
        let threads = Pool::builder().threads(2).build().unwrap();
        for outcome in [graph.run(2), threads.run(&graph)] {
            let outcome = outcome.unwrap();
            if let Err(error) = &outcome.list {
                assert!(error.to_string().contains("nested more than"), "{error}");
            }
            assert_eq!(outcome.other, Ok(2));
        }
        assert!(graph.run(2).unwrap().list.is_err());
        let list = deep(levels);
        let error = graph! { taken = list.next.is_some(); other = 2; }
            .run(2)
            .unwrap_err();
        assert!(error.to_string().contains("nested more than"), "{error}");
    });
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Record {
    unit: &'static str,
    name: String,
    others: Vec<Option<&'static str>>,
    bytes: Box<str>,
}

#[test]
fn only_texts_that_are_borrowed_are_kept() {
    // Other tests allocate memory, too, so this one has its own process.
    isolated(|| {
        let record = |number: u64| Record {
            unit: "m",
            name: format!("{number:060000}"),
            others: vec![Some("kg"), None],
            bytes: format!("{number:060000}").into(),
        };
        arrive(&[record(1), record(2)]);
        let before = resident();
        for number in 0..1_000 {
            assert_eq!(round_trip(&record(number)).unwrap().unit, "m");
        }
        // A leak would keep 120 MB.
        assert!(resident() < before + 50_000);
    });
}

/// The memory of this process in KB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
