//! The dispatcher of a graph, which has the body and the type of every task.
//!
//! The dispatcher is a closure without captures. A worker runs the same executable, so it can find the dispatcher by
//! address. One call of the dispatcher returns a [`Table`] of all tasks, in which lookups are fast.

use crate::base::failure::Failure;
use crate::generated_code::facts::{Facts, Source};
use crate::generated_code::inputs::{Inputs, Type};
use crate::generated_code::part::{Carrier, PartKey};
use crate::generated_code::task_value::{Codec, TaskValue};
use crate::sys::{self, Anchored, ErasedFunction};
use std::any::Any;
use std::marker::PhantomData;
use std::rc::Rc;

/// The constant that a worker looks up by its address: a graph's static facts and dispatcher.
pub(crate) type Descriptor = Anchored<Dispatcher>;

/// The static facts of a graph, and its dispatcher.
#[derive(Debug)]
pub(crate) struct Dispatcher {
    facts: fn() -> &'static Facts,
    dispatch: fn(&mut Call<'_>),
}

impl Descriptor {
    /// The descriptor of the graph with these static facts and this dispatcher.
    pub(crate) fn of<S, W, R, F>(_: &S, _: &W, _: F) -> &'static Self
    where
        S: Source,
        W: Default,
        F: Fn(&mut Call<'_>, &W) -> R + Copy,
    {
        struct Promote<S, W, R, F>(PhantomData<(S, W, R, F)>);
        impl<S: Source, W: Default, R, F: Fn(&mut Call<'_>, &W) -> R + Copy> Promote<S, W, R, F> {
            const DESCRIPTOR: &'static Descriptor = &Anchored::new(
                S::HASH,
                Dispatcher {
                    facts: S::facts,
                    dispatch: |call| {
                        sys::conjure::<F>()(call, &W::default());
                    },
                },
            );
        }
        Promote::<S, W, R, F>::DESCRIPTOR
    }

    /// The static facts of the graph.
    pub(crate) fn facts(&self) -> &'static Facts {
        (self.content().facts)()
    }

    /// Calls the dispatcher. Takes time in proportion to the number of statements and captures.
    pub(crate) fn table(&self) -> Table {
        let facts = self.facts();
        let mut table = Table {
            tasks: vec![None; facts.statements.len()],
            captures: vec![None; facts.captures.len()],
            parts: vec![None; facts.parts.len()],
        };
        (self.content().dispatch)(&mut Call { table: &mut table });
        table
    }

    /// The key of a part of a result, for a task with these indices.
    pub(crate) fn part_key(&self, part: u32, indices: &[i64]) -> PartKey {
        let places = self.facts().parts[part as usize].indices.iter();
        let value = |&place: &u8| indices.get(usize::from(place)).copied().unwrap_or_default();
        PartKey {
            part,
            indices: places.map(value).collect(),
        }
    }

    /// A statement of a family. All statements of a family have results of the same type.
    pub(crate) fn producer(&self, family: u32) -> usize {
        self.facts().families[family as usize].statement as usize
    }
}

/// The body of a statement.
type Body = ErasedFunction<Inputs, Failure>;

/// The bodies of all statements, and the codecs of results and captures.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    tasks: Vec<Option<(Body, Codec)>>,
    captures: Vec<Option<Codec>>,
    parts: Vec<Option<Carrier>>,
}

impl Table {
    /// The codec of a statement's results.
    pub(crate) fn codec(&self, statement: usize) -> Option<Codec> {
        let (_, codec) = (*self.tasks.get(statement)?)?;
        Some(codec)
    }

    /// The codec of a capture.
    pub(crate) fn capture(&self, capture: usize) -> Option<Codec> {
        *self.captures.get(capture)?
    }

    /// The codec of a part of a result; none if the part is not sent by itself.
    pub(crate) fn carrier(&self, part: u32) -> Option<Carrier> {
        *self.parts.get(part as usize)?
    }

    /// Runs the body of a statement on its inputs; unwinds if the body panics.
    pub(crate) fn run(
        &self,
        statement: usize,
        inputs: &Inputs,
    ) -> Option<Result<Rc<dyn Any>, Failure>> {
        let (body, _) = (*self.tasks.get(statement)?)?;
        Some(body.call(inputs))
    }
}

/// The argument of a dispatcher, which fills the table.
#[derive(Debug)]
pub struct Call<'a> {
    table: &'a mut Table,
}

impl Call<'_> {
    /// Adds the task of a statement. Rustc knows the type of the result from here on.
    ///
    /// `types` has only the types of this task's inputs, and all types of a task are inferred before rustc reads the
    /// next task. Otherwise, rustc would try to infer the open types again for each of a thousand tasks.
    /// The body is a `fn`. If it uses a variable that is not captured by copy, rustc reports this at the body.
    pub fn task<W: Copy, T: TaskValue>(
        &mut self,
        statement: u32,
        types: W,
        body: fn(W, &Inputs) -> Result<T, Failure>,
    ) -> Type<T> {
        self.table.tasks[statement as usize] = Some((Body::of(types, body), Codec::of::<T>()));
        Type::default()
    }

    /// Adds the members of a family that one of its statements declares. All members have results of the same type.
    pub fn member<W: Copy, T: TaskValue>(
        &mut self,
        statement: u32,
        _: Type<T>,
        types: W,
        body: fn(W, &Inputs) -> Result<T, Failure>,
    ) {
        self.task(statement, types, body);
    }

    /// Adds a part of a result. `carrier` is none if the part is not sent by itself.
    pub fn part(&mut self, part: u32, carrier: Option<Carrier>) {
        self.table.parts[part as usize] = carrier;
    }

    /// Adds a capture that is sent in this mode.
    pub fn capture<M: crate::generated_code::capture::Mode>(&mut self, capture: u32, _: M) {
        self.table.captures[capture as usize] = Some(M::codec());
    }
}

/// Makes rustc infer the parameters of a dispatcher from the types in `witness`, before it reads the dispatcher's
/// body.
pub fn dispatcher<W, R, F: Fn(&mut Call<'_>, &W) -> R + Copy>(_: &W, dispatcher: F) -> F {
    dispatcher
}
