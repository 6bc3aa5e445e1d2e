//! The inputs of one task, and how its body takes them: single results, lists of them, and captures.
//!
//! Values are stored with their types erased, and get their types back here. The macro guarantees that both sides use
//! the same type.

use crate::generated_code::facts::Slot;
use smallvec::SmallVec;
use std::any::Any;
use std::cell::{OnceCell, RefCell};
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;
use std::slice;

/// The values for one task: those of its slots, then its captures.
///
/// A body takes or borrows each slot independently of the others.
#[derive(Debug, Default)]
pub struct Inputs {
    indices: SmallVec<[i64; 2]>,
    values: Values,
    /// For each optional slot 1 if it is present and 0 if not, and the lengths of lists, outer lists first.
    shape: SmallVec<[u32; 4]>,
    /// The positions in `values` and in `shape` where each slot begins; empty if each slot has exactly one value.
    places: Vec<(usize, usize)>,
}

/// Values in the order of the slots, then captures.
pub(crate) type Values = SmallVec<[Input; 2]>;

/// One value: as given, until the body borrows it. Then it is held for as long as the inputs exist.
#[derive(Debug)]
pub(crate) struct Input {
    given: RefCell<Option<Rc<dyn Any>>>,
    held: OnceCell<Option<Rc<dyn Any>>>,
}

impl Input {
    pub(crate) fn new(value: Rc<dyn Any>) -> Self {
        Self {
            given: RefCell::new(Some(value)),
            held: OnceCell::new(),
        }
    }
}

const AGREED: &str = "the macro and the plan agree on the inputs of a task";
const LISTS_AGREED: &str = "the macro and the plan agree on the lists of a task";

impl Inputs {
    /// Inputs in which each slot and each capture has one value.
    pub(crate) fn new(indices: SmallVec<[i64; 2]>, values: Values) -> Self {
        Self {
            indices,
            values,
            ..Self::default()
        }
    }

    /// Inputs in which slots have lists of values, with lengths from `shape`. Each capture has one value.
    pub(crate) fn folded(
        indices: SmallVec<[i64; 2]>,
        values: Values,
        shape: SmallVec<[u32; 4]>,
        slots: &[Slot],
        n_captures: usize,
    ) -> Self {
        let mut lengths = shape.iter();
        let mut value = 0;
        let mut places = Vec::with_capacity(slots.len() + n_captures);
        for slot in slots {
            places.push((value, shape.len() - lengths.len()));
            value += n_values(slot, &mut lengths);
        }
        places.extend((value..value + n_captures).map(|value| (value, shape.len())));
        Self {
            indices,
            values,
            shape,
            places,
        }
    }

    /// The value of one index of the statement.
    pub(crate) fn index(&self, index: usize) -> i64 {
        self.indices[index]
    }

    pub(crate) fn shared<T: 'static>(&self, slot: usize) -> &T {
        self.any(slot).downcast_ref().expect(AGREED)
    }

    /// A reference to the value of a slot with one value.
    pub(crate) fn any(&self, slot: usize) -> &dyn Any {
        let (value, _) = self.place(slot);
        self.held(value)
    }

    fn held(&self, value: usize) -> &dyn Any {
        let input = &self.values[value];
        let held = input.held.get_or_init(|| input.given.take());
        held.as_deref().expect(AGREED)
    }

    /// The value of a slot with one value, which is moved out.
    pub(crate) fn owned_any(&self, slot: usize) -> Rc<dyn Any> {
        let (value, _) = self.place(slot);
        self.values[value].given.take().expect(AGREED)
    }

    pub(crate) fn owned<T: 'static>(&self, slot: usize) -> Rc<T> {
        self.cursor(slot).value()
    }

    fn place(&self, slot: usize) -> (usize, usize) {
        self.places.get(slot).copied().unwrap_or((slot, 0))
    }

    fn cursor(&self, slot: usize) -> Cursor<'_> {
        let (value, shape) = self.place(slot);
        Cursor {
            values: self.values[value..].iter(),
            shape: self.shape[shape..].iter(),
        }
    }

    /// The values of a slot, one after another, by reference.
    pub(crate) fn members(&self, slot: usize, is_optional: bool) -> Members<'_> {
        let (next, shape) = self.place(slot);
        Members {
            inputs: self,
            next,
            shape: self.shape[shape + usize::from(is_optional)..].iter(),
        }
    }

    /// Whether an optional slot is present.
    pub(crate) fn is_present(&self, slot: usize) -> bool {
        let (_, shape) = self.place(slot);
        self.shape.get(shape) == Some(&1)
    }
}

/// The number of values of a slot, which takes its numbers from `shape`.
pub(crate) fn n_values(slot: &Slot, shape: &mut slice::Iter<'_, u32>) -> usize {
    if slot.optional && shape.next() != Some(&1) {
        return 0;
    }
    n_leaves(slot.depth, shape)
}

fn n_leaves(depth: u8, shape: &mut slice::Iter<'_, u32>) -> usize {
    if depth == 0 {
        return 1;
    }
    let length = shape.next().copied().unwrap_or(0);
    if depth == 1 {
        return length as usize;
    }
    (0..length).map(|_| n_leaves(depth - 1, shape)).sum()
}

/// The values that are not taken yet, from one slot on.
pub struct Cursor<'a> {
    values: slice::Iter<'a, Input>,
    shape: slice::Iter<'a, u32>,
}

impl Cursor<'_> {
    fn value<T: 'static>(&mut self) -> Rc<T> {
        self.values
            .next()
            .and_then(|input| input.given.take())
            .and_then(|value| value.downcast().ok())
            .expect(AGREED)
    }

    fn length(&mut self) -> u32 {
        *self.shape.next().expect(LISTS_AGREED)
    }
}

impl fmt::Debug for Cursor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cursor")
    }
}

/// The values of one slot that are not visited yet, by reference.
#[derive(Clone)]
pub struct Members<'a> {
    inputs: &'a Inputs,
    next: usize,
    shape: slice::Iter<'a, u32>,
}

impl<'a> Members<'a> {
    /// The next value.
    pub(crate) fn member(&mut self) -> &'a dyn Any {
        let member = self.inputs.held(self.next);
        self.next += 1;
        member
    }

    /// The length of the list that comes next.
    pub(crate) fn length(&mut self) -> u32 {
        *self.shape.next().expect(LISTS_AGREED)
    }
}

impl fmt::Debug for Members<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Members")
    }
}

macro_rules! witness {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name<T>(PhantomData<fn() -> T>);

        impl<T> Clone for $name<T> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<T> Copy for $name<T> {}

        impl<T> Default for $name<T> {
            fn default() -> Self {
                Self(PhantomData)
            }
        }

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    };
}

witness! {
    /// The type of a task's result, which rustc infers.
    Type
}
witness! {
    /// A list of `T`: several members of a family, in the order of their indices.
    List
}
witness! {
    /// A `T` under a condition.
    Optional
}

/// A result, or lists of them.
pub trait Nest: Copy + Default {
    /// The type of a single result.
    type Leaf: 'static;
    /// The type of the whole: a result, or lists of results.
    type Value;

    /// The value at the cursor. The function `own` makes each result in it owned.
    fn nest(cursor: &mut Cursor<'_>, own: fn(Rc<Self::Leaf>) -> Self::Leaf) -> Self::Value;
}

impl<T: 'static> Nest for Type<T> {
    type Leaf = T;
    type Value = T;

    fn nest(cursor: &mut Cursor<'_>, own: fn(Rc<T>) -> T) -> T {
        own(cursor.value())
    }
}

impl<W: Nest> Nest for List<W> {
    type Leaf = W::Leaf;
    type Value = Vec<W::Value>;

    fn nest(cursor: &mut Cursor<'_>, own: fn(Rc<W::Leaf>) -> W::Leaf) -> Self::Value {
        let length = cursor.length();
        (0..length).map(|_| W::nest(cursor, own)).collect()
    }
}

fn into_inner<T>(value: Rc<T>) -> T {
    Rc::into_inner(value).expect("a dependency that is used once has one owner")
}

impl<T> Type<T> {
    /// A type that rustc infers, or that the user wrote.
    pub fn new() -> Self {
        Self::default()
    }

    /// A list of values of this type.
    pub fn list(self) -> List<Self> {
        List::default()
    }

    /// A value of this type, under a condition.
    pub fn optional(self) -> Optional<Self> {
        Optional::default()
    }
}

/// Types of values of tasks. This trait is implemented once for each type, and twice for `Result`. For `Result`, rustc
/// cannot choose an implementation, so it refuses a task without `?`.
///
/// Rustc checks this bound after it has inferred all types, and the bound does not influence inference. A lint could
/// not do this.
pub trait ValueOf<How> {}

impl<T> ValueOf<IsTheValue> for Type<T> {}

impl<T, E> ValueOf<ForgottenQuestionMark> for Type<Result<T, E>> {}

/// The result itself is the value of the task.
#[derive(Debug)]
pub enum IsTheValue {}

/// The content of the `Result` is the value of the task.
#[derive(Debug)]
pub enum ForgottenQuestionMark {}

impl<T> Type<T> {
    /// Makes rustc refuse a task whose value is a `Result`, unless the user wrote the type.
    ///
    /// Rustc shows the comments in the signature.
    #[rustfmt::skip]
    pub fn is_value<How>(self) // the value of this task is a `Result`: write `?` after it, so that its `Err` fails the task
    where
        Self: ValueOf<How>, // or, if the `Result` itself is meant, write its type: `name: Result<T, E> = ...`
    {
    }
}

impl<T: 'static> Type<T> {
    /// The value of a dependency that has no other use.
    ///
    /// # Panics
    ///
    /// If the value is borrowed elsewhere, which the macro rules out.
    pub fn take(self, inputs: &Inputs, slot: usize) -> T {
        into_inner(inputs.owned(slot))
    }

    /// The value of a dependency: moved at its last use on this worker, otherwise cloned.
    pub fn take_or_clone(self, inputs: &Inputs, slot: usize) -> T
    where
        T: Clone,
    {
        Rc::unwrap_or_clone(inputs.owned(slot))
    }

    /// A reference to the value of a dependency.
    pub fn borrow(self, inputs: &Inputs, slot: usize) -> &T {
        inputs.shared(slot)
    }
}

impl<W> List<W> {
    /// A list of these lists.
    pub fn list(self) -> List<Self> {
        List::default()
    }

    /// This list, under a condition.
    pub fn optional(self) -> Optional<Self> {
        Optional::default()
    }
}

impl<W: Nest> List<W> {
    /// The values of dependencies that have no other uses.
    ///
    /// # Panics
    ///
    /// If one is borrowed elsewhere, which the macro rules out.
    pub fn take(self, inputs: &Inputs, slot: usize) -> Vec<W::Value> {
        Self::nest(&mut inputs.cursor(slot), into_inner)
    }

    /// The values of dependencies: each moved at its last use on this worker, otherwise cloned.
    pub fn take_or_clone(self, inputs: &Inputs, slot: usize) -> Vec<W::Value>
    where
        W::Leaf: Clone,
    {
        Self::nest(&mut inputs.cursor(slot), Rc::unwrap_or_clone)
    }
}

impl<W: Nest> Optional<W> {
    /// The value of a dependency that has no other use, if it is present.
    ///
    /// # Panics
    ///
    /// If one is borrowed elsewhere, which the macro rules out.
    pub fn take(self, inputs: &Inputs, slot: usize) -> Maybe<W::Value> {
        Self::nest(inputs, slot, into_inner)
    }

    /// The value of dependencies, if it is present. Each result is moved at its last use on this worker, otherwise
    /// cloned.
    pub fn take_or_clone(self, inputs: &Inputs, slot: usize) -> Maybe<W::Value>
    where
        W::Leaf: Clone,
    {
        Self::nest(inputs, slot, Rc::unwrap_or_clone)
    }

    fn nest(inputs: &Inputs, slot: usize, own: fn(Rc<W::Leaf>) -> W::Leaf) -> Maybe<W::Value> {
        if !inputs.is_present(slot) {
            return Maybe(None);
        }
        let mut cursor = inputs.cursor(slot);
        cursor.length();
        Maybe(Some(W::nest(&mut cursor, own)))
    }
}

impl<T: 'static> Optional<Type<T>> {
    /// A reference to the value of a dependency, if it is present.
    pub fn borrow(self, inputs: &Inputs, slot: usize) -> Maybe<&T> {
        Maybe::when(inputs.is_present(slot), || inputs.shared(slot))
    }
}

/// A value that a body uses under a condition. The condition was evaluated where the graph is declared.
#[derive(Debug, Clone, Copy)]
pub struct Maybe<V>(Option<V>);

const ABSENT: &str = "a condition in this body has another value than where the graph was declared, \
                      so a dependency is missing: the condition must depend only on indices and captures";

impl<V> Maybe<V> {
    pub(crate) fn when(is_present: bool, value: impl FnOnce() -> V) -> Self {
        Self(is_present.then(value))
    }

    /// The value.
    ///
    /// # Panics
    ///
    /// If the condition has another value now than where the graph was declared.
    #[track_caller]
    pub fn get(self) -> V {
        self.0.expect(ABSENT)
    }

    /// A reference to the value.
    ///
    /// # Panics
    ///
    /// If the condition has another value now than where the graph was declared.
    #[track_caller]
    pub fn get_ref(&self) -> &V {
        self.0.as_ref().expect(ABSENT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smallvec::smallvec;

    fn slot(depth: u8, optional: bool) -> Slot {
        Slot {
            family: 0,
            depth,
            optional,
            branch: false,
            moved: false,
            path: "x",
            parts: &[],
        }
    }

    fn values(values: &[u32]) -> Values {
        let value = |&value: &u32| Input::new(Rc::new(value));
        values.iter().map(value).collect()
    }

    #[test]
    fn slots_fold_into_lists_of_lists() {
        let slots = [slot(0, false), slot(2, false), slot(1, false)];
        let shape = smallvec![3, 2, 0, 1, 2];
        let values = values(&[1, 2, 3, 4, 5, 6, 7]);
        let inputs = Inputs::folded(SmallVec::new(), values, shape, &slots, 1);
        let one = Type::<u32>::new();
        let lists = one.list().list().take(&inputs, 1);
        assert_eq!(lists, [vec![2, 3], vec![], vec![4]]);
        assert_eq!(one.list().take_or_clone(&inputs, 2), [5, 6]);
        assert_eq!(*one.borrow(&inputs, 0), 1);
        assert_eq!(*one.borrow(&inputs, 3), 7, "the capture");
    }

    #[test]
    fn absent_slot_takes_no_value() {
        let slots = [slot(0, true), slot(0, true), slot(1, true), slot(1, true)];
        let shape = smallvec![0, 1, 1, 2, 0];
        let inputs = Inputs::folded(SmallVec::new(), values(&[1, 2, 3]), shape, &slots, 0);
        let one = Type::<u32>::new();
        assert_eq!(**one.optional().borrow(&inputs, 1).get_ref(), 1);
        assert_eq!(one.list().optional().take(&inputs, 2).get(), [2, 3]);
        for slot in [0, 3] {
            assert!(one.optional().take(&inputs, slot).0.is_none());
        }
        assert!(one.optional().borrow(&inputs, 0).0.is_none());
    }

    #[test]
    fn values_that_others_hold_are_cloned() {
        let held = [Rc::new(1_u32), Rc::new(2)];
        let values = held
            .iter()
            .map(|value| Input::new(Rc::clone(value) as Rc<dyn Any>));
        let shape = smallvec![2];
        let inputs = Inputs::folded(
            SmallVec::new(),
            values.collect(),
            shape,
            &[slot(1, false)],
            0,
        );
        let list = Type::<u32>::new().list().take_or_clone(&inputs, 0);
        assert_eq!(list, [1, 2]);
        assert!(held.iter().all(|value| Rc::strong_count(value) == 1));
    }

    #[test]
    #[should_panic(expected = "has another value")]
    fn taking_an_absent_value_panics_with_the_reason() {
        let shape = smallvec![0];
        let inputs = Inputs::folded(SmallVec::new(), Values::new(), shape, &[slot(0, true)], 0);
        Type::<u32>::new().optional().take(&inputs, 0).get();
    }
}
