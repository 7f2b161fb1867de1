//! Lines from standard input, awaited without a thread that would swallow what comes after the sign-in.

use std::io;
#[cfg(unix)]
use std::io::BufRead as _;
use std::sync::Mutex;
#[cfg(unix)]
use std::sync::PoisonError;

/// Longer lines are cut: no address is as long.
#[cfg(unix)]
const LONGEST_LINE: usize = 64 * 1024;

/// Standard input, line by line.
#[derive(Debug, Default)]
pub(super) struct Keyboard(Mutex<Vec<u8>>);

/// What one look at standard input brought.
#[cfg(unix)]
enum Look {
    Line(String),
    More,
    End,
}

impl Keyboard {
    /// The next line, without its end. Dropping the future loses nothing.
    #[cfg(unix)]
    pub(super) async fn line(&self) -> Option<String> {
        use tokio::io::Interest;
        use tokio::io::unix::AsyncFd;

        let kept = take_line(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if kept.is_some() {
            return kept;
        }
        #[expect(
            deprecated,
            reason = "its successor is `unsafe` for handles that may be closed; standard input is not"
        )]
        let Ok(input) = AsyncFd::with_interest(io::stdin(), Interest::READABLE) else {
            // A file or `/dev/null`: reading does not wait.
            return self.rest();
        };
        loop {
            let mut ready = input.readable().await.ok()?;
            if !is_in_foreground() {
                // What is typed now is for another program; reading it would stop this one.
                ready.clear_ready();
                tokio::time::sleep(super::prompt::TICK).await;
                continue;
            }
            match self.look() {
                Look::Line(line) => return Some(line),
                Look::More => ready.clear_ready(),
                Look::End => return None,
            }
        }
    }

    /// The next line, without its end.
    #[cfg(not(unix))]
    pub(super) async fn line(&self) -> Option<String> {
        let read = tokio::task::spawn_blocking(|| {
            let mut line = String::new();
            let read = io::stdin().read_line(&mut line);
            read.is_ok_and(|read| read > 0).then_some(line)
        });
        read.await
            .ok()
            .flatten()
            .map(|line| line.trim_end_matches(['\r', '\n']).to_owned())
    }

    #[cfg(unix)]
    fn rest(&self) -> Option<String> {
        loop {
            match self.look() {
                Look::Line(line) => return Some(line),
                Look::More => {}
                Look::End => return None,
            }
        }
    }

    #[cfg(unix)]
    fn look(&self) -> Look {
        let mut partial = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = take_line(&mut partial) {
            return Look::Line(line);
        }
        let mut input = io::stdin().lock();
        let read = match input.fill_buf() {
            Ok(bytes) if !bytes.is_empty() => {
                let room = LONGEST_LINE.saturating_sub(partial.len());
                // The end of a line is kept even where its middle is cut.
                partial.extend(
                    bytes
                        .iter()
                        .enumerate()
                        .filter_map(|(at, byte)| (at < room || *byte == b'\n').then_some(*byte)),
                );
                bytes.len()
            }
            _ => return Look::End,
        };
        input.consume(read);
        take_line(&mut partial).map_or(Look::More, Look::Line)
    }
}

#[cfg(unix)]
fn take_line(partial: &mut Vec<u8>) -> Option<String> {
    let end = partial.iter().position(|byte| *byte == b'\n')?;
    let line: Vec<u8> = partial.drain(..=end).collect();
    let line = String::from_utf8_lossy(&line);
    Some(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Whether the terminal is ours to read. Elsewhere than on Linux it is taken to be.
#[cfg(unix)]
fn is_in_foreground() -> bool {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else {
        return true;
    };
    // proc(5): behind the name in parentheses come state, ppid, pgrp, session, tty_nr, tpgid.
    let fields: Vec<_> = stat
        .rsplit_once(')')
        .map(|(_, rest)| rest.split_ascii_whitespace().collect())
        .unwrap_or_default();
    match (fields.get(2), fields.get(5)) {
        (Some(group), Some(foreground)) => group == foreground || *foreground == "-1",
        _ => true,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn lines_come_one_by_one_and_a_half_one_waits() {
        let mut kept = b"one\r\ntwo\nthr".to_vec();
        assert_eq!(take_line(&mut kept).as_deref(), Some("one"));
        assert_eq!(take_line(&mut kept).as_deref(), Some("two"));
        assert_eq!(take_line(&mut kept), None);
        assert_eq!(kept, b"thr");
    }
}
