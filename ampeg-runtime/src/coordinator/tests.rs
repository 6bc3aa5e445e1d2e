//! The coordinator event by event, with a cluster that only records what it is told: no process, no clock.

use super::*;
use crate::definition::Limits;
use crate::error::Error;
use crate::message::{Observed, Running};
use crate::run_error::RunErrorKind;
use crate::schedule::{Processors, Schedule};
use crate::testing::{Action, Blobs, Node, graph, with_limits};
use crate::transport::{Event, Exit};

/// What a coordinator did.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Did {
    Begin(usize),
    Steps(usize, Vec<usize>),
    Value(usize, usize),
    Skip(usize, Vec<usize>),
    End(usize),
    Restart(usize),
    Kill(usize),
    Load(usize),
}

#[derive(Debug, Default)]
struct Recorder {
    did: Vec<Did>,
    cannot_restart: bool,
}

impl Recorder {
    /// What was done since the last look.
    fn look(&mut self) -> Vec<Did> {
        std::mem::take(&mut self.did)
    }
}

impl Cluster for Recorder {
    fn n_workers(&self) -> usize {
        2
    }

    fn send(&mut self, to: ProcessorId, message: ToWorker) {
        let to = to.index();
        let indices = |tasks: Vec<TaskId>| tasks.into_iter().map(TaskId::index).collect();
        self.did.push(match message {
            ToWorker::Steps { steps, .. } => Did::Steps(
                to,
                indices(steps.into_iter().map(|step| step.task).collect()),
            ),
            ToWorker::Begin { .. } => Did::Begin(to),
            ToWorker::Value(value) => Did::Value(to, value.task.index()),
            ToWorker::Skip { tasks, .. } => Did::Skip(to, indices(tasks)),
            ToWorker::End { .. } => Did::End(to),
            ToWorker::Graph { .. }
            | ToWorker::Capture(_)
            | ToWorker::Plan { .. }
            | ToWorker::Stop => Did::Load(to),
        });
    }

    fn receive(&mut self, _: Option<Duration>) -> Option<Event> {
        unreachable!("a coordinator does not receive by itself")
    }

    fn restart(&mut self, worker: ProcessorId) -> Result<(), Error> {
        if self.cannot_restart {
            return Err(RunErrorKind::NoWorker("told so".into()).into());
        }
        self.did.push(Did::Restart(worker.index()));
        Ok(())
    }

    fn kill(&mut self, worker: ProcessorId) -> bool {
        self.did.push(Did::Kill(worker.index()));
        true
    }

    fn running(&self, _: ProcessorId) -> Option<Running> {
        None
    }

    fn pid(&self, _: ProcessorId) -> Option<u32> {
        None
    }

    fn waker(&self) -> Box<dyn Fn() + Send + Sync> {
        Box::new(|| {})
    }
}

//   worker 0: 0 ── 1 ── 3        results of 0 and 2 also go to worker 1 and 0
//              ╲       ╱
//   worker 1:   ── 2 ──── 4
fn nodes(outputs: &[usize]) -> Vec<Node> {
    let parents: [&[usize]; 5] = [&[], &[0], &[0], &[1, 2], &[2]];
    let node = |(task, parents): (usize, &&[usize])| Node {
        parents: parents.to_vec(),
        size: 0,
        action: Action::Compute,
        output: outputs.contains(&task),
    };
    parents.iter().enumerate().map(node).collect()
}

fn plan(definition: &Definition) -> Plan {
    let order = [vec![0, 1, 3], vec![2, 4]];
    let order = order.map(|tasks| tasks.into_iter().map(TaskId::new).collect::<Vec<_>>());
    let processors = Processors::new(2).unwrap();
    let schedule = Schedule::from_order(&definition.task_graph, &processors, &order).unwrap();
    Plan::new(definition, &schedule, Duration::ZERO)
}

fn begin<'a>(definition: &'a Definition, recorder: &mut Recorder) -> Coordinator<'a> {
    let coordinator = Coordinator::new(definition, 1, &plan(definition));
    coordinator.begin(recorder);
    assert_eq!(recorder.look(), [Did::Begin(0), Did::Begin(1)]);
    coordinator
}

fn ended(task: usize, result: Result<Option<Payload>, TaskErrorKind>, peer_changes: u32) -> Ended {
    Ended {
        run: 1,
        task: TaskId::new(task),
        attempt: 1,
        result: result.map_err(Box::new),
        tries_again: false,
        peer_changes,
        observed: Observed::default(),
    }
}

fn done(task: usize) -> Ended {
    ended(task, Ok(None), 0)
}

fn output(task: usize) -> Ended {
    ended(task, Ok(Some(Payload::Inline(smallvec::smallvec![1]))), 0)
}

fn worker(index: usize) -> ProcessorId {
    ProcessorId::new(index)
}

fn killed() -> Exit {
    Exit {
        signal: Some(9),
        ..Exit::default()
    }
}

fn running(task: usize) -> Running {
    Running {
        task: TaskId::new(task),
        attempt: 1,
        start: 0,
    }
}

fn kinds(coordinator: Coordinator<'_>) -> Vec<String> {
    let results = coordinator.into_results().into_iter();
    results
        .map(|result| match result {
            None => "done".into(),
            Some(Ok(_)) => "output".into(),
            Some(Err(error)) => match error.kind() {
                TaskErrorKind::DependencyFailed { cause } => format!("after {}", cause.task()),
                TaskErrorKind::Crashed { signal, .. } => format!("crashed {signal:?}"),
                other => other.to_string(),
            },
        })
        .collect()
}

#[test]
fn run_is_finished_when_every_task_has_ended() {
    let graph = graph(&nodes(&[3, 4]), |_| (1.0, 1.0));
    let mut recorder = Recorder::default();
    let mut coordinator = begin(graph.definition().unwrap(), &mut recorder);
    for (from, message) in [(0, done(0)), (0, done(1)), (1, done(2)), (1, output(4))] {
        assert!(!coordinator.is_finished());
        coordinator.on_ended(worker(from), message, &mut recorder);
    }
    coordinator.on_ended(worker(0), output(3), &mut recorder);
    assert!(coordinator.is_finished());
    assert_eq!(recorder.look(), []);
    coordinator.end(&mut recorder);
    assert_eq!(recorder.look(), [Did::End(0), Did::End(1)]);
    assert_eq!(
        kinds(coordinator),
        ["done", "done", "done", "output", "output"]
    );
}

#[test]
fn news_of_another_run_is_ignored() {
    let graph = graph(&nodes(&[]), |_| (1.0, 1.0));
    let mut recorder = Recorder::default();
    let mut coordinator = begin(graph.definition().unwrap(), &mut recorder);
    let old = Ended { run: 0, ..done(0) };
    coordinator.on_ended(worker(0), old, &mut recorder);
    assert_eq!(coordinator.unfinished, 5);
}

#[test]
fn failure_skips_what_depends_on_it_and_nothing_else() {
    let graph = graph(&nodes(&[0, 1, 2, 3, 4]), |_| (1.0, 1.0));
    let mut recorder = Recorder::default();
    let mut coordinator = begin(graph.definition().unwrap(), &mut recorder);
    coordinator.on_ended(worker(0), output(0), &mut recorder);
    let message = "no".to_owned();
    let failed = TaskErrorKind::Failed {
        message,
        sources: vec![],
    };
    coordinator.on_ended(worker(1), ended(2, Err(failed), 0), &mut recorder);
    assert_eq!(
        recorder.look(),
        [Did::Skip(0, vec![3]), Did::Skip(1, vec![4])]
    );
    coordinator.on_ended(worker(0), output(1), &mut recorder);
    assert!(coordinator.is_finished());
    let expected = [
        "output",
        "output",
        "failed: no",
        "after node2",
        "after node2",
    ];
    assert_eq!(kinds(coordinator), expected);
}

#[test]
fn dead_worker_is_replaced_and_supplied_with_what_the_coordinator_has() {
    let graph = graph(&nodes(&[0, 2, 3, 4]), |_| (1.0, 1.0));
    let definition = graph.definition().unwrap();
    let mut recorder = Recorder::default();
    let mut coordinator = begin(definition, &mut recorder);
    coordinator.on_ended(worker(0), output(0), &mut recorder);
    coordinator.on_ended(worker(1), output(2), &mut recorder);
    // Worker 0 dies while it runs 1: 1 has crashed, and so 3 is not to be run; nothing is left there.
    coordinator.on_exit(worker(0), (killed(), Some(running(1))), &[], &mut recorder);
    assert_eq!(recorder.look(), [Did::Skip(0, vec![3]), Did::Restart(0)]);
    // Worker 1 dies too, between two tasks: 4 is still to be run, and the coordinator has its input.
    coordinator.on_exit(worker(1), (killed(), None), &[], &mut recorder);
    let expected = [Did::Restart(1), Did::Steps(1, vec![4]), Did::Value(1, 2)];
    assert_eq!(recorder.look(), expected);
    coordinator.on_ended(worker(1), output(4), &mut recorder);
    assert!(coordinator.is_finished());
    let expected = [
        "output",
        "crashed Some(9)",
        "output",
        "after node1",
        "output",
    ];
    assert_eq!(kinds(coordinator), expected);
}

#[test]
fn lost_results_are_computed_again_in_order_and_only_those() {
    let graph = graph(&nodes(&[3, 4]), |_| (1.0, 1.0));
    let mut recorder = Recorder::default();
    let mut coordinator = begin(graph.definition().unwrap(), &mut recorder);
    for (from, message) in [(0, done(0)), (0, done(1)), (1, done(2)), (1, output(4))] {
        coordinator.on_ended(worker(from), message, &mut recorder);
    }
    // 3 needs 1 and 2, which need 0; nobody has them any more.
    coordinator.on_exit(worker(0), (killed(), None), &[], &mut recorder);
    let expected = [
        Did::Restart(0),
        Did::Steps(0, vec![3]),
        Did::Steps(0, vec![0, 1, 2]),
    ];
    assert_eq!(recorder.look(), expected);
    for task in [0, 1, 2] {
        coordinator.on_ended(worker(0), done(task), &mut recorder);
    }
    assert_eq!(coordinator.unfinished, 1);
    coordinator.on_ended(worker(0), output(3), &mut recorder);
    assert!(coordinator.is_finished());
}

#[test]
fn result_sent_to_a_worker_that_was_just_replaced_is_sent_again() {
    let graph = graph(&nodes(&[2, 3]), |_| (1.0, 1.0));
    let mut recorder = Recorder::default();
    let mut coordinator = begin(graph.definition().unwrap(), &mut recorder);
    coordinator.on_ended(worker(0), done(0), &mut recorder);
    coordinator.on_exit(worker(0), (killed(), None), &[], &mut recorder);
    recorder.look();
    // Worker 1 had not heard of the replacement when it sent the result of 2 to worker 0.
    coordinator.on_ended(worker(1), output(2), &mut recorder);
    assert_eq!(recorder.look(), [Did::Value(0, 2)]);
}

#[test]
fn lost_result_comes_behind_another_one_that_it_needs() {
    let graph = graph(&nodes(&[3]), |_| (1.0, 1.0));
    let mut recorder = Recorder::default();
    let mut coordinator = begin(graph.definition().unwrap(), &mut recorder);
    coordinator.on_ended(worker(0), done(0), &mut recorder);
    coordinator.on_exit(worker(0), (killed(), None), &[], &mut recorder);
    let expected = [
        Did::Restart(0),
        Did::Steps(0, vec![1, 3]),
        Did::Steps(0, vec![0]),
    ];
    assert_eq!(recorder.look(), expected);
    // 0 may have been computed, used by 1 and let go of by now.
    coordinator.on_ended(worker(1), done(2), &mut recorder);
    assert_eq!(recorder.look(), [Did::Steps(0, vec![0, 2])]);
    let queue = coordinator.workers[0].queue.iter();
    let queue: Vec<_> = queue.map(|step| step.task.index()).collect();
    assert_eq!(queue, [0, 0, 1, 2, 3]);
}

#[test]
fn result_counts_when_its_inputs_have_been_reported() {
    let graph = graph(&nodes(&[3]), |_| (1.0, 1.0));
    let mut recorder = Recorder::default();
    let mut coordinator = begin(graph.definition().unwrap(), &mut recorder);
    // Worker 0 has sent the result of 0 to worker 1, but has not said so yet.
    for message in [done(2), done(4)] {
        coordinator.on_ended(worker(1), message, &mut recorder);
        assert_eq!(coordinator.unfinished, 5);
    }
    coordinator.on_ended(worker(0), done(0), &mut recorder);
    assert_eq!(coordinator.unfinished, 2);
    // A worker that dies takes along what it told too early.
    let mut coordinator = begin(graph.definition().unwrap(), &mut recorder);
    coordinator.on_ended(worker(1), done(2), &mut recorder);
    coordinator.on_exit(worker(1), (killed(), None), &[], &mut recorder);
    let expected = [Did::Restart(1), Did::Steps(1, vec![2, 4])];
    assert_eq!(recorder.look(), expected);
    coordinator.on_ended(worker(0), done(0), &mut recorder);
    assert_eq!(coordinator.unfinished, 4);
}

#[test]
fn result_that_was_told_too_early_is_kept_when_the_run_is_cancelled() {
    let graph = graph(&nodes(&[2, 4]), |_| (1.0, 1.0));
    let mut recorder = Recorder::default();
    let mut coordinator = begin(graph.definition().unwrap(), &mut recorder);
    coordinator.on_ended(worker(1), output(2), &mut recorder);
    coordinator.on_cancel(&mut recorder);
    assert_eq!(kinds(coordinator)[2], "output");
}

#[test]
fn lost_result_comes_with_an_input_that_was_reported_late() {
    let graph = graph(&nodes(&[3]), |_| (1.0, 1.0));
    let mut recorder = Recorder::default();
    let mut coordinator = begin(graph.definition().unwrap(), &mut recorder);
    // Worker 0 has sent the result of 0 to worker 1, but died before it could say so.
    coordinator.on_exit(worker(0), (killed(), None), &[], &mut recorder);
    coordinator.on_ended(worker(1), done(2), &mut recorder);
    recorder.look();
    coordinator.on_ended(worker(0), done(0), &mut recorder);
    assert_eq!(recorder.look(), [Did::Steps(0, vec![0, 2])]);
    let queue = coordinator.workers[0].queue.iter();
    let queue: Vec<_> = queue.map(|step| step.task.index()).collect();
    assert_eq!(queue, [0, 1, 2, 3]);
}

#[test]
fn crashed_task_is_tried_again_only_if_told() {
    let retry = |_| Limits {
        within: None,
        retry: 1,
    };
    let graph: crate::Graph<Blobs> = with_limits(&nodes(&[3]), |_| (1.0, 1.0), retry);
    let mut recorder = Recorder::default();
    let mut coordinator = begin(graph.definition().unwrap(), &mut recorder);
    coordinator.on_exit(worker(0), (killed(), Some(running(0))), &[], &mut recorder);
    assert_eq!(
        recorder.look(),
        [Did::Restart(0), Did::Steps(0, vec![0, 1, 3])]
    );
    assert_eq!(coordinator.workers[0].queue.front().unwrap().attempt, 2);
    let second = Some(Running {
        attempt: 2,
        ..running(0)
    });
    coordinator.on_exit(worker(0), (killed(), second), &[], &mut recorder);
    assert!(coordinator.is_finished());
}

#[test]
fn deaths_without_a_task_end_after_three() {
    let graph = graph(&nodes(&[3]), |_| (1.0, 1.0));
    let mut recorder = Recorder::default();
    let mut coordinator = begin(graph.definition().unwrap(), &mut recorder);
    for _ in 0..IDLE_DEATHS {
        assert!(!coordinator.is_finished());
        coordinator.on_exit(worker(0), (killed(), None), &[], &mut recorder);
    }
    assert!(coordinator.is_finished());
    assert_eq!(kinds(coordinator)[0], "crashed Some(9)");
}

#[test]
fn worker_that_cannot_be_replaced_fails_its_own_tasks_only() {
    let graph = graph(&nodes(&[0, 1, 2, 3, 4]), |_| (1.0, 1.0));
    let mut recorder = Recorder::default();
    let mut coordinator = begin(graph.definition().unwrap(), &mut recorder);
    coordinator.on_ended(worker(0), output(0), &mut recorder);
    recorder.cannot_restart = true;
    assert!(!coordinator.on_exit(worker(0), (killed(), None), &[], &mut recorder));
    recorder.look();
    coordinator.on_ended(worker(1), output(2), &mut recorder);
    coordinator.on_ended(worker(1), output(4), &mut recorder);
    assert!(coordinator.is_finished());
    let kinds = kinds(coordinator);
    assert!(
        kinds[1].contains("could not be started: told so"),
        "{}",
        kinds[1]
    );
    assert_eq!([&kinds[0], &kinds[2], &kinds[4]], ["output"; 3]);
}

#[test]
fn cancelled_run_keeps_results_and_ends_busy_workers() {
    let graph = graph(&nodes(&[0, 1, 2, 3, 4]), |_| (1.0, 1.0));
    let mut recorder = Recorder::default();
    let mut coordinator = begin(graph.definition().unwrap(), &mut recorder);
    coordinator.on_ended(worker(0), output(0), &mut recorder);
    coordinator.on_ended(worker(1), output(2), &mut recorder);
    coordinator.on_ended(worker(1), output(4), &mut recorder);
    assert_eq!(coordinator.on_cancel(&mut recorder), [worker(0)]);
    assert_eq!(recorder.look(), [Did::Kill(0)]);
    assert!(coordinator.is_finished());
    let expected = [
        "output",
        "was cancelled",
        "output",
        "was cancelled",
        "output",
    ];
    assert_eq!(kinds(coordinator), expected);
}

#[test]
fn task_over_its_limit_has_timed_out() {
    let graph = graph(&nodes(&[0]), |_| (1.0, 1.0));
    let mut recorder = Recorder::default();
    let mut coordinator = begin(graph.definition().unwrap(), &mut recorder);
    let limit = (TaskId::new(0), Duration::from_secs(3));
    coordinator.on_exceeded(worker(0), limit, &mut recorder);
    assert_eq!(recorder.look(), [Did::Kill(0)]);
    coordinator.on_exit(worker(0), (killed(), Some(running(0))), &[], &mut recorder);
    assert_eq!(kinds(coordinator)[0], "timed out after 3s");
}

#[test]
fn task_after_one_that_ended_at_its_limit_is_not_blamed() {
    let graph = graph(&nodes(&[0]), |_| (1.0, 1.0));
    let mut recorder = Recorder::default();
    let mut coordinator = begin(graph.definition().unwrap(), &mut recorder);
    let limit = (TaskId::new(0), Duration::from_secs(3));
    coordinator.on_exceeded(worker(0), limit, &mut recorder);
    // Its end was on the way when its worker was killed.
    coordinator.on_ended(worker(0), output(0), &mut recorder);
    coordinator.on_exit(worker(0), (killed(), Some(running(1))), &[], &mut recorder);
    let expected = [
        Did::Kill(0),
        Did::Restart(0),
        Did::Steps(0, vec![1, 3]),
        Did::Value(0, 0),
    ];
    assert_eq!(recorder.look(), expected);
    assert_eq!(coordinator.unfinished, 4);
}
