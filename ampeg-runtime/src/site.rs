//! What is evaluated where a graph stands: which tasks there are, what each costs, and on what each depends.
//!
//! Generated code tells it statement by statement; the first mistake is kept, and told when the graph is used.

use crate::clause::Limit;
use crate::cost::Cost;
use crate::error::Error;
use crate::facts::{Family, Source, Statement};
use crate::graph::{GraphErrorKind, TaskGraph, TaskGraphBuilder};
use crate::id::TaskId;
use crate::program::{Instance, Limits};
use crate::run_error::RunErrorKind;

/// What a graph evaluates where it stands.
#[derive(Debug)]
pub struct Site {
    statements: &'static [Statement],
    families: &'static [Family],
    members: Vec<Member>,
    /// What moving the results of each slot costs.
    transfers: Vec<Cost>,
    error: Option<Error>,
}

/// One task.
#[derive(Debug)]
struct Member {
    statement: u32,
    cost: Cost,
    limits: Limits,
    /// Its first slot among all.
    first_slot: usize,
}

impl Site {
    /// Nothing yet of the graph with these facts.
    pub fn new<S: Source>(_: &S) -> Self {
        Self {
            statements: S::STATEMENTS,
            families: S::FAMILIES,
            members: Vec::new(),
            transfers: Vec::new(),
            error: None,
        }
    }

    /// The next statement: a task of this cost, which needs all members of whatever it uses.
    pub fn task(&mut self, cost: Result<Cost, Error>) {
        let statement = self.members.len();
        let cost = cost.unwrap_or_else(|error| {
            let task = self.statements[statement].name.into();
            let reason = error.to_string();
            self.fail(GraphErrorKind::TaskCost { task, reason });
            Cost::ZERO
        });
        self.members.push(Member {
            statement: u32::try_from(statement).unwrap_or(u32::MAX),
            cost,
            limits: Limits::default(),
            first_slot: self.transfers.len(),
        });
    }

    /// The next slot of that task: what moving its results costs.
    pub fn via(&mut self, cost: Result<Cost, Error>) {
        let cost = cost.unwrap_or_else(|error| {
            let dependency = self.dependency();
            let reason = error.to_string();
            self.fail(GraphErrorKind::DependencyCost { dependency, reason });
            Cost::ZERO
        });
        self.transfers.push(cost);
    }

    /// The clauses of that task.
    pub fn limit(&mut self, limit: Limit) {
        let within = limit.within.transpose();
        let within = self.clause("within", within).flatten();
        let retry = limit.retry.transpose();
        let retry = self.clause("retry", retry).flatten().unwrap_or(0);
        if let Some(member) = self.members.last_mut() {
            member.limits = Limits { within, retry };
        }
    }

    /// The graph, and its tasks.
    pub(crate) fn finish(self) -> Result<(TaskGraph, Vec<Instance>), Error> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let mut builder = TaskGraphBuilder::default();
        let mut instances = Vec::with_capacity(self.members.len());
        for member in &self.members {
            let statement = &self.statements[member.statement as usize];
            let task = builder.add_task(statement.name, member.cost);
            let producers = statement.inputs.iter().map(|slot| {
                let family = &self.families[slot.family as usize];
                TaskId::new(family.statement as usize)
            });
            let inputs: Vec<_> = producers.collect();
            for (&input, &cost) in inputs.iter().zip(&self.transfers[member.first_slot..]) {
                builder.add_dependency(input, task, cost);
            }
            instances.push(Instance {
                statement: member.statement,
                indices: Vec::new(),
                inputs,
                shape: Vec::new(),
                limits: member.limits,
            });
        }
        Ok((builder.build()?, instances))
    }

    /// The slot that is being told, in the user's words.
    fn dependency(&self) -> String {
        let member = &self.members[self.members.len() - 1];
        let statement = &self.statements[member.statement as usize];
        let slot = &statement.inputs[self.transfers.len() - member.first_slot];
        format!("{} → {}", slot.path, statement.name)
    }

    fn clause<T>(&mut self, clause: &'static str, value: Result<T, String>) -> Option<T> {
        value
            .map_err(|reason| {
                let statement = self.members.len() - 1;
                let task = self.statements[statement].name.into();
                self.fail(RunErrorKind::Clause {
                    task,
                    clause,
                    reason,
                });
            })
            .ok()
    }

    /// Keeps the first mistake.
    fn fail(&mut self, error: impl Into<Error>) {
        self.error.get_or_insert_with(|| error.into());
    }
}
