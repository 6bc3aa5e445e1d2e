//! User code that panics, or returns very long messages, wherever it is called.

use crate::isolated::isolated;
use ampeg::{Outcome, Pool, graph};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::error::Error;
use std::fmt;

#[derive(Debug)]
struct Odd(&'static str);

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "display" => panic!("in Display"),
            "long" => (0..1_000_000).try_for_each(|_| f.write_str("very long ")),
            other => f.write_str(other),
        }
    }
}

impl Error for Odd {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self.0 {
            "source" => panic!("in source"),
            "endless" => Some(self),
            _ => None,
        }
    }
}

impl Drop for Odd {
    fn drop(&mut self) {
        assert!(self.0 != "drop", "in Drop");
    }
}

fn fail(how: &'static str) -> Result<i32, Odd> {
    Err(Odd(how))
}

/// A value that panics in the implementation that its text names.
#[derive(Debug, PartialEq, Clone)]
struct Value(String);

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        assert!(self.0 != "serialize", "in Serialize");
        if self.0 == "long" {
            return Err(serde::ser::Error::custom("very long ".repeat(1_000_000)));
        }
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Self(String::deserialize(deserializer)?);
        assert!(value.0 != "deserialize", "in Deserialize");
        Ok(value)
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        // A panic while another one unwinds would end the process, as in any program.
        assert!(self.0 != "drop" || std::thread::panicking(), "in Drop");
    }
}

fn make(how: &str) -> Value {
    Value(how.to_owned())
}

#[test]
fn errors_of_tasks_may_be_of_any_kind() {
    isolated(|| {
        let graph = graph! {
            display = fail("display")?;
            long = fail("long")?;
            source = fail("source")?;
            endless = fail("endless")?;
            dropped = fail("drop")?;
            huge: i32 = panic!("{}", "very long ".repeat(1_000_000));
        };
        let threads = Pool::builder().threads(2).build().unwrap();
        for outcome in [graph.run(2), threads.run(&graph), graph.run_inline()] {
            let outcome = outcome.unwrap();
            let text = |result: &Result<i32, ampeg::TaskError>| {
                let text = result.as_ref().unwrap_err().to_string();
                assert!(text.len() < 150_000);
                text
            };
            assert!(text(&outcome.display).ends_with("in Display"));
            assert!(text(&outcome.long).contains("very long"));
            assert!(text(&outcome.source).ends_with("in source"));
            assert!(text(&outcome.endless).ends_with("endless: … and more"));
            assert!(text(&outcome.dropped).ends_with("in Drop"));
            assert!(text(&outcome.huge).contains("(cut here, after 65536 bytes)"));
        }
    });
}

#[test]
fn values_that_panic_fail_their_tasks_and_no_others() {
    isolated(|| {
        let graph = graph! {
            a = make("serialize");
            pub use_a = a.0.len();
            pub b = make("deserialize");
            c = make("drop");
            use_c = c.0.len();
            d = make("long");
            pub use_d = d.0.len();
            pub out = make("serialize");
            pub late = use_c + 1;
            pub fine = 7;
        };
        let threads = Pool::builder().threads(2).build().unwrap();
        for _ in 0..3 {
            for outcome in [graph.run(2), threads.run(&graph), graph.run_inline()] {
                let outcome = outcome.unwrap();
                assert_eq!(outcome.fine, Ok(7));
                let error = outcome.b.as_ref().unwrap_err().to_string();
                assert!(error.contains("in Deserialize"), "{error}");
                let error = outcome.out.as_ref().unwrap_err().to_string();
                assert!(error.contains("in Serialize"), "{error}");
            }
        }
    });
}

#[test]
fn clauses_and_ranges_that_panic_are_errors_of_the_graph() {
    fn number(text: &str) -> u32 {
        text.parse().unwrap()
    }
    fn check(run: Result<impl Outcome, ampeg::Error>) {
        let error = run.map(drop).unwrap_err().to_string();
        assert!(error.contains("ParseIntError"), "{error}");
    }
    isolated(|| {
        let text = "seven";
        check(graph! { a[i in 0..2] = i @ number(text); }.run(1));
        check(graph! { a[i in 0..2] = i within number(text); }.run(1));
        check(graph! { a[i in 0..number(text)] = i; }.run(1));
        check(graph! { a[i in 0..2] = i; b[i in 0..2] = a[i] via number(text); }.run_inline());
    });
}
