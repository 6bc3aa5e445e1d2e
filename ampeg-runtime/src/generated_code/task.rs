//! The dispatcher of a graph, which has the body and the type of every task.
//!
//! The dispatcher is a closure without captures, so a worker, which is the same executable, can find it by address.
//! One call returns a [`Table`] of all tasks, in which lookups are fast.

use crate::base::failure::Failure;
use crate::generated_code::facts::{Facts, Source};
use crate::generated_code::inputs::{Inputs, Type};
use crate::generated_code::part::{Carrier, PartKey};
use crate::generated_code::task_value::{Codec, TaskValue};
use crate::sys::{self, Anchored, ErasedFunction};
use std::any::Any;
use std::marker::PhantomData;
use std::rc::Rc;

/// What a worker looks up by its address: where a graph's dispatcher is.
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

    /// All that the dispatcher knows. Takes time in proportion to the statements and captures.
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

    /// Which part of a result a task with these indices uses.
    pub(crate) fn part_key(&self, part: u32, indices: &[i64]) -> PartKey {
        let places = self.facts().parts[part as usize].indices.iter();
        let value = |&place: &u8| indices.get(usize::from(place)).copied().unwrap_or_default();
        PartKey {
            part,
            indices: places.map(value).collect(),
        }
    }

    /// The statement that stands for a family: all its statements have results of one type.
    pub(crate) fn producer(&self, family: u32) -> usize {
        self.facts().families[family as usize].statement as usize
    }
}

/// The body of a statement.
type Body = ErasedFunction<Inputs, Failure>;

/// What a dispatcher knows: the body of each statement, and how results and captures become bytes and values again.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    tasks: Vec<Option<(Body, Codec)>>,
    captures: Vec<Option<Codec>>,
    parts: Vec<Option<Carrier>>,
}

impl Table {
    /// How results of a statement become bytes and values again.
    pub(crate) fn codec(&self, statement: usize) -> Option<Codec> {
        let (_, codec) = (*self.tasks.get(statement)?)?;
        Some(codec)
    }

    /// How a capture becomes a value again.
    pub(crate) fn capture(&self, capture: usize) -> Option<Codec> {
        *self.captures.get(capture)?
    }

    /// How a part of a result travels; none if it cannot without the rest.
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

/// The question to a dispatcher: what do you know?
#[derive(Debug)]
pub struct Call<'a> {
    table: &'a mut Table,
}

impl Call<'_> {
    /// Answers for the task of a statement; the type of its result is known from here on.
    ///
    /// `types` are those of its inputs, no more, and no type is open when the next task is read:
    /// rustc would try open ones again and again, for each of a thousand tasks.
    /// The body is a `fn`, so that rustc says at its own text if it uses a variable that is not captured by copy.
    pub fn task<W: Copy, T: TaskValue>(
        &mut self,
        statement: u32,
        types: W,
        body: fn(W, &Inputs) -> Result<T, Failure>,
    ) -> Type<T> {
        self.table.tasks[statement as usize] = Some((Body::of(types, body), Codec::of::<T>()));
        Type::default()
    }

    /// Answers for the members of a family that one of its statements declares; all of them have results of one type.
    pub fn member<W: Copy, T: TaskValue>(
        &mut self,
        statement: u32,
        _: Type<T>,
        types: W,
        body: fn(W, &Inputs) -> Result<T, Failure>,
    ) {
        self.task(statement, types, body);
    }

    /// Answers for a part of a result, if it can travel without the rest.
    pub fn part(&mut self, part: u32, carrier: Option<Carrier>) {
        self.table.parts[part as usize] = carrier;
    }

    /// Answers for a capture that travels in this mode.
    pub fn capture<M: crate::generated_code::capture::Mode>(&mut self, capture: u32, _: M) {
        self.table.captures[capture as usize] = Some(M::codec());
    }
}

/// Lets the types of `witness` flow into the parameters of a dispatcher before its body is read.
pub fn dispatcher<W, R, F: Fn(&mut Call<'_>, &W) -> R + Copy>(_: &W, dispatcher: F) -> F {
    dispatcher
}
