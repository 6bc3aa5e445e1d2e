//! Messages about types that do not read the values that they write.

use super::Fault;

/// Explains the fault of a struct that was read by name, with the field that caused the fault.
#[cold]
pub(super) fn fields(fault: Fault, name: &str, written: &[String], fields: &[&str]) -> Fault {
    let missing = fields
        .iter()
        .find(|&&field| written.iter().all(|other| other != field));
    let extra = written
        .iter()
        .find(|&field| fields.iter().all(|other| other != field));
    let why = match (missing, extra) {
        (None, None) => return fault,
        (Some(field), None) => format!(
            "`{name}` reads its field `{field}` and has not written it (`skip_serializing`, `skip_serializing_if`)"
        ),
        (None, Some(field)) => {
            format!(
                "`{name}` writes its field `{field}` and does not read it (`skip_deserializing`)"
            )
        }
        (Some(field), Some(extra)) => format!(
            "`{name}` writes `{extra}` and reads `{field}` (`skip_serializing`, `skip_deserializing`, or a `rename` of one of the two)"
        ),
    };
    fault.explained(|| why)
}

/// Explains the fault of an enum that does not read one of its own variants.
#[cold]
pub(super) fn variant(fault: Fault, name: &str, variant: &str) -> Fault {
    fault.explained(|| {
        format!(
            "`{name}` writes its variant `{variant}` and does not read it \
             (`skip_deserializing`, or a `rename` of one of the two)"
        )
    })
}

/// The fault of a tuple whose number of fields differs between writing and reading. The missing field is unknown.
#[cold]
pub(super) fn tuple(name: &str, written: usize, read: usize) -> Fault {
    Fault::new(format!(
        "`{name}` writes {written} of its fields and reads {read}; without names, the missing field is unknown \
         (`skip_serializing_if`, or `skip_serializing` or `skip_deserializing` alone)"
    ))
}
