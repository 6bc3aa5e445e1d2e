//! Types that are encoded as their bytes: numbers, strings, and vectors of numbers.

use crate::sys;
use crate::sys::resources;
use std::any::Any;

macro_rules! numbers {
    ($visit:ident) => {
        $visit!(u8 i8 u16 i16 u32 i32 u64 i64 u128 i128 usize isize f32 f64)
    };
}

const WRONG_LENGTH: &str = "the bytes end too early";

/// The bytes of a value of one of these types. The compiler evaluates the comparisons of types.
pub(super) fn bytes<T: 'static>(value: &T) -> Option<&[u8]> {
    let value: &dyn Any = value;
    if let Some(text) = value.downcast_ref::<String>() {
        return Some(text.as_bytes());
    }
    macro_rules! visit {
        ($($number:ty)*) => {
            $(if let Some(number) = value.downcast_ref::<$number>() {
                return Some(bytemuck::bytes_of(number));
            }
            if let Some(numbers) = value.downcast_ref::<Vec<$number>>() {
                return Some(bytemuck::cast_slice(numbers));
            })*
        };
    }
    numbers!(visit);
    None
}

/// The bytes of a slice of numbers.
pub(super) fn slice_bytes<T: 'static>(slice: &[T]) -> Option<&[u8]> {
    macro_rules! visit {
        ($($number:ty)*) => {
            $(if let Some(numbers) = sys::slice_of::<T, $number>(slice) {
                return Some(bytemuck::cast_slice(numbers));
            })*
        };
    }
    numbers!(visit);
    None
}

/// The value with these bytes, if its type is one of these types.
pub(super) fn value<T: 'static>(bytes: &[u8]) -> Option<Result<T, String>> {
    let mut place: Option<T> = None;
    let slot: &mut dyn Any = &mut place;
    if let Some(slot) = slot.downcast_mut::<Option<String>>() {
        match copied(bytes).map(String::from_utf8) {
            Ok(Ok(text)) => *slot = Some(text),
            Ok(Err(error)) => return Some(Err(error.to_string())),
            Err(reason) => return Some(Err(reason)),
        }
    }
    macro_rules! visit {
        ($($number:ty)*) => {
            $(if let Some(slot) = slot.downcast_mut::<Option<$number>>() {
                match bytemuck::try_pod_read_unaligned(bytes) {
                    Ok(number) => *slot = Some(number),
                    Err(_) => return Some(Err(WRONG_LENGTH.into())),
                }
            }
            if let Some(slot) = slot.downcast_mut::<Option<Vec<$number>>>() {
                match copied(bytes) {
                    Ok(numbers) => *slot = Some(numbers),
                    Err(reason) => return Some(Err(reason)),
                }
            })*
        };
    }
    numbers!(visit);
    place.map(Ok)
}

fn copied<N: bytemuck::Pod>(bytes: &[u8]) -> Result<Vec<N>, String> {
    if !bytes.len().is_multiple_of(size_of::<N>()) {
        return Err(WRONG_LENGTH.into());
    }
    Ok(match bytemuck::try_cast_slice(bytes) {
        Ok(numbers) => {
            let mut copied = Vec::new();
            // The caller receives all outputs of a run, and must get an error instead of an abort if memory is
            // exhausted.
            copied
                .try_reserve_exact(numbers.len())
                .map_err(|_| resources::no_memory(bytes.len()))?;
            copied.extend_from_slice(numbers);
            copied
        }
        Err(_) => bytemuck::pod_collect_to_vec(bytes),
    })
}
