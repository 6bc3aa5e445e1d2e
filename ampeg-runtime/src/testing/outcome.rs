//! Outcomes of graphs that tests make without the macro.

use crate::api::outcome::{Outcome, Results, Take, Values};
use crate::base::failure::TaskError;
use crate::definition::Definition;
use crate::generated_code::inputs::Type;
use crate::report::Report;
use crate::run::log::Log;
use crate::testing::Blobs;
use crate::value::payload::Payload;
use std::marker::PhantomData;
use std::ops::Deref;

/// The values of a graph whose outputs have the types `W`, with the same nesting.
#[derive(Debug)]
pub(crate) struct OutputsOf<W>(PhantomData<W>);

/// Marks the outputs at the end of a dispatcher.
pub(crate) fn outputs_of<W: Take>(_: W) -> Type<OutputsOf<W>> {
    Type::default()
}

/// The results of a run without a report.
pub(crate) fn results(
    definition: &Definition,
    by_task: Vec<Option<Result<Payload, TaskError>>>,
) -> Results<'_> {
    let report = Report::inline(&definition.task_graph, Log::default());
    Results::new(definition, by_task, report)
}

/// The results `O` of a graph with the values `V`.
#[derive(Debug)]
pub(crate) struct TestOutcome<V, O> {
    outputs: O,
    report: Report,
    values: PhantomData<V>,
}

impl<V, O> TestOutcome<V, O> {
    pub(crate) fn into_outputs(self) -> O {
        self.outputs
    }

    pub(crate) fn report(&self) -> &Report {
        &self.report
    }
}

impl<V, O> Deref for TestOutcome<V, O> {
    type Target = O;

    fn deref(&self) -> &O {
        &self.outputs
    }
}

impl<V: 'static, O: 'static> Outcome for TestOutcome<V, O> {
    type Values = V;

    fn report(&self) -> &Report {
        self.report()
    }

    fn into_values(self) -> Result<V, TaskError> {
        unreachable!("tests look at each output")
    }
}

impl<W: Take + 'static> Values for OutputsOf<W> {
    type Outcome = TestOutcome<Self, W::Taken>;

    fn outcome(results: &mut Results<'_>) -> Self::Outcome {
        TestOutcome {
            outputs: W::take(results),
            report: results.report(),
            values: PhantomData,
        }
    }
}

impl Values for Blobs {
    type Outcome = TestOutcome<Self, Self>;

    fn outcome(results: &mut Results<'_>) -> Self::Outcome {
        TestOutcome {
            outputs: results.take_blobs(),
            report: results.report(),
            values: PhantomData,
        }
    }
}
