//! Collects the values that are evaluated where a graph is declared: its tasks, their costs and their dependencies.
//!
//! Generated code adds the statements one by one. The first mistake is kept, and reported when the graph is used.
//! Expressions of the user that could panic for some members of a family are passed as closures.

use crate::base::failure::TaskErrorKind;
use crate::base::panics;
use crate::base::run_error::RunErrorKind;
use crate::definition::Limits;
use crate::definition::family::{MemberName, Selector};
use crate::definition::family_error::{FamilyErrorKind, MOST_TASKS};
use crate::generated_code::clause::Limit;
use crate::generated_code::facts::{Family, Slot, Source, Statement};
use crate::generated_code::index::{IndexNumber, IndexRange, IndexType, IntoIndex};
use ampeg_schedule::Cost;
use ampeg_schedule::Error;
use ampeg_schedule::internal::GraphErrorKind;
use ampeg_schedule::internal::{EvaluatedCosts, GivenCost};
use std::ops::{Bound, Range, RangeBounds};
use std::time::Duration;
use std::vec;

#[cfg(test)]
mod tests;

/// The values that are evaluated where a graph is declared.
#[derive(Debug)]
pub struct Site {
    pub(crate) statements: &'static [Statement],
    pub(crate) families: &'static [Family],
    /// The number of statements that have begun.
    n_begun: usize,
    /// The indices of the current member that are known so far.
    row: Vec<i64>,
    /// The tasks, statement by statement.
    pub(crate) members: Vec<Member>,
    /// The first indices that were entered, with or without members.
    pub(crate) branches: Vec<Branch>,
    /// The slots of each task.
    pub(crate) uses: Vec<Use>,
    indices: Vec<i64>,
    selectors: Vec<Selector>,
    /// Where the selectors of the current slot begin in `selectors`.
    slot: usize,
    /// The first cost in each unit. It is kept because all costs must have the same unit.
    units: [Option<String>; 2],
    error: Option<Error>,
}

/// One task.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) statement: u32,
    pub(crate) cost: Cost,
    pub(crate) limits: Limits,
    /// Where the indices of the task begin.
    row: usize,
    /// Where the slots of the task begin.
    uses: usize,
}

/// The first indices of a family's members.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) family: u32,
    row: Range<usize>,
}

/// A task's use of one family.
#[derive(Debug)]
pub(crate) struct Use {
    /// The cost of sending each result.
    pub(crate) cost: Cost,
    /// Whether the slot is present. If not, its condition is false.
    pub(crate) present: bool,
    selectors: Range<usize>,
}

impl Site {
    /// An empty site for the graph with these facts.
    pub fn new<S: Source>(_: &S) -> Self {
        Self {
            statements: S::facts().statements,
            families: S::facts().families,
            n_begun: 0,
            row: Vec::new(),
            members: Vec::new(),
            branches: Vec::new(),
            uses: Vec::new(),
            indices: Vec::new(),
            selectors: Vec::new(),
            slot: 0,
            units: [None, None],
            error: None,
        }
    }

    /// Begins the next statement: one task with this cost, which uses all members of its families.
    pub(crate) fn task(&mut self, cost: Result<GivenCost, Error>) {
        self.family();
        self.push_member(cost);
    }

    /// Adds the next slot of that task, which selects all members of a family. `cost` is that of sending each result.
    pub(crate) fn via(&mut self, cost: Result<GivenCost, Error>) {
        self.slot();
        self.push_use(cost);
    }

    /// Adds the next statements, with one task each. `costs` has the cost of each task, and `vias` the cost of
    /// sending the results of each slot.
    ///
    /// In both, `-1` is the next evaluated cost, `-2` the same evaluated cost again, and `-3` a cost that the user
    /// did not write.
    pub fn tasks(&mut self, costs: &[f64], vias: &[f64], mut evaluated: EvaluatedCosts) {
        let mut vias = vias.iter();
        for &cost in costs {
            let statement = self.n_begun;
            self.task(evaluated.cost(cost));
            for (_, &via) in self.statements[statement].inputs.iter().zip(&mut vias) {
                self.via(evaluated.cost(via));
            }
        }
    }

    /// Adds the clauses of the last task.
    pub fn limit(&mut self, limit: Limit) {
        if let Some(within) = limit.within {
            self.set_within(within);
        }
        if let Some(retry) = limit.retry {
            self.set_retry(retry);
        }
    }

    /// Begins the next statement, which has any number of tasks.
    pub fn family(&mut self) {
        self.n_begun += 1;
        self.row.clear();
    }

    /// Evaluates the values of an index; returns none after a mistake.
    pub fn range<I, R>(
        &mut self,
        index: usize,
        _: IndexType<I>,
        range: impl FnOnce() -> R,
    ) -> vec::IntoIter<I>
    where
        R: IndexRange<Index = I>,
    {
        self.row.truncate(index);
        let most = MOST_TASKS - self.members.len().min(MOST_TASKS);
        let values = self.evaluate(Expression::Range(index), || {
            let values = range().values();
            if values.size_hint().0 > most {
                return None;
            }
            let values: Vec<I> = values.take(most + 1).collect();
            (values.len() <= most).then_some(values)
        });
        let values = values.and_then(|values| {
            if values.is_none() {
                self.fail(FamilyErrorKind::TooManyTasks);
            }
            values
        });
        if index > 0 {
            let family = self.statement().family;
            let row = self.keep_row();
            self.branches.push(Branch { family, row });
        }
        values.unwrap_or_default().into_iter()
    }

    /// Continues with this value of an index.
    pub fn enter(&mut self, index: usize, value: impl IndexNumber) {
        self.row.truncate(index);
        self.push_index(index, value.to_number());
    }

    /// Continues with the only value of an index, which the statement has fixed. Returns false after a mistake.
    pub fn fixed(&mut self, index: usize, value: impl FnOnce() -> Result<i64, String>) -> bool {
        self.row.truncate(index);
        if let Some(value) = self.evaluate(Expression::Range(index), value) {
            self.push_index(index, value);
        }
        self.error.is_none()
    }

    /// Adds the task with the current indices, and its cost.
    pub fn member(&mut self, cost: impl FnOnce() -> Result<GivenCost, Error>) {
        if let Some(cost) = self.evaluate(Expression::Clause("cost"), cost) {
            self.push_member(cost);
        }
    }

    /// Like [`member`](Self::member), for a cost that is a literal. Rustc takes longer for each closure in a
    /// function.
    pub fn member_given(&mut self, cost: Result<GivenCost, Error>) {
        self.member(|| cost);
    }

    /// Sets the time limit of the last task.
    pub fn within(&mut self, within: impl FnOnce() -> Result<Duration, String>) {
        if let Some(within) = self.evaluate(Expression::Clause("`within`"), within) {
            self.set_within(within);
        }
    }

    /// Sets the number of retries of the last task.
    pub fn retry(&mut self, retry: impl FnOnce() -> Result<u32, String>) {
        if let Some(retry) = self.evaluate(Expression::Clause("`retry`"), retry) {
            self.set_retry(retry);
        }
    }

    /// Evaluates the condition of the next slot.
    pub fn when(&mut self, condition: impl FnOnce() -> bool) -> bool {
        self.evaluate(Expression::Condition, condition)
            .unwrap_or(false)
    }

    /// Adds the next slot, which is absent.
    pub fn absent(&mut self) {
        self.slot();
        self.push_slot(Cost::ZERO, false);
    }

    /// Begins the next slot. The following calls select by each index of its family.
    pub fn slot(&mut self) {
        self.slot = self.selectors.len();
    }

    /// Selects one value of the index.
    pub fn at(&mut self, index: impl FnOnce() -> Result<i64, String>) {
        let index = self.evaluate(Expression::Selection, index);
        if let Some(index) = index.and_then(|index| self.index(Expression::Selection, index)) {
            self.selectors.push(Selector::One(index));
        }
    }

    /// Selects the current value of an index of the statement.
    pub fn same(&mut self, index: usize) {
        if let Some(&index) = self.row.get(index) {
            self.selectors.push(Selector::One(index));
        }
    }

    /// Selects the values of the index in a range.
    pub fn span<I: IntoIndex, R: RangeBounds<I>>(&mut self, range: impl FnOnce() -> R) {
        let Some(range) = self.evaluate(Expression::Selection, range) else {
            return;
        };
        let start = match range.start_bound() {
            Bound::Included(start) => self.bound(*start, 0),
            Bound::Excluded(start) => self.bound(*start, 1),
            Bound::Unbounded => None,
        };
        let end = match range.end_bound() {
            Bound::Included(end) => self.bound(*end, 1),
            Bound::Excluded(end) => self.bound(*end, 0),
            Bound::Unbounded => None,
        };
        if let (Some(start), Some(end)) = (start, end)
            && start > end
        {
            let what = self.describe(Expression::Selection);
            self.fail(FamilyErrorKind::Backwards { what, start, end });
        }
        self.selectors.push(match (start, end) {
            (Some(start), Some(end)) => Selector::Span(start, end),
            (Some(start), None) => Selector::From(start),
            (None, Some(end)) => Selector::To(end),
            (None, None) => Selector::All,
        });
    }

    /// Selects all values of the index.
    pub fn all(&mut self) {
        self.selectors.push(Selector::All);
    }

    /// Ends the slot. `cost` is that of sending each result.
    pub fn via_with(&mut self, cost: impl FnOnce() -> Result<GivenCost, Error>) {
        if let Some(cost) = self.evaluate(Expression::Dependency, cost) {
            self.push_use(cost);
        }
    }

    /// Like [`via_with`](Self::via_with), for a cost that is a literal.
    pub fn via_given(&mut self, cost: Result<GivenCost, Error>) {
        self.via_with(|| cost);
    }

    /// The first mistake, if any.
    pub(crate) fn take_error(&mut self) -> Option<Error> {
        self.error.take()
    }

    /// The indices of a task.
    pub(crate) fn row(&self, member: &Member) -> &[i64] {
        let statement = &self.statements[member.statement as usize];
        &self.indices[member.row..member.row + statement.indices.len()]
    }

    /// The indices of a branch.
    pub(crate) fn branch_row(&self, branch: &Branch) -> &[i64] {
        &self.indices[branch.row.clone()]
    }

    /// The slots of a task, each with its use.
    pub(crate) fn slots(&self, member: &Member) -> impl Iterator<Item = (&'static Slot, &Use)> {
        let statement = &self.statements[member.statement as usize];
        statement.inputs.iter().zip(&self.uses[member.uses..])
    }

    /// The selectors of a use, one for each index.
    pub(crate) fn selectors(&self, used: &Use) -> &[Selector] {
        &self.selectors[used.selectors.clone()]
    }

    /// The name of a task.
    pub(crate) fn name<'a>(&'a self, member: &'a Member) -> MemberName<'a> {
        let statement = &self.statements[member.statement as usize];
        MemberName {
            family: &self.families[statement.family as usize],
            indices: self.row(member),
        }
    }

    fn statement(&self) -> &'static Statement {
        &self.statements[self.n_begun - 1]
    }

    /// The current slot, as written.
    fn current_path(&self) -> &'static str {
        let first = self.members.last().map_or(0, |member| member.uses);
        let slot = self.statement().inputs.get(self.uses.len() - first);
        slot.map_or("", |slot| slot.path)
    }

    fn keep_row(&mut self) -> Range<usize> {
        let start = self.indices.len();
        self.indices.extend_from_slice(&self.row);
        start..self.indices.len()
    }

    fn push_index(&mut self, number: usize, value: Result<i64, String>) {
        if let Some(value) = self.index(Expression::Range(number), value) {
            self.row.push(value);
        }
    }

    fn index(&mut self, expression: Expression, value: Result<i64, String>) -> Option<i64> {
        let refused = |index| {
            let what = self.describe(expression);
            self.fail(FamilyErrorKind::NoIndex { what, index });
        };
        value.map_err(refused).ok()
    }

    /// The number `value + more`, as a bound of a range. If the number does not fit in an `i64`, the range has no such
    /// bound.
    fn bound(&mut self, value: impl IntoIndex, more: i64) -> Option<i64> {
        let bound = self.index(Expression::Selection, value.to_number())?;
        bound.checked_add(more)
    }

    fn push_member(&mut self, cost: Result<GivenCost, Error>) {
        let cost = match cost {
            Ok(given) => self.in_one_unit(given, Expression::Clause("cost")),
            Err(error) => {
                let (task, reason) = (self.current_name(), error.to_string());
                self.fail(GraphErrorKind::TaskCost { task, reason });
                Cost::ZERO
            }
        };
        if self.members.len() == MOST_TASKS {
            self.fail(FamilyErrorKind::TooManyTasks);
            return;
        }
        let row = self.keep_row().start;
        self.members.push(Member {
            statement: u32::try_from(self.n_begun - 1).unwrap_or(u32::MAX),
            cost,
            limits: Limits::default(),
            row,
            uses: self.uses.len(),
        });
    }

    fn push_use(&mut self, cost: Result<GivenCost, Error>) {
        let cost = match cost {
            Ok(given) => self.in_one_unit(given, Expression::Dependency),
            Err(error) => {
                let dependency = self.dependency();
                let reason = error.to_string();
                self.fail(GraphErrorKind::DependencyCost { dependency, reason });
                Cost::ZERO
            }
        };
        self.push_slot(cost, true);
    }

    /// The cost. Fails if it has another unit than earlier costs.
    fn in_one_unit(&mut self, given: GivenCost, expression: Expression) -> Cost {
        if let Some(unit) = given.unit
            && self.units[unit as usize].is_none()
        {
            self.units[unit as usize] = Some(self.describe(expression));
            if let [Some(number), Some(duration)] = &self.units {
                let (number, duration) = (number.clone(), duration.clone());
                self.fail(GraphErrorKind::Units { number, duration });
            }
        }
        given.cost
    }

    fn push_slot(&mut self, cost: Cost, present: bool) {
        self.uses.push(Use {
            cost,
            present,
            selectors: self.slot..self.selectors.len(),
        });
    }

    fn set_within(&mut self, within: Result<Duration, String>) {
        let within = self.clause("within", within);
        if let Some(member) = self.members.last_mut() {
            member.limits.within = within;
        }
    }

    fn set_retry(&mut self, retry: Result<u32, String>) {
        let retry = self.clause("retry", retry);
        if let Some(member) = self.members.last_mut() {
            member.limits.retry = retry.unwrap_or(0);
        }
    }

    fn clause<T>(&mut self, clause: &'static str, value: Result<T, String>) -> Option<T> {
        let failed = |reason| {
            let task = self.current_name();
            self.fail(RunErrorKind::Clause {
                task,
                clause,
                reason,
            });
        };
        value.map_err(failed).ok()
    }

    /// Evaluates an expression of the user, unless there was a mistake.
    fn evaluate<T>(&mut self, expression: Expression, body: impl FnOnce() -> T) -> Option<T> {
        if self.error.is_some() {
            return None;
        }
        let result = panics::catch(body);
        result.map_err(|kind| self.panicked(expression, kind)).ok()
    }

    fn panicked(&mut self, expression: Expression, kind: TaskErrorKind) {
        let message = match kind {
            TaskErrorKind::Panicked { message, .. } => message,
            other => other.to_string(),
        };
        let what = self.describe(expression);
        let selects = matches!(expression, Expression::Selection);
        self.fail(FamilyErrorKind::Panicked {
            what,
            message,
            selects,
        });
    }

    /// The current expression, in words of the user.
    fn describe(&self, expression: Expression) -> String {
        let name = self.current_name();
        match expression {
            Expression::Range(index) => match self.statement().indices.get(index) {
                Some(&index) if !index.is_empty() => {
                    format!("the index `{index}` of `{}`", self.statement().name)
                }
                _ => format!("an index of `{}`", self.statement().name),
            },
            Expression::Clause(clause) => format!("the {clause} of `{name}`"),
            Expression::Dependency => format!("the cost of {}", self.dependency()),
            Expression::Selection => format!("`{}` in `{name}`", self.current_path()),
            Expression::Condition => {
                let path = self.current_path();
                format!("the condition of `{path}` in `{name}`")
            }
        }
    }

    /// The current slot, written as an arrow.
    fn dependency(&self) -> String {
        format!("{} → {}", self.current_path(), self.current_name())
    }

    fn current_name(&self) -> String {
        let family = &self.families[self.statement().family as usize];
        let indices = &self.row;
        MemberName { family, indices }.to_string()
    }

    /// Keeps the first mistake.
    fn fail(&mut self, error: impl Into<Error>) {
        self.error.get_or_insert_with(|| error.into());
    }
}

/// The role of an expression of the user.
#[derive(Debug, Clone, Copy)]
enum Expression {
    /// This index of the statement.
    Range(usize),
    Clause(&'static str),
    Dependency,
    Selection,
    Condition,
}
