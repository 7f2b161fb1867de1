//! Which device codes were decided, as the nodes of one PostgreSQL database tell each other: by a
//! notification that leaves with the commit, and costs the job no wait.
//!
//! Nobody relies on it. A notification that is lost, because a connection broke or too many came at
//! once, makes whoever waits for a code see its decision by looking. The payload holds the hash of a
//! device code, which redeems nothing.
//!
//! <https://www.postgresql.org/docs/current/sql-notify.html>

use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::hex;
use tokio::sync::broadcast::{self, error::RecvError};

/// So many wait to be heard; of more, the oldest are lost.
const MOST: usize = 256;
/// What the payload of such a notification begins with; the others tell of revocations.
const PREFIX: &str = "dev:";

/// Hears of device codes that were decided, at this node or another.
#[derive(Debug)]
pub struct DeviceNews(broadcast::Receiver<SecretHash>);

impl DeviceNews {
    /// The hash of the next device code that was decided; `None` when the store has closed.
    pub async fn next(&mut self) -> Option<SecretHash> {
        loop {
            match self.0.recv().await {
                Ok(code) => return Some(code),
                Err(RecvError::Lagged(lost)) => {
                    tracing::debug!(lost, "news of device codes came too fast");
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

/// Where the news comes in.
#[derive(Clone, Debug)]
pub(crate) struct DeviceNewsSender(broadcast::Sender<SecretHash>);

impl Default for DeviceNewsSender {
    fn default() -> Self {
        Self(broadcast::Sender::new(MOST))
    }
}

impl DeviceNewsSender {
    /// Takes the payload of a notification; whether it tells of a device code.
    pub(crate) fn take(&self, payload: &str) -> bool {
        let Some(code) = payload.strip_prefix(PREFIX) else {
            return false;
        };
        // Whoever may log in to the database may say anything there: what is no hash wakes nobody.
        if let Some(hash) = hex::decode(code) {
            // Nobody may be listening.
            let _: Result<usize, _> = self.0.send(SecretHash::from_bytes(hash));
        }
        true
    }

    pub(crate) fn subscribe(&self) -> DeviceNews {
        DeviceNews(self.0.subscribe())
    }
}

/// The payload that tells of a device code.
pub(crate) fn payload(code: &SecretHash) -> String {
    format!("{PREFIX}{}", hex::encode(code.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(number: u8) -> SecretHash {
        SecretHash::from_bytes([number; 32])
    }

    #[tokio::test]
    async fn what_one_node_says_the_others_hear() {
        let sender = DeviceNewsSender::default();
        let mut news = sender.subscribe();
        assert!(sender.take(&payload(&code(7))));
        assert_eq!(news.next().await, Some(code(7)));
        drop(sender);
        assert_eq!(news.next().await, None);
    }

    #[tokio::test]
    async fn what_is_no_device_code_wakes_nobody() {
        let sender = DeviceNewsSender::default();
        let mut news = sender.subscribe();
        for other in ["revoked", "", "dev", "key:1"] {
            assert!(!sender.take(other), "{other}");
        }
        let long = format!("{}00", payload(&code(1)));
        for broken in ["dev:", "dev:00", "dev:zz", "dev:é", &long] {
            assert!(sender.take(broken), "{broken}");
        }
        sender.take(&payload(&code(2)));
        assert_eq!(news.next().await, Some(code(2)));
    }

    #[tokio::test]
    async fn too_much_news_loses_the_oldest_and_goes_on() {
        let sender = DeviceNewsSender::default();
        let mut news = sender.subscribe();
        for _ in 0..=MOST {
            sender.take(&payload(&code(1)));
        }
        sender.take(&payload(&code(2)));
        let mut heard = 0;
        while news.next().await != Some(code(2)) {
            heard += 1;
        }
        assert!(heard < MOST, "{heard}");
    }
}
