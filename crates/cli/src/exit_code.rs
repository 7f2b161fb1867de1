//! The exit codes, one table: 0, 1 and 4 agree with `gh`.

/// One row of the table.
pub(crate) struct ExitCode {
    /// The number, or the numbers.
    pub(crate) code: &'static str,
    /// What it means.
    pub(crate) meaning: &'static str,
    /// When trying again can help; empty when it cannot.
    pub(crate) retry: &'static str,
}

/// Anything that has no code of its own.
pub(crate) const OTHER: u8 = 1;
/// The command line was not understood.
pub(crate) const USAGE: u8 = 2;
/// A person has to sign in.
pub(crate) const LOGIN_REQUIRED: u8 = 4;
/// The configuration does not allow it.
pub(crate) const CONFIG: u8 = 5;
/// The server or the network does not answer.
pub(crate) const UNAVAILABLE: u8 = 7;
/// Files of ours cannot be read or written.
pub(crate) const STORE: u8 = 9;
/// Ctrl-C, as shells count it: 128 + SIGINT.
pub(crate) const INTERRUPTED: u8 = 130;

/// Every code, for `hallpass help exit-codes`.
pub(crate) const TABLE: [ExitCode; 13] = [
    row("0", "ok", ""),
    row(
        "1",
        "other failure (the server said no, or a fault of ours)",
        "",
    ),
    row("2", "usage error", ""),
    row("3", "cancelled or denied by the person", ""),
    row(
        "4",
        "sign-in required (no session, or nobody there to sign in)",
        "after `hallpass login`",
    ),
    row(
        "5",
        "configuration error (unknown profile, bad TOML, metadata unusable)",
        "",
    ),
    row("6", "timed out waiting for the person", "at once"),
    row(
        "7",
        "server or network unavailable; the session is kept",
        "later",
    ),
    row(
        "8",
        "security check failed (state, iss, nonce, signature, TLS)",
        "never; report it",
    ),
    row("9", "store or lock failure", "see the hint"),
    row("10", "token valid, but lacks a scope", ""),
    row(
        "126, 127, 128+n",
        "`exec`: cannot run, not found, child killed by signal n",
        "",
    ),
    row("130", "Ctrl-C", ""),
];

const fn row(code: &'static str, meaning: &'static str, retry: &'static str) -> ExitCode {
    ExitCode {
        code,
        meaning,
        retry,
    }
}
