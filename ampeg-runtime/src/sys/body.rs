//! Bodies of tasks, with their types forgotten, so that a table can hold all those of a graph.

use super::conjure;
use crate::failure::Failure;
use crate::inputs::Inputs;
use std::any::Any;
use std::fmt;
use std::rc::Rc;

/// How a body ended.
type BodyResult = Result<Rc<dyn Any>, Failure>;

/// The body of one statement.
#[derive(Clone, Copy)]
pub(crate) struct Body {
    /// A `fn(W, &Inputs) -> Result<T, Failure>`.
    body: fn(),
    /// The function that knows `W` and `T`.
    run: unsafe fn(fn(), &Inputs) -> BodyResult,
}

impl Body {
    /// A body that takes witnesses without size of the types `W`, of which one is at hand.
    pub(crate) fn of<W: Copy, T: 'static>(
        _: W,
        body: fn(W, &Inputs) -> Result<T, Failure>,
    ) -> Self {
        /// # Safety
        ///
        /// `body` must be what `of` was given for the same `W` and `T`.
        unsafe fn run<W: Copy, T: 'static>(body: fn(), inputs: &Inputs) -> BodyResult {
            // SAFETY: the caller vouches for the type of `body`; all pointers to functions are of one size.
            let body =
                unsafe { std::mem::transmute::<fn(), fn(W, &Inputs) -> Result<T, Failure>>(body) };
            body(conjure(), inputs).map(|value| Rc::new(value) as Rc<dyn Any>)
        }
        Self {
            // SAFETY: it is never called as a `fn()`, only after it has got its own type back.
            body: unsafe {
                std::mem::transmute::<fn(W, &Inputs) -> Result<T, Failure>, fn()>(body)
            },
            run: run::<W, T>,
        }
    }

    /// Runs it on its inputs; unwinds if it panics.
    pub(crate) fn run(self, inputs: &Inputs) -> BodyResult {
        // SAFETY: `of` is the only maker of a `Body`, and pairs both functions by their types.
        unsafe { (self.run)(self.body, inputs) }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::{Input, Type};
    use smallvec::smallvec;

    #[test]
    fn bodies_of_different_types_share_a_table() {
        let one = Type::<u32>::new();
        let numbers = Body::of((one,), |(one,), inputs| Ok(one.take(inputs, 0) + 1));
        let texts = Body::of((), |(), _| Ok("text".to_owned()));
        let table = [numbers, texts];
        let inputs = Inputs::new(smallvec![], smallvec![Input::new(Rc::new(41_u32))]);
        let number = table[0].run(&inputs).unwrap();
        assert_eq!(number.downcast_ref(), Some(&42_u32));
        let text = table[1].run(&Inputs::default()).unwrap();
        assert_eq!(text.downcast_ref(), Some(&"text".to_owned()));
    }
}
