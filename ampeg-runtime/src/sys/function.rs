//! Functions without the types of their arguments and results, so that a table can hold many of them.

use super::conjure;
use std::any::Any;
use std::fmt;
use std::rc::Rc;

/// A value of any type, or an error.
type ErasedResult<E> = Result<Rc<dyn Any>, E>;

/// A function from `&I` to a value of any type, or to an error.
pub(crate) struct ErasedFunction<I, E> {
    /// A `fn(W, &I) -> Result<T, E>`.
    function: fn(),
    /// The function that knows `W` and `T`.
    call: unsafe fn(fn(), &I) -> ErasedResult<E>,
}

impl<I, E> Clone for ErasedFunction<I, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I, E> Copy for ErasedFunction<I, E> {}

impl<I, E> ErasedFunction<I, E> {
    /// Erases the types of `function`. The first argument proves that a value of the zero-sized type `W` exists.
    pub(crate) fn of<W: Copy, T: 'static>(_: W, function: fn(W, &I) -> Result<T, E>) -> Self {
        /// # Safety
        ///
        /// `function` must be the one that was passed to `of` with the same `W`, `T`, `I` and `E`.
        unsafe fn call<W: Copy, T: 'static, I, E>(function: fn(), input: &I) -> ErasedResult<E> {
            // SAFETY: the caller vouches for the type of `function`; all pointers to functions are of one size.
            let function =
                unsafe { std::mem::transmute::<fn(), fn(W, &I) -> Result<T, E>>(function) };
            function(conjure(), input).map(|value| Rc::new(value) as Rc<dyn Any>)
        }
        Self {
            // SAFETY: the pointer is never called as a `fn()`, but only after it has its own type again.
            function: unsafe { std::mem::transmute::<fn(W, &I) -> Result<T, E>, fn()>(function) },
            call: call::<W, T, I, E>,
        }
    }

    /// Calls the function; unwinds if the function panics.
    pub(crate) fn call(self, input: &I) -> ErasedResult<E> {
        // SAFETY: `of` is the only maker of an `ErasedFunction`, and pairs both functions by their types.
        unsafe { (self.call)(self.function, input) }
    }
}

impl<I, E> fmt::Debug for ErasedFunction<I, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ErasedFunction")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_of_different_types_share_a_table() {
        #[derive(Clone, Copy)]
        struct Doubled;
        let number = ErasedFunction::<u32, String>::of((Doubled,), |(_,), n| Ok(2 * n));
        let text = ErasedFunction::of((), |(), n: &u32| Ok(n.to_string()));
        let failed = ErasedFunction::of((), |(), n: &u32| Err::<(), _>(format!("not {n}")));
        let table = [number, text, failed];
        assert_eq!(table[0].call(&21).unwrap().downcast_ref(), Some(&42_u32));
        let text = table[1].call(&21).unwrap();
        assert_eq!(text.downcast_ref(), Some(&"21".to_owned()));
        assert_eq!(table[2].call(&21).unwrap_err(), "not 21");
    }
}
