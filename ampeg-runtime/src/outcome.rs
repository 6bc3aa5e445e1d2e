//! Results by task, typed: what a run gives back.

use crate::failure::{TaskError, TaskErrorKind};
use crate::id::TaskId;
use crate::panics;
use crate::payload::Payload;
use crate::program::Definition;
use crate::report::Report;
use crate::task::{Call, Type};
use crate::value::Codec;
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

/// The results of one run.
///
/// It dereferences to one field per output, in the names of the `graph!`: `outcome.e` is a `Result<T, TaskError>`.
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
/// assert_eq!(outcome.n, Ok(6)); // `words` is no output, since others are `pub`
///
/// if let Err(error) = &outcome.last {
///     eprintln!("{error}");
/// }
/// let values = outcome.into_values()?;
/// assert_eq!((values.n, values.last.as_str()), (6, "be"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Outcome<O> {
    outputs: O,
    report: Report,
}

impl<O> Outcome<O> {
    pub(crate) fn new(outputs: O, report: Report) -> Self {
        Self { outputs, report }
    }

    /// What happened when and where, against what was planned.
    ///
    /// ```
    /// let outcome = ampeg::graph! { a = 1; b = a + 1; }.run(2)?;
    /// println!("{}", outcome.report()); // a table
    /// assert_eq!(outcome.report().attempts().len(), 2);
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The outputs, each with its own `Result`, to be moved out one by one.
    ///
    /// ```
    /// let outcome = ampeg::graph! { text = "abc".to_owned(); n: u8 = "-1".parse()?; }.run(1)?;
    /// let outputs = outcome.into_outputs();
    /// let text: String = outputs.text?;
    /// assert_eq!((text.as_str(), outputs.n.unwrap_or(0)), ("abc", 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_outputs(self) -> O {
        self.outputs
    }
}

impl<O: Outputs> Outcome<O> {
    /// The outputs as plain values.
    ///
    /// # Errors
    ///
    /// If a task has no result: the first such output's error, traced to the task where it began.
    ///
    /// ```
    /// let outcome = ampeg::graph! { bad: u8 = "x".parse()?; sum = bad + 1; }.run(2)?;
    /// assert_eq!(outcome.into_values().unwrap_err().task(), "bad");
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn into_values(self) -> Result<O::Values, TaskError> {
        self.outputs.into_values()
    }
}

impl<O> Deref for Outcome<O> {
    type Target = O;

    fn deref(&self) -> &O {
        &self.outputs
    }
}

impl<O: fmt::Debug> fmt::Debug for Outcome<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome")
            .field("outputs", &self.outputs)
            .finish_non_exhaustive()
    }
}

/// The outputs of one graph; implemented by generated code.
pub trait Outputs {
    /// The same fields without their `Result`.
    type Values;

    /// The plain values, or the error where the first missing one began.
    ///
    /// # Errors
    ///
    /// If an output has no value.
    fn into_values(self) -> Result<Self::Values, TaskError>;
}

/// The types of the results of one graph, which know how to make its outputs; implemented by generated code.
pub trait Collect {
    /// One field per output.
    type Outputs;

    /// Takes the outputs out of the results of a run.
    fn collect(results: &mut Results<'_>) -> Self::Outputs;
}

/// What makes the outputs of a graph whose dispatcher gives the types `R`.
pub fn collector<W, R, F>(_: &W, _: F) -> fn(&mut Results<'_>) -> R::Outputs
where
    R: Collect,
    F: Fn(&mut Call<'_>, &W) -> R,
{
    R::collect
}

/// The encoded results of a run, by task; generated code takes the typed ones out.
#[derive(Debug)]
pub struct Results<'a> {
    definition: &'a Definition,
    by_task: Vec<Option<Result<Payload, TaskError>>>,
}

impl<'a> Results<'a> {
    pub(crate) fn new(
        definition: &'a Definition,
        by_task: Vec<Option<Result<Payload, TaskError>>>,
    ) -> Self {
        Self {
            definition,
            by_task,
        }
    }

    /// The result of a task.
    ///
    /// # Errors
    ///
    /// If the task has none, or it cannot be decoded.
    pub fn take<T: 'static>(&mut self, _: Type<T>, task: usize) -> Result<T, TaskError> {
        let blame = |kind| self.definition.blame(TaskId::new(task), 1, kind);
        let payload = self.by_task[task]
            .take()
            .unwrap_or_else(|| Err(blame(TaskErrorKind::Cancelled)))?;
        let statement = self.definition.instance(TaskId::new(task)).statement;
        let codec = self.definition.descriptor.codec(statement as usize);
        decode(codec, &payload).map_err(|reason| blame(TaskErrorKind::NotDeliverable { reason }))
    }
}

fn decode<T: 'static>(codec: Option<Codec>, payload: &Payload) -> Result<T, String> {
    let codec = codec.ok_or("its type is unknown")?;
    let value = panics::catch(|| codec.decode(payload))
        .map_err(|kind| format!("its Deserialize {kind}"))??;
    let value: Rc<T> = Rc::downcast(value).map_err(|_| "a value of another type")?;
    Rc::into_inner(value).ok_or_else(|| "a value in use".to_owned())
}
