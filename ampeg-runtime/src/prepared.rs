//! What is worked out before a graph is run, kept in case the same graph is run again: its schedule and its plan.

use crate::definition::Definition;
use crate::error::Error;
use crate::plan::Plan;
use crate::run_error::RunErrorKind;
use crate::schedule::{Policy, Processors, Schedule, Scheduler};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// How a pool schedules graphs, and what came of it the last time.
#[derive(Debug)]
pub(crate) struct Preparation {
    pub(crate) processors: Processors,
    pub(crate) policy: Policy,
    /// What to wait before a task is tried again.
    pub(crate) backoff: Duration,
    last: Mutex<Option<Last>>,
}

#[derive(Debug)]
struct Last {
    /// Not held alive; as long as it is pointed at, no other graph has its address.
    definition: Weak<Definition>,
    /// Whether the schedule was made here, and not by hand.
    by_policy: bool,
    prepared: Prepared,
}

/// A graph that is ready to be run.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(crate) schedule: Arc<Schedule>,
    pub(crate) plan: Arc<Plan>,
}

impl Preparation {
    pub(crate) fn new(processors: Processors, policy: Policy, backoff: Duration) -> Self {
        Self {
            processors,
            policy,
            backoff,
            last: Mutex::new(None),
        }
    }

    /// Schedules a graph; one that was scheduled just before has the same schedule again.
    pub(crate) fn by_policy(&self, definition: &Arc<Definition>) -> Result<Prepared, Error> {
        if let Some(prepared) = self.same(definition, |last| last.by_policy) {
            return Ok(prepared);
        }
        let schedule = self
            .policy
            .schedule(&definition.task_graph, &self.processors)?;
        self.prepare(definition, schedule, true)
    }

    /// Takes a schedule that was made before, or by hand.
    pub(crate) fn by_hand(
        &self,
        definition: &Arc<Definition>,
        schedule: &Schedule,
    ) -> Result<Prepared, Error> {
        if let Some(prepared) = self.same(definition, |last| *last.prepared.schedule == *schedule) {
            return Ok(prepared);
        }
        self.prepare(definition, schedule.clone(), false)
    }

    /// What was prepared the last time, if it was of the same graph and fits.
    fn same(
        &self,
        definition: &Arc<Definition>,
        fits: impl FnOnce(&Last) -> bool,
    ) -> Option<Prepared> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let last = last.as_ref()?;
        let same = std::ptr::eq(last.definition.as_ptr(), Arc::as_ptr(definition));
        (same && fits(last)).then(|| last.prepared.clone())
    }

    fn prepare(
        &self,
        definition: &Arc<Definition>,
        schedule: Schedule,
        by_policy: bool,
    ) -> Result<Prepared, Error> {
        schedule.validate(&definition.task_graph)?;
        if schedule.n_processors() > self.processors.len() {
            return Err(RunErrorKind::TooFewWorkers {
                needed: schedule.n_processors(),
                present: self.processors.len(),
            }
            .into());
        }
        let prepared = Prepared {
            plan: Arc::new(Plan::new(definition, &schedule, self.backoff)),
            schedule: Arc::new(schedule),
        };
        let last = Last {
            definition: Arc::downgrade(definition),
            by_policy,
            prepared: prepared.clone(),
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
        Ok(prepared)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Action, Blobs, Node, graph};
    use crate::{Graph, TaskId};

    fn two_tasks() -> Graph<Blobs> {
        let node = Node {
            parents: Vec::new(),
            size: 0,
            action: Action::Compute,
            output: true,
        };
        graph(&[node.clone(), node], |_| (1.0, 1.0))
    }

    fn preparation() -> Preparation {
        let processors = Processors::new(2).unwrap();
        Preparation::new(processors, Policy::default(), Duration::ZERO)
    }

    fn is_same(one: &Prepared, other: &Prepared) -> bool {
        Arc::ptr_eq(&one.plan, &other.plan) && Arc::ptr_eq(&one.schedule, &other.schedule)
    }

    #[test]
    fn same_graph_is_planned_once() {
        let (preparation, graph) = (preparation(), two_tasks());
        let first = preparation.by_policy(graph.definition().unwrap()).unwrap();
        let again = preparation.by_policy(graph.clone().definition().unwrap());
        assert!(is_same(&first, &again.unwrap()));
        let other = preparation.by_policy(two_tasks().definition().unwrap());
        assert!(!is_same(&first, &other.unwrap()));
    }

    #[test]
    fn schedule_by_hand_is_no_schedule_by_policy() {
        let (preparation, graph) = (preparation(), two_tasks());
        let definition = graph.definition().unwrap();
        let order = [vec![TaskId::new(0), TaskId::new(1)], vec![]];
        let schedule =
            Schedule::from_order(&definition.task_graph, &preparation.processors, &order);
        let by_hand = preparation
            .by_hand(definition, &schedule.clone().unwrap())
            .unwrap();
        let again = preparation.by_hand(definition, &schedule.unwrap());
        assert!(is_same(&by_hand, &again.unwrap()));
        let by_policy = preparation.by_policy(definition).unwrap();
        assert!(!is_same(&by_hand, &by_policy));
        assert_ne!(by_hand.schedule, by_policy.schedule);
        let known = preparation.by_hand(definition, &by_policy.schedule);
        assert!(is_same(&by_policy, &known.unwrap()));
    }

    #[test]
    fn schedule_for_more_workers_than_there_are_is_refused() {
        let (preparation, graph) = (preparation(), two_tasks());
        let schedule = graph.schedule(3).unwrap();
        let refused = preparation.by_hand(graph.definition().unwrap(), &schedule);
        assert!(refused.is_err());
    }
}
