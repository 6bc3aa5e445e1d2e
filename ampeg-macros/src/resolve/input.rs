//! The inputs of a body: members of families and captured names, each once, whatever the number of uses.

use super::parts::PartOf;
use super::scope::{Access, Selector};
use crate::body::{Condition, Position, Use};
use crate::source;
use proc_macro2::Span;
use quote::ToTokens;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// An input of a body: members of one family, or one captured name.
#[derive(Debug)]
pub(crate) struct Input {
    /// The index of the family or of the capture.
    pub(crate) index: usize,
    /// The name, or the path of fields, as written in the body, without brackets.
    pub(crate) path: String,
    /// The text of its first use.
    pub(crate) text: String,
    /// The members that are used: a selector for each index of the family.
    pub(crate) selectors: Vec<Selector>,
    /// Whether each of its uses is in a branch that is chosen only where the body runs.
    pub(crate) in_branch: bool,
    /// The input is needed only if all of these conditions are met.
    pub(crate) conditions: Vec<Condition>,
    /// The place of its first use.
    pub(crate) span: Span,
    pub(crate) mode: Mode,
    /// The numbers of the holes that it fills.
    pub(super) holes: Vec<usize>,
    /// Whether its first use moves the value.
    by_value: bool,
    /// Whether its first use may run more than once, or cannot be analysed.
    only_shared: bool,
    /// The parts that suffice in place of the whole; empty if the whole is needed.
    pub(crate) parts: Vec<PartOf>,
}

/// How a body takes an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Moved: this is its only use in the graph.
    Take,
    /// Its only use in the body, by value: moved if it is the last use on its worker, else cloned.
    TakeOrClone,
    /// Borrowed; uses by value clone it.
    Borrow,
}

impl Input {
    fn new(index: usize, used: &Use) -> Self {
        Self {
            index,
            path: used.path.clone(),
            text: String::new(),
            selectors: Vec::new(),
            in_branch: used.in_branch,
            conditions: Vec::new(),
            span: used.span,
            mode: Mode::Borrow,
            holes: Vec::new(),
            by_value: used.position == Position::Value && used.part.is_empty(),
            only_shared: used.repeated || used.position == Position::Unknown,
            parts: Vec::new(),
        }
    }

    /// The number of nested lists that it is.
    pub(crate) fn depth(&self) -> usize {
        let lists = self.selectors.iter().filter(|selector| selector.is_list());
        lists.count()
    }

    /// Whether it is all members of a family.
    pub(crate) fn is_whole(&self) -> bool {
        let mut selectors = self.selectors.iter();
        selectors.all(|selector| matches!(selector, Selector::All))
    }

    /// Whether the body needs its value more than once, or in place.
    pub(crate) fn is_shared(&self) -> bool {
        self.holes.len() > 1 || self.only_shared
    }

    /// Chooses how the body takes it. `is_sole`: no other body uses the same value, and this body runs once.
    pub(super) fn choose_mode(&mut self, is_sole: bool) {
        let is_list = self.depth() > 0;
        self.mode = if is_sole && (is_list || !self.is_shared()) {
            Mode::Take
        } else if is_list || self.by_value && !self.is_shared() {
            Mode::TakeOrClone
        } else {
            Mode::Borrow
        };
    }
}

/// The captured names that one body uses, in the order of their first uses.
#[derive(Default)]
pub(super) struct Captured {
    pub(super) inputs: Vec<Input>,
    positions: HashMap<usize, usize>,
}

impl Captured {
    /// Adds the use of this hole; returns the position of its input.
    pub(super) fn add(&mut self, capture: usize, used: &Use, hole: usize) -> usize {
        let next = self.inputs.len();
        let position = *self.positions.entry(capture).or_insert(next);
        if position == next {
            self.inputs.push(Input::new(capture, used));
        }
        let input = &mut self.inputs[position];
        input.in_branch &= used.in_branch;
        input.holes.push(hole);
        position
    }
}

/// The tasks that one body uses, in the order of their first uses.
#[derive(Default)]
pub(super) struct Dependencies {
    candidates: Vec<Candidate>,
    positions: HashMap<(Members, String), usize>,
}

/// An input, unless its members are also used without conditions.
struct Candidate {
    members: Members,
    input: Input,
}

/// The members of a family that a use selects.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Members {
    family: usize,
    /// The text that distinguishes the selectors.
    selectors: String,
    /// Whether parts of each member of a list are used, which are another input than the list.
    are_parts: bool,
}

impl Dependencies {
    /// Adds the use of this hole; returns the number of its candidate.
    pub(super) fn add(
        &mut self,
        access: Access,
        conditions: &[Condition],
        used: &Use,
        hole: usize,
    ) -> usize {
        let members = Members {
            family: access.family,
            selectors: access.identity(),
            are_parts: access.is_list() && !used.part.is_empty(),
        };
        let text = conditions.iter().map(Condition::text).collect();
        let number = match self.positions.entry((members.clone(), text)) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                let input = Input {
                    text: source::text(&used.whole.to_token_stream()),
                    selectors: access.selectors,
                    conditions: conditions.to_vec(),
                    ..Input::new(access.family, used)
                };
                self.candidates.push(Candidate { members, input });
                *new.insert(self.candidates.len() - 1)
            }
        };
        let input = &mut self.candidates[number].input;
        input.in_branch &= used.in_branch;
        input.holes.push(hole);
        number
    }

    /// The inputs, and the position of the input of each candidate.
    ///
    /// An input with a use without conditions is always needed, so its uses under conditions share it.
    pub(super) fn finish(self) -> (Vec<Input>, Vec<usize>) {
        let Self {
            candidates,
            positions,
        } = self;
        let always = |members: &Members| positions.get(&(members.clone(), String::new())).copied();
        let mut position_of = vec![0; candidates.len()];
        let (mut inputs, mut conditional) = (Vec::new(), Vec::new());
        for (number, Candidate { members, input }) in candidates.into_iter().enumerate() {
            match always(&members) {
                Some(always) if always != number => conditional.push((number, always, input)),
                _ => {
                    position_of[number] = inputs.len();
                    inputs.push(input);
                }
            }
        }
        for (number, always, input) in conditional {
            let position = position_of[always];
            position_of[number] = position;
            inputs[position].holes.extend(input.holes);
            inputs[position].only_shared |= input.only_shared;
        }
        (inputs, position_of)
    }
}
