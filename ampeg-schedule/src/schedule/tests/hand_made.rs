//! Schedules made by hand, and schedules that are not valid.

use super::*;

fn pair() -> TaskGraph {
    TaskGraph::builder()
        .task("a", 2)
        .task("b", 1)
        .dependency("a", "b", 3)
        .build()
        .unwrap()
}

fn slot(task: usize, processor: usize, start: f64, finish: f64) -> Slot {
    Slot {
        task: TaskId::new(task),
        processor: ProcessorId::new(processor),
        start: Time::new(start).unwrap(),
        finish: Time::new(finish).unwrap(),
    }
}

/// The error of these slots on two processors.
fn fault(slots: &[Slot]) -> String {
    let two = Processors::new(2).unwrap();
    let result = Schedule::from_slots(&two, slots.to_vec());
    let result = result.and_then(|schedule| schedule.validate(&pair()));
    result.unwrap_err().to_string()
}

#[test]
fn slots_are_checked() {
    let good = [slot(1, 1, 5.0, 6.0), slot(0, 0, 0.0, 2.0)];
    let two = Processors::new(2).unwrap();
    let schedule = Schedule::from_slots(&two, good.to_vec()).unwrap();
    schedule.validate(&pair()).unwrap();
    assert_eq!(
        fault(&[slot(0, 0, 0.0, 2.0), slot(1, 1, 4.0, 5.0)]),
        "task `b` starts at 4, before the result of `a` arrives at 5"
    );
    assert_eq!(
        fault(&[slot(0, 0, 0.0, 2.0), slot(1, 0, 1.5, 2.5)]),
        "tasks `a` and `b` overlap on processor 0"
    );
    assert_eq!(
        fault(&[slot(0, 0, 0.0, 1.0), slot(1, 0, 1.0, 2.0)]),
        "task `a` has a slot of 1, but takes 2"
    );
    assert_eq!(
        fault(&[slot(0, 0, 0.0, 2.0)]),
        "the schedule has 1 tasks, the graph 2"
    );
    assert_eq!(
        fault(&[slot(0, 0, 0.0, 2.0), slot(0, 1, 2.0, 4.0)]),
        "task `0` is in the schedule twice"
    );
    assert_eq!(
        fault(&[slot(0, 0, 0.0, 2.0), slot(1, 2, 2.0, 4.0)]),
        "there is no processor 2"
    );
    assert_eq!(
        fault(&[slot(0, 0, 0.0, 2.0), slot(7, 1, 2.0, 4.0)]),
        "no task has the id 7"
    );
    assert_eq!(
        fault(&[slot(0, 0, 3.0, 1.0), slot(1, 0, 3.0, 4.0)]),
        "the slot of task 0 ends at 1, before it starts at 3"
    );
}

#[test]
fn rounding_is_not_an_error() {
    let two = Processors::new(2).unwrap();
    let slots = vec![slot(0, 0, 0.0, 2.0), slot(1, 0, 2.0 - 1e-12, 3.0)];
    let schedule = Schedule::from_slots(&two, slots).unwrap();
    schedule.validate(&pair()).unwrap();
}

#[test]
fn orders_that_wait_for_each_other_are_refused() {
    let graph = TaskGraph::builder()
        .task("a", 1)
        .task("b", 1)
        .task("c", 1)
        .task("d", 1)
        .dependency("a", "d", 0)
        .dependency("c", "b", 0)
        .build()
        .unwrap();
    let [a, b, c, d] = [0, 1, 2, 3].map(TaskId::new);
    let two = Processors::new(2).unwrap();
    let error = Schedule::from_order(&graph, &two, &[vec![b, a], vec![d, c]]).unwrap_err();
    let message = error.to_string();
    assert!(
        message.starts_with("tasks wait for each other"),
        "{message}"
    );
    let one = Schedule::from_order(&graph, &two, &[vec![a, b], vec![c, d]]).unwrap();
    one.validate(&graph).unwrap();
    assert_eq!(one.makespan().value(), 2.0);
    assert!(Schedule::from_order(&graph, &two, &[vec![a, b, c, d]]).is_err());
    assert!(Schedule::from_order(&graph, &two, &[vec![a, b], vec![c]]).is_err());
}

/// All times are equal, so only the orders show that no task can begin.
#[test]
fn tasks_without_duration_can_wait_for_each_other_too() {
    let graph = TaskGraph::builder()
        .task("a", 0)
        .task("b", 0)
        .task("c", 0)
        .task("d", 0)
        .dependency("a", "d", 0)
        .dependency("c", "b", 0)
        .build()
        .unwrap();
    let slots = [(1, 0), (0, 0), (3, 1), (2, 1)].map(|(t, p)| slot(t, p, 0.0, 0.0));
    let schedule = Schedule::from_slots(&Processors::new(2).unwrap(), slots.to_vec()).unwrap();
    assert!(schedule.validate(&graph).is_err());
}
