//! How a captured name travels: chosen by method probing on its concrete type.
//!
//! References are probed first (the owned form is sent, the worker borrows from it), then serializable values,
//! then functions and closures without captures (nothing is sent), then everything else, with one clear message.
//! Each trait sits one reference deeper than the next, so that method lookup finds it first
//! ("autoref specialization", after David Tolnay).

use crate::codec::decode_fields;
use crate::inputs::Inputs;
use crate::payload::Payload;
use crate::sys;
use crate::value::{Codec, TaskValue};
use serde::{Deserialize, Serialize};
use std::any::{Any, TypeId};
use std::borrow::Borrow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// A captured name: how it travels, and its bytes.
#[derive(Debug)]
pub struct Captured<M> {
    mode: M,
    payload: Result<Payload, String>,
}

impl<M: Mode> Captured<M> {
    fn new(payload: Result<Payload, String>) -> Self {
        Self {
            mode: M::default(),
            payload,
        }
    }

    /// How it travels.
    pub fn mode(&self) -> M {
        self.mode
    }

    /// Its bytes.
    ///
    /// # Errors
    ///
    /// What the type's own `Serialize` reports.
    pub fn into_payload(self) -> Result<Payload, String> {
        self.payload
    }
}

/// How a captured name travels.
pub trait Mode: Copy + Default {
    /// How a worker makes a value of the bytes.
    fn codec() -> Codec;
}

macro_rules! mode {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name<T: ?Sized>(PhantomData<fn() -> *const T>);

        impl<T: ?Sized> Clone for $name<T> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<T: ?Sized> Copy for $name<T> {}

        impl<T: ?Sized> Default for $name<T> {
            fn default() -> Self {
                Self(PhantomData)
            }
        }

        impl<T: ?Sized> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    };
}

mode! {
    /// A serializable value: a copy travels.
    Value
}
mode! {
    /// A reference: a copy of what it points to travels.
    Reference
}
mode! {
    /// What cannot travel.
    Refused
}
mode! {
    /// A function, or a closure without captures: nothing travels.
    Function
}

impl<T: TaskValue> Mode for Value<T> {
    fn codec() -> Codec {
        Codec::of::<T>()
    }
}

impl<T: 'static> Value<T> {
    /// The value, of which this is the only use.
    ///
    /// # Panics
    ///
    /// If somebody else holds it, which the macro rules out.
    pub fn take(self, inputs: &Inputs, index: usize) -> T {
        Rc::into_inner(inputs.owned(index)).expect("a capture that is used once has one owner")
    }

    /// The value: moved at its last use, else cloned.
    pub fn take_or_clone(self, inputs: &Inputs, index: usize) -> T
    where
        T: Clone,
    {
        Rc::unwrap_or_clone(inputs.owned(index))
    }

    /// The value in place.
    pub fn borrow(self, inputs: &Inputs, index: usize) -> &T {
        inputs.shared(index)
    }
}

/// What a captured reference may point to, and the owned form that travels in its place.
pub trait Referent: 'static {
    /// What a worker keeps, and borrows from.
    type Owned: Borrow<Self> + Deserialize<'static> + 'static;
}

impl<T: Deserialize<'static> + 'static> Referent for T {
    type Owned = T;
}

impl Referent for str {
    type Owned = String;
}

impl Referent for Path {
    type Owned = PathBuf;
}

impl<T: Deserialize<'static> + 'static> Referent for [T] {
    type Owned = Vec<T>;
}

impl<T: Referent + Serialize + ?Sized> Mode for Reference<T> {
    fn codec() -> Codec {
        Codec::decoding(Some(TypeId::of::<Self>()), |payload| {
            decode_fields::<T::Owned>(payload).map(|value| Rc::new(value) as Rc<dyn Any>)
        })
    }
}

impl<T: Referent + ?Sized> Reference<T> {
    /// The reference.
    pub fn take(self, inputs: &Inputs, index: usize) -> &T {
        inputs.shared::<T::Owned>(index).borrow()
    }

    /// The reference.
    pub fn take_or_clone(self, inputs: &Inputs, index: usize) -> &T {
        self.take(inputs, index)
    }

    /// The reference in place.
    pub fn borrow(self, inputs: &Inputs, index: usize) -> Place<&T> {
        Place(self.take(inputs, index))
    }
}

impl<F: Copy> Mode for Function<F> {
    fn codec() -> Codec {
        Codec::decoding(None, |_| Ok(Rc::new(())))
    }
}

impl<F: Copy> Function<F> {
    /// The function.
    pub fn take(self, _: &Inputs, _: usize) -> F {
        sys::conjure()
    }

    /// The function.
    pub fn take_or_clone(self, _: &Inputs, _: usize) -> F {
        sys::conjure()
    }

    /// The function in place.
    pub fn borrow(self, _: &Inputs, _: usize) -> Place<F> {
        Place(sys::conjure())
    }
}

/// A small value that a body uses as a place.
#[derive(Debug)]
pub struct Place<T>(T);

impl<T> Deref for Place<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Everything that can be captured.
#[diagnostic::on_unimplemented(
    message = "this value cannot be captured: it cannot be sent to a worker process",
    label = "`{Self}` cannot be serialized",
    note = "put `#[derive(serde::Serialize, serde::Deserialize)]` on the type, or build the value inside the task",
    note = "what belongs to this process, like a file, a lock, a channel or a pointer, cannot leave it: capture what it holds"
)]
pub trait Capture: TaskValue {}

#[diagnostic::do_not_recommend]
impl<T: TaskValue> Capture for T {}

impl<T> Mode for Refused<T> {
    fn codec() -> Codec {
        Codec::decoding(None, |_| Err("it cannot be serialized".into()))
    }
}

/// The mode of a name that does not exist; no program that compiles has it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unknown;

impl Mode for Unknown {
    fn codec() -> Codec {
        Codec::decoding(None, |_| Err("it does not exist".into()))
    }
}

impl Unknown {
    /// Of whatever type is expected.
    pub fn take<T>(self, _: &Inputs, _: usize) -> T {
        unreachable!("rustc has refused this name")
    }

    /// Of whatever type is expected.
    pub fn take_or_clone<T>(self, inputs: &Inputs, index: usize) -> T {
        self.take(inputs, index)
    }

    /// Of whatever type is expected.
    pub fn borrow<T>(self, inputs: &Inputs, index: usize) -> Place<T> {
        Place(self.take(inputs, index))
    }
}

/// As if it had been captured, so that nothing but the refusal itself is reported.
impl<T: 'static> Refused<T> {
    /// The value.
    pub fn take(self, _: &Inputs, _: usize) -> T {
        unreachable!("rustc has refused this value")
    }

    /// The value.
    pub fn take_or_clone(self, inputs: &Inputs, index: usize) -> T {
        self.take(inputs, index)
    }

    /// The value in place.
    pub fn borrow(self, inputs: &Inputs, index: usize) -> &T {
        inputs.shared(index)
    }
}

/// What is changed behind a `&`, as is done where threads share memory.
pub trait SharedState {}

macro_rules! shared_state {
    ($($name:ident)*) => {
        $(impl SharedState for std::sync::atomic::$name {})*
    };
}

shared_state! {
    AtomicBool AtomicI8 AtomicI16 AtomicI32 AtomicI64 AtomicIsize AtomicU8 AtomicU16 AtomicU32 AtomicU64 AtomicUsize
}

impl<T: ?Sized> SharedState for std::sync::Mutex<T> {}
impl<T: ?Sized> SharedState for std::sync::RwLock<T> {}
impl<T: ?Sized> SharedState for std::cell::Cell<T> {}
impl<T: ?Sized> SharedState for std::cell::RefCell<T> {}
impl<T: SharedState + ?Sized> SharedState for std::sync::Arc<T> {}
impl<T: SharedState + ?Sized> SharedState for Rc<T> {}

/// The methods that generated code probes.
pub mod probe {
    use super::{
        Capture, Captured, Function, Reference, Referent, Refused, SharedState, Unknown, Value,
    };
    use crate::codec::encode_as;
    use crate::panics;
    use crate::payload::Payload;
    use crate::value::TaskValue;
    use serde::Serialize;
    use std::any::type_name;
    use std::fmt;

    /// What is probed.
    pub struct Probe<'a, T>(&'a T);

    impl<'a, T> Probe<'a, T> {
        /// Looks at a captured name.
        pub fn new(name: &'a T) -> Self {
            Self(name)
        }
    }

    impl<T> fmt::Debug for Probe<'_, T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Probe")
        }
    }

    /// Before all: a name that does not exist, whose type rustc takes for any, so for this one too.
    ///
    /// Rustc has reported the name by then, and its type fits everywhere, so that nothing else is reported.
    pub trait ProbeUnknown {
        /// Captures nothing.
        fn probe(&self) -> Captured<Unknown>;
    }

    /// The type that no name has.
    enum Nothing {}

    #[allow(
        private_bounds,
        private_interfaces,
        reason = "nobody else may have this type"
    )]
    impl ProbeUnknown for &&&Probe<'_, Nothing> {
        fn probe(&self) -> Captured<Unknown> {
            match *self.0 {}
        }
    }

    /// First: references.
    pub trait ProbeReference {
        /// What the reference points to.
        type Referent: ?Sized;
        /// Captures it.
        fn probe(&self) -> Captured<Reference<Self::Referent>>;
    }

    impl<T: Referent + Serialize + ?Sized> ProbeReference for &&Probe<'_, &T> {
        type Referent = T;
        fn probe(&self) -> Captured<Reference<T>> {
            Captured::new(encoded::<T>(|| encode_as::<T, T::Owned>(self.0)))
        }
    }

    /// First too: what is changed behind a `&`, with a warning.
    pub trait ProbeSharedState {
        /// The type of the value.
        type Value: TaskValue;
        /// Captures it.
        #[deprecated(
            note = "each task gets a copy of this value: what one changes in it, no other task sees, and neither does the caller; \
                    capture what is in it, and have tasks return what they find out"
        )]
        fn probe(&self) -> Captured<Value<Self::Value>>;
    }

    impl<T: SharedState + TaskValue> ProbeSharedState for &&Probe<'_, T> {
        type Value = T;
        fn probe(&self) -> Captured<Value<T>> {
            Captured::new(encoded::<T>(|| self.0.encode()))
        }
    }

    /// Second: values.
    pub trait ProbeValue {
        /// The type of the value.
        type Value: TaskValue;
        /// Captures it.
        fn probe(&self) -> Captured<Value<Self::Value>>;
    }

    impl<T: TaskValue> ProbeValue for &Probe<'_, T> {
        type Value = T;
        fn probe(&self) -> Captured<Value<T>> {
            Captured::new(encoded::<T>(|| self.0.encode()))
        }
    }

    /// The bytes of a value, or why there are none, after the name of its type.
    fn encoded<T: ?Sized>(
        encode: impl FnOnce() -> Result<Payload, String>,
    ) -> Result<Payload, String> {
        panics::catch(encode)
            .unwrap_or_else(|kind| Err(format!("its Serialize {kind}")))
            .map_err(|reason| format!("a `{}`: {reason}", type_name::<T>()))
    }

    /// Captures a function, or refuses a closure that captures something itself.
    fn function<F: Copy>() -> Captured<Function<F>> {
        const {
            assert!(
                size_of::<F>() == 0,
                "a closure captured by this graph uses variables itself, or is behind a pointer, so it cannot be sent to a worker process: write the closure inside the task"
            );
        }
        Captured::new(Ok(Payload::Inline(smallvec::SmallVec::new())))
    }

    macro_rules! functions {
        ($($name:ident($($argument:ident),*);)*) => {$(
            /// Third: functions and closures without captures, of this many arguments.
            pub trait $name<$($argument,)* R> {
                /// The type of the function.
                type Function: Copy;
                /// Captures it.
                fn probe(&self) -> Captured<Function<Self::Function>>;
            }

            impl<F: Copy + Fn($($argument),*) -> R, $($argument,)* R> $name<$($argument,)* R> for Probe<'_, F> {
                type Function = F;
                fn probe(&self) -> Captured<Function<F>> {
                    function()
                }
            }
        )*};
    }

    functions! {
        ProbeFunction0();
        ProbeFunction1(A);
        ProbeFunction2(A, B);
        ProbeFunction3(A, B, C);
        ProbeFunction4(A, B, C, D);
        ProbeFunction5(A, B, C, D, E);
        ProbeFunction6(A, B, C, D, E, G);
    }

    /// Last: whatever cannot be captured, with a message that says so.
    pub trait CaptureByCopy {
        /// The type of the name.
        type Value;
        /// Refuses it.
        fn probe(self) -> Captured<Refused<Self::Value>>
        where
            Self::Value: Capture;
    }

    impl<T> CaptureByCopy for Probe<'_, T> {
        type Value = T;
        fn probe(self) -> Captured<Refused<T>>
        where
            T: Capture,
        {
            Captured::new(Err("it cannot be serialized".into()))
        }
    }
}
