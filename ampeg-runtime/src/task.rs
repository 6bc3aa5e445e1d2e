//! What generated code hands over: the static facts of a graph, and one dispatcher that runs any of its tasks.
//!
//! The dispatcher is a closure without captures, so a worker, which is the same executable, can find it by address.
//! Values are erased here and typed again by [`Type`]: the macro guarantees that both sides agree.

use crate::failure::{Failure, Place, TaskError, TaskErrorKind};
use crate::sys;
use crate::value::{Codec, TaskValue};
use std::any::Any;
use std::cell::{OnceCell, RefCell};
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

/// One statement of a `graph!`, as written.
#[derive(Debug)]
pub struct Statement {
    /// The name before `=`.
    pub name: &'static str,
    /// The text of the body.
    pub source: &'static str,
    /// The file of the statement.
    pub file: &'static str,
    /// Its line, from one.
    pub line: u32,
    /// Its column, from one.
    pub column: u32,
    /// The statements that it depends on, each once, in the order of its inputs.
    pub inputs: &'static [u32],
    /// The captures that it uses, each once; they follow the dependencies in its inputs.
    pub captures: &'static [u32],
    /// Whether its result is an output of the graph.
    pub output: bool,
}

impl Statement {
    /// Where the statement is.
    pub(crate) fn place(&self) -> Place {
        Place {
            file: self.file.into(),
            line: self.line,
            column: self.column,
        }
    }

    /// The error of its task if the result cannot be decoded by those who need it.
    pub(crate) fn undeliverable(&self, reason: String) -> TaskError {
        let kind = TaskErrorKind::NotDeliverable { reason };
        TaskError::new(self.name, Some(self.place()), 1, kind)
    }
}

/// The static facts of one `graph!`; implemented by generated code.
pub trait Source {
    /// A hash of the text and place of the graph.
    const HASH: u64;
    /// The statements, in the order written.
    const STATEMENTS: &'static [Statement];
    /// The names captured, in the order of the captures.
    const CAPTURES: &'static [&'static str];
}

const MAGIC: [u64; 2] = [0x616d_7065_675f_6772, 0xb7d3_41c8_9e25_f60a];

/// What a worker looks up by its address: where a graph's dispatcher is, and proof that it is the right one.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Descriptor {
    magic: [u64; 2],
    hash: u64,
    pub(crate) statements: &'static [Statement],
    pub(crate) captures: &'static [&'static str],
    dispatch: fn(&mut Call<'_>),
}

impl Descriptor {
    /// Where the magic number is in it.
    pub(crate) const MAGIC_OFFSET: usize = std::mem::offset_of!(Self, magic);
    /// Where the hash is in it.
    pub(crate) const HASH_OFFSET: usize = std::mem::offset_of!(Self, hash);

    /// The descriptor of the graph with these static facts and this dispatcher.
    pub(crate) fn of<S, W, R, F>(_: &S, _: &W, _: F) -> &'static Self
    where
        S: Source,
        W: Default,
        F: Fn(&mut Call<'_>, &W) -> R + Copy,
    {
        struct Promote<S, W, R, F>(PhantomData<(S, W, R, F)>);
        impl<S: Source, W: Default, R, F: Fn(&mut Call<'_>, &W) -> R + Copy> Promote<S, W, R, F> {
            const DESCRIPTOR: &'static Descriptor = &Descriptor {
                magic: MAGIC,
                hash: S::HASH,
                statements: S::STATEMENTS,
                captures: S::CAPTURES,
                dispatch: |call| {
                    sys::conjure::<F>()(call, &W::default());
                },
            };
        }
        Promote::<S, W, R, F>::DESCRIPTOR
    }

    /// The hash of the graph's text and place.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// Whether this memory is a descriptor at all, and that of the graph with `hash`.
    pub(crate) fn is_genuine(magic: [u64; 2], found: u64, hash: u64) -> bool {
        magic == MAGIC && found == hash
    }

    /// How results of a statement (or the captures behind them, counted on) become bytes and values again.
    pub(crate) fn codec(&self, arm: usize) -> Option<Codec> {
        let mut codec = None;
        (self.dispatch)(&mut Call {
            arm: u32::try_from(arm).ok()?,
            request: Request::Codec(&mut codec),
        });
        codec
    }

    /// Runs the body of a statement on its inputs; unwinds if the body panics.
    pub(crate) fn run(
        &self,
        statement: usize,
        inputs: &Inputs,
    ) -> Option<Result<Rc<dyn Any>, Failure>> {
        let mut result = None;
        (self.dispatch)(&mut Call {
            arm: u32::try_from(statement).ok()?,
            request: Request::Run(inputs, &mut result),
        });
        result
    }
}

/// One question to a dispatcher: run a task, or tell its codec.
#[derive(Debug)]
pub struct Call<'a> {
    arm: u32,
    request: Request<'a>,
}

enum Request<'a> {
    Nothing,
    Codec(&'a mut Option<Codec>),
    Run(&'a Inputs, &'a mut Option<Result<Rc<dyn Any>, Failure>>),
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Codec(_) => "Codec",
            Self::Run(..) => "Run",
        })
    }
}

impl Call<'_> {
    /// A question that no arm answers.
    pub(crate) fn of_nothing() -> Self {
        Self {
            arm: u32::MAX,
            request: Request::Nothing,
        }
    }

    /// Which arm of the dispatcher is meant: the tasks first, then the captures.
    pub fn arm(&self) -> u32 {
        self.arm
    }

    /// Answers for a task whose result has this type.
    ///
    /// The body is a `fn`, so that rustc says at its own text if it uses a variable that is not captured by copy.
    pub fn run<W, T: TaskValue>(
        &mut self,
        types: &W,
        _: Type<T>,
        body: fn(&W, &Inputs) -> Result<T, Failure>,
    ) {
        match &mut self.request {
            Request::Nothing => {}
            Request::Codec(codec) => **codec = Some(Codec::of::<T>()),
            Request::Run(inputs, result) => {
                **result = Some(body(types, inputs).map(|value| Rc::new(value) as Rc<dyn Any>));
            }
        }
    }

    /// Answers for the task of this arm, if it is meant; the type of its result is known from here on.
    ///
    /// `types` are those of its inputs, no more, and no type is open when the next task is read:
    /// rustc would try open ones again and again, for each of a thousand tasks.
    /// The body is a `fn`, so that rustc says at its own text if it uses a variable that is not captured by copy.
    pub fn task<W, T: TaskValue>(
        &mut self,
        arm: u32,
        types: W,
        body: fn(W, &Inputs) -> Result<T, Failure>,
    ) -> Type<T> {
        if self.arm == arm {
            match &mut self.request {
                Request::Nothing => {}
                Request::Codec(codec) => **codec = Some(Codec::of::<T>()),
                Request::Run(inputs, result) => {
                    **result = Some(body(types, inputs).map(|value| Rc::new(value) as Rc<dyn Any>));
                }
            }
        }
        Type::default()
    }

    /// Answers for a capture that travels in this mode.
    pub fn capture<M: crate::capture::Mode>(&mut self, _: M) {
        if let Request::Codec(codec) = &mut self.request {
            **codec = Some(M::codec());
        }
    }

    /// Answers for an arm that the graph does not have: not at all.
    pub fn unknown(&mut self) {}
}

/// Lets the types of `witness` flow into the parameters of a dispatcher before its body is read.
pub fn dispatcher<W, R, F: Fn(&mut Call<'_>, &W) -> R + Copy>(_: &W, dispatcher: F) -> F {
    dispatcher
}

/// The values that one task was given: its dependencies, then its captures.
///
/// Each is taken or borrowed on its own, whatever is done with the others.
#[derive(Debug, Default)]
pub struct Inputs {
    indices: Vec<i64>,
    values: Vec<Input>,
}

/// One value: as it was given until somebody borrows it, from then on held for as long as all inputs are.
#[derive(Debug)]
struct Input {
    given: RefCell<Option<Rc<dyn Any>>>,
    held: OnceCell<Option<Rc<dyn Any>>>,
}

impl Inputs {
    pub(crate) fn new(indices: Vec<i64>, values: Vec<Option<Rc<dyn Any>>>) -> Self {
        let input = |value| Input {
            given: RefCell::new(value),
            held: OnceCell::new(),
        };
        let values = values.into_iter().map(input).collect();
        Self { indices, values }
    }

    /// The value of one index of the statement.
    pub fn index(&self, index: usize) -> i64 {
        self.indices[index]
    }

    pub(crate) fn shared<T: 'static>(&self, index: usize) -> &T {
        let input = &self.values[index];
        input
            .held
            .get_or_init(|| input.given.take())
            .as_deref()
            .and_then(|value| value.downcast_ref())
            .expect("the macro and the plan agree on the inputs of a task")
    }

    pub(crate) fn owned<T: 'static>(&self, index: usize) -> Rc<T> {
        self.values[index]
            .given
            .take()
            .and_then(|value| value.downcast().ok())
            .expect("the macro and the plan agree on the inputs of a task")
    }
}

/// The type of a task's result; the macro leaves it to inference.
pub struct Type<T>(PhantomData<fn() -> T>);

impl<T> Clone for Type<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Type<T> {}

impl<T> Default for Type<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T> fmt::Debug for Type<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Type")
    }
}

impl<T> Type<T> {
    /// A type that is not known yet, or one that the user wrote.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<T: 'static> Type<T> {
    /// The value of a dependency that nobody else uses.
    ///
    /// # Panics
    ///
    /// If somebody else holds it, which the macro rules out.
    pub fn take(self, inputs: &Inputs, index: usize) -> T {
        Rc::into_inner(inputs.owned(index)).expect("a dependency that is used once has one owner")
    }

    /// The value of a dependency: moved at its last use on this worker, else cloned.
    pub fn take_or_clone(self, inputs: &Inputs, index: usize) -> T
    where
        T: Clone,
    {
        Rc::unwrap_or_clone(inputs.owned(index))
    }

    /// The value of a dependency in place.
    pub fn borrow(self, inputs: &Inputs, index: usize) -> &T {
        inputs.shared(index)
    }
}
