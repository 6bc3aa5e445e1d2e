//! A part of a graph: some of its tasks, with new ids.

use super::{Definition, Instance, OutputTasks};
use crate::base::failure::TaskErrorKind;
use ampeg_schedule::{Cost, TaskGraphBuilder, TaskId};

impl Definition {
    /// The graph of those tasks that have an instance in `instances`, which is indexed by the ids of this graph. The
    /// inputs of these tasks must have an instance, too.
    ///
    /// An output without an instance, or whose instance is no output any more, gets the error
    /// [`LeftOut`](TaskErrorKind::LeftOut). A task with a given result costs nothing.
    pub(crate) fn part(&self, instances: Vec<Option<Instance>>) -> Self {
        let graph = &self.task_graph;
        let mut n_kept = 0;
        let kept = instances.iter().map(|instance| {
            instance.as_ref().map(|_| {
                n_kept += 1;
                TaskId::new(n_kept - 1)
            })
        });
        let kept: Vec<Option<TaskId>> = kept.collect();
        let new = |task: TaskId| kept[task.index()].expect("what a kept task needs is kept");
        let outputs = self.outputs.tasks.iter().map(|output| {
            let task = output.clone()?;
            let instance = instances[task.index()].as_ref();
            if instance.is_some_and(|instance| instance.output) {
                Ok(new(task))
            } else {
                Err(self.blame(task, 1, TaskErrorKind::LeftOut))
            }
        });
        let outputs = OutputTasks {
            tasks: outputs.collect(),
            shape: self.outputs.shape.clone(),
        };
        let mut builder = TaskGraphBuilder::default();
        for task in graph.task_ids() {
            match &instances[task.index()] {
                Some(instance) if instance.given.is_some() => {
                    builder.add_task(graph.name(task), Cost::ZERO);
                }
                Some(_) => {
                    builder.add_task_on(graph.name(task), graph.costs(task).to_vec());
                }
                None => {}
            }
        }
        for task in graph.task_ids() {
            let Some(instance) = &instances[task.index()] else {
                continue;
            };
            for dependency in graph.predecessors(task) {
                if instance.given.is_none() {
                    builder.add_dependency(new(dependency.task), new(task), dependency.cost);
                }
            }
        }
        let built = builder.build();
        let task_graph = built.expect("a part of an acyclic graph is acyclic");
        let instances = instances.into_iter().flatten().map(|mut instance| {
            for input in &mut instance.inputs {
                *input = new(*input);
            }
            instance
        });
        self.with_tasks(task_graph, instances.collect(), outputs)
    }
}
