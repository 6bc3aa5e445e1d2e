//! Chooses how a captured name is sent, by method probing on its type.
//!
//! The types are probed in this order:
//! - references: the owned form is sent, and the worker borrows from it;
//! - serializable values: a copy is sent;
//! - `fn` pointers: their address in the executable is sent;
//! - functions and closures without captures: nothing is sent;
//! - all other types: rustc reports that they cannot be captured.
//!
//! Generated code calls `probe` through five references to a [`Probe`](probe::Probe). Each trait is implemented for
//! one reference more than the next one, so that method lookup finds it first ("autoref specialization", after David
//! Tolnay).

use crate::generated_code::inputs::Inputs;
use crate::generated_code::task_value::{Codec, TaskValue};
use crate::sys::{self, FunctionAddress};
use crate::value::codec::decode_fields;
use crate::value::payload::Payload;
use serde::{Deserialize, Serialize};
use std::any::{Any, TypeId};
use std::borrow::Borrow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// A captured name: how it is sent, and its bytes.
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

    /// How the name is sent.
    pub fn mode(&self) -> M {
        self.mode
    }

    /// The bytes that are sent.
    ///
    /// # Errors
    ///
    /// The error of the type's own `Serialize`.
    pub fn into_payload(self) -> Result<Payload, String> {
        self.payload
    }
}

/// How a captured name is sent.
pub trait Mode: Copy + Default {
    /// How a worker makes a value from the bytes.
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
    /// A serializable value: a copy is sent.
    Value
}
mode! {
    /// A reference: a copy of the referent is sent.
    Reference
}
mode! {
    /// A type that cannot be sent.
    Refused
}
mode! {
    /// A `fn` pointer: the address of the function in the executable is sent.
    Pointer
}
mode! {
    /// A function, or a closure without captures: nothing is sent.
    Function
}

impl<T: TaskValue> Mode for Value<T> {
    fn codec() -> Codec {
        Codec::of::<T>()
    }
}

impl<T: 'static> Value<T> {
    /// The value, if this is its only use.
    ///
    /// # Panics
    ///
    /// If the value is borrowed elsewhere, which the macro rules out.
    pub fn take(self, inputs: &Inputs, index: usize) -> T {
        Rc::into_inner(inputs.owned(index)).expect("a capture that is used once has one owner")
    }

    /// The value: moved at its last use, otherwise cloned.
    pub fn take_or_clone(self, inputs: &Inputs, index: usize) -> T
    where
        T: Clone,
    {
        Rc::unwrap_or_clone(inputs.owned(index))
    }

    /// A reference to the value.
    pub fn borrow(self, inputs: &Inputs, index: usize) -> &T {
        inputs.shared(index)
    }
}

/// The referent of a captured reference, with the owned form that is sent in its place.
pub trait Referent: 'static {
    /// The type that a worker stores, and borrows from.
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

    /// A reference to the reference.
    pub fn borrow(self, inputs: &Inputs, index: usize) -> Borrowed<&T> {
        Borrowed(self.take(inputs, index))
    }
}

impl<F: Copy + fmt::Pointer + 'static> Mode for Pointer<F> {
    fn codec() -> Codec {
        Codec::decoding(Some(TypeId::of::<Self>()), |payload| {
            let address: FunctionAddress = decode_fields(payload)?;
            Ok(Rc::new(address.resolve::<F>()?))
        })
    }
}

impl<F: Copy + 'static> Pointer<F> {
    /// The pointer.
    pub fn take(self, inputs: &Inputs, index: usize) -> F {
        *self.borrow(inputs, index)
    }

    /// The pointer.
    pub fn take_or_clone(self, inputs: &Inputs, index: usize) -> F {
        self.take(inputs, index)
    }

    /// A reference to the pointer.
    pub fn borrow(self, inputs: &Inputs, index: usize) -> &F {
        inputs.shared(index)
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

    /// A reference to the function.
    pub fn borrow(self, _: &Inputs, _: usize) -> Borrowed<F> {
        Borrowed(sys::conjure())
    }
}

/// A small value that a body uses through a reference.
#[derive(Debug)]
pub struct Borrowed<T>(T);

impl<T> Deref for Borrowed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// All types that can be captured.
#[diagnostic::on_unimplemented(
    message = "this value cannot be captured: it cannot be sent to a worker process",
    label = "`{Self}` cannot be serialized",
    note = "put `#[derive(serde::Serialize, serde::Deserialize)]` on the type, or build the value inside the task",
    note = "a file, a lock, a channel or a pointer belongs to this process and cannot be sent: capture its content instead",
    note = "a function that is `unsafe`, `extern` or of more than twelve arguments is named by its path: `self::name`"
)]
pub trait Capture: TaskValue {}

#[diagnostic::do_not_recommend]
impl<T: TaskValue> Capture for T {}

impl<T> Mode for Refused<T> {
    fn codec() -> Codec {
        Codec::decoding(None, |_| Err("it cannot be serialized".into()))
    }
}

/// The mode of a name that does not exist. No program that compiles has it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unknown;

impl Mode for Unknown {
    fn codec() -> Codec {
        Codec::decoding(None, |_| Err("it does not exist".into()))
    }
}

impl Unknown {
    /// A value of whatever type is expected.
    pub fn take<T>(self, _: &Inputs, _: usize) -> T {
        unreachable!("rustc has refused this name")
    }

    /// A value of whatever type is expected.
    pub fn take_or_clone<T>(self, inputs: &Inputs, index: usize) -> T {
        self.take(inputs, index)
    }

    /// A value of whatever type is expected.
    pub fn borrow<T>(self, inputs: &Inputs, index: usize) -> Borrowed<T> {
        Borrowed(self.take(inputs, index))
    }
}

/// Has the methods of a captured value, so that rustc reports only the refusal.
impl<T: 'static> Refused<T> {
    /// The value.
    pub fn take(self, _: &Inputs, _: usize) -> T {
        unreachable!("rustc has refused this value")
    }

    /// The value.
    pub fn take_or_clone(self, inputs: &Inputs, index: usize) -> T {
        self.take(inputs, index)
    }

    /// A reference to the value.
    pub fn borrow(self, inputs: &Inputs, index: usize) -> &T {
        inputs.shared(index)
    }
}

/// Types that can be changed through a `&`, as in programs whose threads share memory.
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
        Capture, Captured, Function, Pointer, Reference, Referent, Refused, SharedState, Unknown,
        Value,
    };
    use crate::base::panics;
    use crate::generated_code::task_value::TaskValue;
    use crate::sys::FunctionAddress;
    use crate::value::codec::encode_as;
    use crate::value::payload::Payload;
    use serde::Serialize;
    use std::any::type_name;
    use std::fmt;

    /// A captured name while its type is probed.
    pub struct Probe<'a, T>(&'a T);

    impl<'a, T> Probe<'a, T> {
        /// Prepares to probe the type of a name.
        pub fn new(name: &'a T) -> Self {
            Self(name)
        }
    }

    impl<T> fmt::Debug for Probe<'_, T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Probe")
        }
    }

    /// Probed before all others: a name that does not exist.
    ///
    /// Rustc has already reported the name, and gives it an error type that matches every implementation. This trait
    /// is found first, so that rustc reports nothing else.
    pub trait ProbeUnknown {
        /// Captures nothing.
        fn probe(&self) -> Captured<Unknown>;
    }

    /// No name has this type.
    enum Nothing {}

    #[allow(
        private_bounds,
        private_interfaces,
        reason = "nobody else may have this type"
    )]
    impl ProbeUnknown for &&&&Probe<'_, Nothing> {
        fn probe(&self) -> Captured<Unknown> {
            match *self.0 {}
        }
    }

    /// Probed first: references.
    pub trait ProbeReference {
        /// The type of the referent.
        type Referent: ?Sized;
        /// Captures the referent.
        fn probe(&self) -> Captured<Reference<Self::Referent>>;
    }

    impl<T: Referent + Serialize + ?Sized> ProbeReference for &&&Probe<'_, &T> {
        type Referent = T;
        fn probe(&self) -> Captured<Reference<T>> {
            Captured::new(encoded::<T>(|| encode_as::<T, T::Owned>(self.0)))
        }
    }

    /// Probed first, too: types that can be changed through a `&`. They are captured like values, but with a warning.
    pub trait ProbeSharedState {
        /// The type of the value.
        type Value: TaskValue;
        /// Captures the value.
        #[deprecated(
            note = "each task gets a copy of this value, so other tasks and the caller do not see its changes; \
                    capture the content, and return new values from tasks"
        )]
        fn probe(&self) -> Captured<Value<Self::Value>>;
    }

    impl<T: SharedState + TaskValue> ProbeSharedState for &&&Probe<'_, T> {
        type Value = T;
        fn probe(&self) -> Captured<Value<T>> {
            Captured::new(encoded::<T>(|| self.0.encode()))
        }
    }

    /// Probed second: serializable values.
    pub trait ProbeValue {
        /// The type of the value.
        type Value: TaskValue;
        /// Captures the value.
        fn probe(&self) -> Captured<Value<Self::Value>>;
    }

    impl<T: TaskValue> ProbeValue for &&Probe<'_, T> {
        type Value = T;
        fn probe(&self) -> Captured<Value<T>> {
            Captured::new(encoded::<T>(|| self.0.encode()))
        }
    }

    /// The bytes of a value, or the reason why it has none, after the name of its type.
    fn encoded<T: ?Sized>(
        encode: impl FnOnce() -> Result<Payload, String>,
    ) -> Result<Payload, String> {
        panics::catch(encode)
            .unwrap_or_else(|kind| Err(format!("its Serialize {kind}")))
            .map_err(|reason| format!("a `{}`: {reason}", type_name::<T>()))
    }

    macro_rules! functions {
        ($($pointer:ident $function:ident($($argument:ident),*);)*) => {$(
            /// Probed third: pointers to functions with this number of arguments.
            pub trait $pointer<$($argument,)* R> {
                /// The type of the pointer.
                type Pointer: Copy;
                /// Captures the pointer.
                fn probe(&self) -> Captured<Pointer<Self::Pointer>>;
            }

            // These bounds hold for `fn` pointers alone. References to `fn` pointers also implement `Fn` and
            // `fmt::Pointer`, so they satisfy the bounds, too, but their address is not in code, and
            // `FunctionAddress::of` refuses it.
            impl<F, $($argument,)* R> $pointer<$($argument,)* R> for &Probe<'_, F>
            where
                F: Copy + Eq + fmt::Pointer + Fn($($argument),*) -> R + 'static,
            {
                type Pointer = F;
                fn probe(&self) -> Captured<Pointer<F>> {
                    let address = FunctionAddress::of(*self.0);
                    Captured::new(address.and_then(|address| address.encode()))
                }
            }

            /// Probed fourth: functions and closures without captures, with this number of arguments.
            pub trait $function<$($argument,)* R> {
                /// The type of the function.
                type Function: Copy;
                /// Captures the function.
                fn probe(&self) -> Captured<Function<Self::Function>>;
            }

            impl<F: Copy + Fn($($argument),*) -> R, $($argument,)* R> $function<$($argument,)* R> for Probe<'_, F> {
                type Function = F;
                fn probe(&self) -> Captured<Function<F>> {
                    // The assertion is here, so that rustc names the closure and shows where the graph captures it.
                    const {
                        assert!(
                            size_of::<F>() == 0,
                            "this closure uses variables from around it, so it cannot be sent to a worker process: \
                             write it inside the task; if a generic function takes it, give that parameter the type `fn(…) -> …`"
                        );
                    }
                    Captured::new(Ok(Payload::Inline(smallvec::SmallVec::new())))
                }
            }
        )*};
    }

    functions! {
        ProbePointer0 ProbeFunction0();
        ProbePointer1 ProbeFunction1(A);
        ProbePointer2 ProbeFunction2(A, B);
        ProbePointer3 ProbeFunction3(A, B, C);
        ProbePointer4 ProbeFunction4(A, B, C, D);
        ProbePointer5 ProbeFunction5(A, B, C, D, E);
        ProbePointer6 ProbeFunction6(A, B, C, D, E, G);
        ProbePointer7 ProbeFunction7(A, B, C, D, E, G, H);
        ProbePointer8 ProbeFunction8(A, B, C, D, E, G, H, I);
        ProbePointer9 ProbeFunction9(A, B, C, D, E, G, H, I, J);
        ProbePointer10 ProbeFunction10(A, B, C, D, E, G, H, I, J, K);
        ProbePointer11 ProbeFunction11(A, B, C, D, E, G, H, I, J, K, L);
        ProbePointer12 ProbeFunction12(A, B, C, D, E, G, H, I, J, K, L, M);
    }

    /// Probed last: types that cannot be captured. The bound [`Capture`] has the message.
    pub trait CaptureByCopy {
        /// The type of the name.
        type Value;
        /// Refuses the name.
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
