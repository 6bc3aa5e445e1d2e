//! Values on processes, on threads and inline: as a result, as an input of other tasks, and as a capture.

use crate::isolated::isolated;
use ampeg::{Graph, Pool, Values, graph};
use serde::{Deserialize, Serialize};
use std::fmt::Debug;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Verdict {
    #[serde(skip)]
    #[allow(dead_code, reason = "it is there to move the others")]
    Internal,
    Approved(u32),
    Denied(u32),
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Account {
    #[serde(skip_serializing_if = "Option::is_none")]
    debit: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credit: Option<u64>,
    after: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pair(
    #[serde(skip_serializing_if = "Option::is_none")] Option<u8>,
    u8,
);

fn everywhere<V>(graph: &Graph<V>) -> [V::Outcome; 3]
where
    V: Values<Outcome: Debug>,
{
    let threads = Pool::builder().threads(2).build().unwrap();
    let [processes, threads, inline] = [graph.run(2), threads.run(graph), graph.run_inline()];
    [processes.unwrap(), threads.unwrap(), inline.unwrap()]
}

#[test]
fn variants_after_a_skipped_one() {
    isolated(|| {
        let verdict = Verdict::Approved(2);
        let list = vec![Verdict::Denied(1), Verdict::Approved(3)];
        let lent = &list;
        let graph = graph! {
            made = Verdict::Approved(4);
            captured = verdict;
            borrowed = lent.to_vec();
            one = made.clone() @ 10;
            other = vec![made.clone(), Verdict::Denied(5)] @ 10;
            part = other[1].clone();
        };
        for outcome in everywhere(&graph) {
            assert_eq!(outcome.made, Ok(Verdict::Approved(4)));
            assert_eq!(outcome.captured, Ok(Verdict::Approved(2)));
            assert_eq!(outcome.borrowed.as_ref(), Ok(&list));
            assert_eq!(outcome.one, Ok(Verdict::Approved(4)));
            assert_eq!(outcome.part, Ok(Verdict::Denied(5)));
        }
    });
}

#[test]
fn fields_that_are_left_out() {
    isolated(|| {
        let account = Account {
            debit: Some(1),
            ..Account::default()
        };
        let graph = graph! {
            made = vec![Account { credit: Some(3), ..Account::default() }; 3_000];
            captured = account;
            one = made[1].clone() @ 10;
            other = made.len() @ 10;
            json = serde_json::json!({ "a": [1, null] });
            of_it = json["a"][0].clone() @ 10;
        };
        for outcome in everywhere(&graph) {
            assert_eq!(outcome.captured.as_ref().unwrap().debit, Some(1));
            let credit = Account {
                credit: Some(3),
                ..Account::default()
            };
            assert_eq!(outcome.one.as_ref(), Ok(&credit));
            assert!(
                outcome
                    .made
                    .as_ref()
                    .unwrap()
                    .iter()
                    .all(|account| *account == credit)
            );
            assert_eq!(outcome.of_it, Ok(1.into()));
        }
    });
}

#[test]
fn value_that_names_cannot_restore_fails_its_task() {
    isolated(|| {
        let graph = graph! { pair = vec![Pair(None, 0), Pair(Some(0), 4)]; other = 2; };
        let outcome = graph.run(2).unwrap();
        let error = outcome.pair.as_ref().unwrap_err().to_string();
        assert!(
            error.contains("Pair") && error.contains("skip_serializing_if"),
            "{error}"
        );
        assert_eq!(outcome.other, Ok(2));
        let captured = Pair(None, 1);
        let error = graph! { pair = captured.clone(); other = 2; }
            .run(2)
            .unwrap_err()
            .to_string();
        assert!(error.contains("Pair"), "{error}");
    });
}
