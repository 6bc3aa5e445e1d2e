//! Keeps the schedule and plan of a graph for its next run.

use crate::base::run_error::RunErrorKind;
use crate::definition::Definition;
use crate::plan::Plan;
use crate::plan::retry::Retry;
use ampeg_schedule::Error;
use ampeg_schedule::{Processors, Schedule, Scheduler};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// How a pool schedules graphs, and the last schedule and plan.
#[derive(Debug)]
pub(crate) struct PlanCache {
    pub(crate) processors: Processors,
    policy: AnyScheduler,
    retry: Retry,
    last: Mutex<Option<Planned>>,
}

/// The scheduler of a pool.
#[derive(Clone)]
pub(crate) struct AnyScheduler(pub(crate) Arc<dyn Scheduler + Send + Sync>);

impl fmt::Debug for AnyScheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scheduler")
    }
}

/// A graph with its schedule and plan.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    /// A weak reference does not keep the graph alive. While it exists, no other graph has the same address.
    definition: Weak<Definition>,
    /// Whether the pool's scheduler made the schedule.
    by_policy: bool,
    pub(crate) schedule: Arc<Schedule>,
    pub(crate) plan: Arc<Plan>,
}

impl PlanCache {
    pub(crate) fn new(processors: Processors, policy: AnyScheduler, retry: Retry) -> Self {
        Self {
            processors,
            policy,
            retry,
            last: Mutex::new(None),
        }
    }

    /// Plans a graph by the schedule `by_hand`, or by the pool's scheduler if there is none. Keeps the result for the
    /// next run of the same graph.
    pub(crate) fn get(
        &self,
        definition: &Arc<Definition>,
        by_hand: Option<&Schedule>,
    ) -> Result<Planned, Error> {
        let known = |last: &&Planned| {
            std::ptr::eq(last.definition.as_ptr(), Arc::as_ptr(definition))
                && by_hand.map_or(last.by_policy, |schedule| *last.schedule == *schedule)
        };
        if let Some(planned) = self.last().as_ref().filter(known) {
            return Ok(planned.clone());
        }
        let schedule = match by_hand {
            Some(schedule) => schedule.clone(),
            None => self
                .policy
                .0
                .schedule(&definition.task_graph, &self.processors)?,
        };
        schedule.validate(&definition.task_graph)?;
        let (needed, present) = (schedule.n_processors(), self.processors.len());
        if needed > present {
            return Err(RunErrorKind::TooFewWorkers { needed, present }.into());
        }
        let planned = Planned {
            definition: Arc::downgrade(definition),
            by_policy: by_hand.is_none(),
            plan: Arc::new(Plan::new(definition, &schedule, self.retry)),
            schedule: Arc::new(schedule),
        };
        *self.last() = Some(planned.clone());
        Ok(planned)
    }

    fn last(&self) -> MutexGuard<'_, Option<Planned>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Graph;
    use crate::TaskId;
    use crate::testing::{Action, Blobs, Node, graph};

    fn two_tasks() -> Graph<Blobs> {
        let node = Node {
            parents: Vec::new(),
            size: 0,
            action: Action::Compute,
            output: true,
        };
        graph(&[node.clone(), node], |_| (1.0, 1.0))
    }

    fn cache() -> PlanCache {
        let processors = Processors::new(2).unwrap();
        let policy = AnyScheduler(Arc::new(crate::Policy::default()));
        PlanCache::new(processors, policy, Retry::default())
    }

    fn is_same(one: &Planned, other: &Planned) -> bool {
        Arc::ptr_eq(&one.plan, &other.plan) && Arc::ptr_eq(&one.schedule, &other.schedule)
    }

    #[test]
    fn same_graph_is_planned_once() {
        let (cache, graph) = (cache(), two_tasks());
        let first = cache.get(graph.definition().unwrap(), None).unwrap();
        let again = cache.get(graph.clone().definition().unwrap(), None);
        assert!(is_same(&first, &again.unwrap()));
        let other = cache.get(two_tasks().definition().unwrap(), None);
        assert!(!is_same(&first, &other.unwrap()));
    }

    #[test]
    fn schedule_by_hand_is_not_reused_as_one_by_policy() {
        let (cache, graph) = (cache(), two_tasks());
        let definition = graph.definition().unwrap();
        let order = [vec![TaskId::new(0), TaskId::new(1)], vec![]];
        let schedule = Schedule::from_order(&definition.task_graph, &cache.processors, &order);
        let by_hand = cache
            .get(definition, Some(&schedule.clone().unwrap()))
            .unwrap();
        let again = cache.get(definition, Some(&schedule.unwrap()));
        assert!(is_same(&by_hand, &again.unwrap()));
        let by_policy = cache.get(definition, None).unwrap();
        assert!(!is_same(&by_hand, &by_policy));
        assert_ne!(by_hand.schedule, by_policy.schedule);
        let known = cache.get(definition, Some(&by_policy.schedule));
        assert!(is_same(&by_policy, &known.unwrap()));
    }

    #[test]
    fn schedule_for_more_workers_than_there_are_is_refused() {
        let (cache, graph) = (cache(), two_tasks());
        let schedule = graph.schedule(3).unwrap();
        let refused = cache.get(graph.definition().unwrap(), Some(&schedule));
        assert!(refused.is_err());
    }
}
