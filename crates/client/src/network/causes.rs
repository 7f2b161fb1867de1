//! The reasons below an error of the network.

use std::error::Error as StdError;
use std::io;

/// An error's causes, the nearest first. `io::Error` leaves out what it holds when it is asked for its
/// source, and TLS puts one into another: here, what it holds counts.
pub(super) fn causes(error: &dyn StdError) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(error.source(), |cause| below(*cause))
}

fn below<'a>(cause: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    let held = cause.downcast_ref().and_then(io::Error::get_ref);
    match held {
        Some(held) => Some(held),
        None => cause.source(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("no connection")]
    struct Connection(#[source] io::Error);

    #[test]
    fn what_an_io_error_holds_is_a_cause() {
        let inner = io::Error::new(io::ErrorKind::InvalidData, "certificate");
        let connection = Connection(io::Error::other(io::Error::other(inner)));
        let kinds: Vec<_> = causes(&connection)
            .filter_map(|cause| cause.downcast_ref::<io::Error>())
            .map(io::Error::kind)
            .collect();
        let (other, data) = (io::ErrorKind::Other, io::ErrorKind::InvalidData);
        assert_eq!(kinds, [other, other, data]);
    }
}
