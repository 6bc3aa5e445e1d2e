//! Reads the facts of a graph from the string in generated code, when they are first needed.
//!
//! One string compiles fast. With a struct for each statement, rustc would take longer for these structs than for all
//! other code of a large graph.
//! A number is decimal and followed by a space. A text is its length and its bytes. A list is its length and its
//! items.

use super::{Facts, Family, Part, Slot, Statement};
use std::sync::OnceLock;

/// The facts of one graph, stored as text until they are needed.
#[derive(Debug)]
pub struct FactsText {
    text: &'static str,
    file: &'static str,
    facts: OnceLock<Facts>,
}

impl FactsText {
    /// The facts of a graph in this file.
    pub const fn new(text: &'static str, file: &'static str) -> Self {
        Self {
            text,
            file,
            facts: OnceLock::new(),
        }
    }

    /// The facts. The text is read once, and the facts are kept for the life of the process.
    pub fn read(&self) -> &Facts {
        self.facts.get_or_init(|| {
            let mut reader = Reader {
                rest: self.text,
                file: self.file,
            };
            reader.facts()
        })
    }
}

/// The unread text.
struct Reader {
    rest: &'static str,
    file: &'static str,
}

const AGREE: &str = "the macro writes facts as they are read here";

impl Reader {
    fn facts(&mut self) -> Facts {
        Facts {
            statements: self.list(Self::statement),
            families: self.list(Self::family),
            captures: self.list(Self::text),
            parts: self.list(Self::part),
        }
    }

    fn statement(&mut self) -> Statement {
        Statement {
            name: self.text(),
            source: self.text(),
            file: self.file,
            line: self.number(),
            column: self.number(),
            family: self.number(),
            inputs: self.list(Self::slot),
            captures: self.list(Self::number),
            indices: self.list(Self::text),
            used_indices: self.list(Self::number),
            shape: self.number(),
            output: self.is(),
        }
    }

    fn slot(&mut self) -> Slot {
        Slot {
            family: self.number(),
            depth: self.number(),
            optional: self.is(),
            branch: self.is(),
            moved: self.is(),
            path: self.text(),
            parts: self.list(Self::number),
        }
    }

    fn family(&mut self) -> Family {
        Family {
            name: self.text(),
            statement: self.number(),
            segments: self.list(Self::number),
        }
    }

    fn part(&mut self) -> Part {
        Part {
            captures: self.list(Self::number),
            indices: self.list(Self::number),
        }
    }

    fn list<T>(&mut self, item: fn(&mut Self) -> T) -> &'static [T] {
        let length: usize = self.number();
        let items: Vec<T> = (0..length).map(|_| item(self)).collect();
        items.leak()
    }

    fn text(&mut self) -> &'static str {
        let length = self.number();
        let (text, rest) = self.rest.split_at(length);
        self.rest = rest;
        text
    }

    fn is(&mut self) -> bool {
        self.number::<u8>() == 1
    }

    fn number<N: TryFrom<u64>>(&mut self) -> N {
        let (number, rest) = self.rest.split_once(' ').expect(AGREE);
        self.rest = rest;
        let number: u64 = number.parse().expect(AGREE);
        N::try_from(number).ok().expect(AGREE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_once_as_written() {
        static FACTS: FactsText = FactsText::new(
            "1 3 sum8 a.n + ü10 9 0 1 2 1 0 1 0 3 a.n1 0 0 1 1 i1 0 18446744073709551615 1 \
             1 3 sum0 1 1 1 1 x1 1 0 0 ",
            "main.rs",
        );
        let facts = FACTS.read();
        let [statement] = facts.statements else {
            panic!("there is one statement");
        };
        assert_eq!((statement.name, statement.source), ("sum", "a.n + ü"));
        assert_eq!((statement.line, statement.column), (10, 9));
        assert_eq!((statement.shape, statement.indices), (u64::MAX, &["i"][..]));
        let slot = &statement.inputs[0];
        assert_eq!((slot.family, slot.depth, slot.path), (2, 1, "a.n"));
        assert_eq!(
            (slot.optional, slot.branch, slot.moved),
            (false, true, false)
        );
        assert_eq!(facts.families[0].segments, [1]);
        assert_eq!(
            (facts.captures, facts.parts[0].indices),
            (&["x"][..], &[][..])
        );
        assert!(std::ptr::eq(facts, FACTS.read()));
    }
}
