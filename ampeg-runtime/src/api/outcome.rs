//! The typed results of a run, by task.

use crate::base::bounded;
use crate::base::failure::{TaskError, TaskErrorKind};
use crate::base::panics;
use crate::definition::Definition;
use crate::definition::outputs::Field;
use crate::generated_code::inputs::{List, Type};
use crate::generated_code::task::Table;
use crate::generated_code::task_value::Codec;
use crate::report::Report;
use crate::value::payload::Payload;
use ampeg_schedule::TaskId;
use std::fmt;
use std::marker::PhantomData;
use std::slice;

/// The plain values of a graph's outputs, with one field for each output. `graph!` and `#[derive(Values)]` implement
/// this trait.
///
/// It is the bound of `V` in a function that runs any [`Graph<V>`](crate::Graph):
///
/// ```
/// use ampeg::{Error, Graph, Outcome, Values, graph};
///
/// fn run_and_print<V: Values>(graph: &Graph<V>) -> Result<V::Outcome, Error> {
///     let outcome = graph.run(2)?;
///     println!("{}", outcome.report());
///     Ok(outcome)
/// }
///
/// let outcome = run_and_print(&graph! { a = 1; b = a + 1; })?;
/// assert_eq!(outcome.b?, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Values: Sized + 'static {
    /// The type that a run of the graph returns.
    type Outcome: Outcome<Values = Self> + 'static;

    /// Moves the outputs out of the results of a run.
    #[doc(hidden)]
    fn outcome(results: &mut Results<'_>) -> Self::Outcome;
}

/// The plain values of a graph, in a struct that the program declares. `#[derive(Values)]` implements this trait.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a struct for the values of a graph",
    label = "this struct needs `#[derive(ampeg::Values)]`"
)]
pub trait Named: Values {
    /// The types of the outputs, with one field for each output.
    type Tasks;

    /// The fields in the order of their declaration.
    const FIELDS: &'static [Field];
}

/// The struct of a field that is a group, by the hash of the field's name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no group of this name",
    label = "this group of the graph is no field of `{Self}`",
    note = "a field for a group has the attribute `#[values(group)]`, and its type derives `ampeg::Values` too"
)]
pub trait GroupOf<const NAME: u64> {
    /// The values of the group.
    type Group: Named;
}

/// The types of the outputs of a graph whose values are `V`, as a struct.
pub type TasksOf<V> = <V as Named>::Tasks;

/// A list of these types.
pub fn list_of<W>(_: W) -> List<W> {
    List::default()
}

/// The values of a graph with these outputs.
pub fn named<V: Named>(_: V::Tasks) -> Type<V> {
    Type::new()
}

/// The outcome of one run: a `Result` for each output, and the [`Report`].
///
/// `graph!` makes a struct that implements this trait.
/// It has one field per output, with the names of the graph: `outcome.e` is a `Result<T, TaskError>`.
/// A family `part[i in 0..n]` is a `Vec` of results, and a group is a struct. The field `report` is the report,
/// unless an output has this name. Fields can be moved out one by one, before or after reading the report. The
/// methods of this trait are also methods of the struct, so a program need not import the trait.
///
/// ```
/// use ampeg::graph;
///
/// let outcome = graph! {
///     words = "to be or not to be".split(' ').map(str::to_owned).collect::<Vec<_>>();
///     pub n = words.len();
///     pub last = words.last().cloned().ok_or("no word")?;
/// }
/// .run(2)?;
/// let last: String = outcome.last?; // moved, not cloned
/// let n = outcome.n?; // `words` is no output, since others are `pub`
/// assert_eq!((n, last.as_str()), (6, "be"));
/// assert_eq!(outcome.report.attempts().len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Outcome: Sized {
    /// The same fields without their `Result`, and without the report.
    type Values;

    /// Compares when and where each task ran with the plan.
    ///
    /// ```
    /// let outcome = ampeg::graph! { a = 1; b = a + 1; }.run(2)?;
    /// println!("{}", outcome.report()); // a table
    /// assert_eq!(outcome.report().attempts().len(), 2);
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    fn report(&self) -> &Report;

    /// The outputs as plain values.
    ///
    /// # Errors
    ///
    /// Returns the error of the first output that has no value, traced to the task that failed first.
    ///
    /// ```
    /// let outcome = ampeg::graph! { bad: u8 = "x".parse()?; sum = bad + 1; }.run(2)?;
    /// assert_eq!(outcome.into_values().unwrap_err().task(), "bad");
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    fn into_values(self) -> Result<Self::Values, TaskError>;
}

/// The types of outputs, as nested tuples.
pub trait Take {
    /// The results, with the same nesting.
    type Taken: 'static;

    /// Moves the results out of the results of a run, in the order of the tasks.
    fn take(results: &mut Results<'_>) -> Self::Taken;
}

impl<T: 'static> Take for Type<T> {
    type Taken = Result<T, TaskError>;

    fn take(results: &mut Results<'_>) -> Self::Taken {
        results.take_next()
    }
}

impl<W: Take> Take for List<W> {
    type Taken = Vec<W::Taken>;

    fn take(results: &mut Results<'_>) -> Self::Taken {
        let length = results.next_length();
        (0..length).map(|_| W::take(results)).collect()
    }
}

/// The outputs of a group, whose values are `V`.
#[derive(Debug)]
pub struct Fields<V>(PhantomData<V>);

impl<V: Values> Take for Fields<V> {
    type Taken = V::Outcome;

    fn take(results: &mut Results<'_>) -> Self::Taken {
        V::outcome(results)
    }
}

/// Results, as nested tuples, that can be converted into plain values.
pub trait Unwrap {
    /// The values, with the same nesting.
    type Values;

    /// All values.
    ///
    /// # Errors
    ///
    /// Returns the error of the first output that has no value, traced to the task that failed first.
    fn unwrap(self) -> Result<Self::Values, TaskError>;
}

impl<T> Unwrap for Result<T, TaskError> {
    type Values = T;

    fn unwrap(self) -> Result<T, TaskError> {
        self.map_err(TaskError::into_root)
    }
}

impl<O: Outcome> Unwrap for O {
    type Values = O::Values;

    fn unwrap(self) -> Result<O::Values, TaskError> {
        self.into_values()
    }
}

impl<U: Unwrap> Unwrap for Vec<U> {
    type Values = Vec<U::Values>;

    fn unwrap(self) -> Result<Self::Values, TaskError> {
        self.into_iter().map(Unwrap::unwrap).collect()
    }
}

/// References to fields, as nested tuples, that can be formatted.
pub trait Show {
    /// Adds each field to a `DebugStruct`, with the next of the names.
    fn show(self, shown: &mut fmt::DebugStruct<'_, '_>, names: &mut slice::Iter<'_, &str>);
}

impl<T: fmt::Debug> Show for &T {
    fn show(self, shown: &mut fmt::DebugStruct<'_, '_>, names: &mut slice::Iter<'_, &str>) {
        if let Some(name) = names.next() {
            shown.field(name, self);
        }
    }
}

/// Formats a struct with this name and these fields like a derived `Debug`.
///
/// # Errors
///
/// If the formatter returns an error.
pub fn show(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    names: &[&str],
    fields: impl Show,
) -> fmt::Result {
    let mut shown = f.debug_struct(name);
    fields.show(&mut shown, &mut names.iter());
    shown.finish()
}

macro_rules! tuples {
    ($($first:ident $($rest:ident)*)?) => {
        #[allow(clippy::unused_unit, reason = "the empty tuple has no items")]
        impl<$($first: Take, $($rest: Take),*)?> Take for ($($first, $($rest),*)?) {
            type Taken = ($($first::Taken, $($rest::Taken),*)?);

            fn take(_results: &mut Results<'_>) -> Self::Taken {
                ($($first::take(_results), $($rest::take(_results)),*)?)
            }
        }

        impl<$($first: Unwrap, $($rest: Unwrap),*)?> Unwrap for ($($first, $($rest),*)?) {
            type Values = ($($first::Values, $($rest::Values),*)?);

            fn unwrap(self) -> Result<Self::Values, TaskError> {
                #[allow(non_snake_case, reason = "each item is named as its type")]
                let ($($first, $($rest),*)?) = self;
                Ok(($($first.unwrap()?, $($rest.unwrap()?),*)?))
            }
        }

        impl<$($first: Show, $($rest: Show),*)?> Show for ($($first, $($rest),*)?) {
            fn show(self, _shown: &mut fmt::DebugStruct<'_, '_>, _names: &mut slice::Iter<'_, &str>) {
                #[allow(non_snake_case, reason = "each item is named as its type")]
                let ($($first, $($rest),*)?) = self;
                $($first.show(_shown, _names); $($rest.show(_shown, _names);)*)?
            }
        }

        $(tuples! { $($rest)* })?
    };
}

tuples! { A B C D E F G H I J K L }

/// The encoded results of a run, by task. Generated code moves the typed results out.
#[derive(Debug)]
pub struct Results<'a> {
    definition: &'a Definition,
    table: Table,
    by_task: Vec<Option<Result<Payload, TaskError>>>,
    /// By task: how many times its result will still be moved out.
    uses: Vec<u32>,
    outputs: slice::Iter<'a, Result<TaskId, TaskError>>,
    lengths: slice::Iter<'a, u32>,
    report: Report,
}

impl<'a> Results<'a> {
    pub(crate) fn new(
        definition: &'a Definition,
        by_task: Vec<Option<Result<Payload, TaskError>>>,
        report: Report,
    ) -> Self {
        let mut uses = vec![0; by_task.len()];
        for output in definition.outputs.tasks.iter().flatten() {
            uses[output.index()] += 1;
        }
        Self {
            definition,
            table: definition.descriptor.table(),
            by_task,
            uses,
            outputs: definition.outputs.tasks.iter(),
            lengths: definition.outputs.shape.iter(),
            report,
        }
    }

    /// The report of the run. Clones share its data.
    pub fn report(&self) -> Report {
        self.report.clone()
    }

    /// The result of the next output.
    fn take_next<T: 'static>(&mut self) -> Result<T, TaskError> {
        let output = self.outputs.next();
        let task = output.expect("the macro knows the outputs").clone()?;
        self.take(task.index())
    }

    /// The results of the outputs of a graph that a test made, by task.
    #[cfg(test)]
    pub(crate) fn take_blobs(&mut self) -> crate::testing::Blobs {
        let definition = self.definition;
        let take = |task: TaskId| {
            let is_output = definition.instance(task).output;
            is_output.then(|| self.take(task.index()))
        };
        definition.task_graph.task_ids().map(take).collect()
    }

    /// The length of the next list of outputs.
    fn next_length(&mut self) -> u32 {
        *self.lengths.next().expect("the macro knows the outputs")
    }

    /// The result of a task.
    pub(crate) fn take<T: 'static>(&mut self, task: usize) -> Result<T, TaskError> {
        let blame = |kind| self.definition.blame(TaskId::new(task), 1, kind);
        self.uses[task] = self.uses[task].saturating_sub(1);
        let result = if self.uses[task] == 0 {
            self.by_task[task].take()
        } else {
            self.by_task[task].clone()
        };
        let payload = result.unwrap_or_else(|| Err(blame(TaskErrorKind::Cancelled)))?;
        let statement = self.definition.instance(TaskId::new(task)).statement;
        let codec = self.table.codec(statement as usize);
        decode(codec, &payload).map_err(|reason| blame(TaskErrorKind::NotDeliverable { reason }))
    }
}

fn decode<T: 'static>(codec: Option<Codec>, payload: &Payload) -> Result<T, String> {
    let codec = codec.ok_or("its type is unknown")?;
    let decoded = panics::catch(|| codec.decode_as(payload));
    decoded
        .map_err(|kind| format!("its Deserialize {kind}"))?
        .map_err(bounded::cut)
}
