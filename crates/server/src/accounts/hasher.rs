//! Hashes passwords, slowly, on threads of their own: so many at once, so many waiting, then 503.
//!
//! Argon2id, RFC 9106: <https://www.rfc-editor.org/rfc/rfc9106>

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::{Algorithm, Argon2, Params, Version};
use hallpass_issuer::factors::password::{Cost, PasswordHash};
use hallpass_protocol::Secret;
use hallpass_protocol::random::{self, Random};
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;

use super::error::AccountError;
use crate::error::Fault;

/// So many may wait for their turn.
const LONGEST_QUEUE: usize = 200;

/// The pool.
#[derive(Debug)]
pub(crate) struct Hasher {
    cost: Cost,
    turns: Arc<Semaphore>,
    inside: AtomicUsize,
    most_inside: usize,
    /// Compared with the guesses at accounts that are not there, so that these take as long.
    nobody: PasswordHash,
}

impl Hasher {
    /// A pool with two turns for each core.
    pub(crate) fn new(cost: Cost, random: &dyn Random) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self::with_turns(cost, 2 * cores, random)
    }

    fn with_turns(cost: Cost, turns: usize, random: &dyn Random) -> Self {
        Self {
            cost,
            turns: Arc::new(Semaphore::new(turns)),
            inside: AtomicUsize::new(0),
            most_inside: turns + LONGEST_QUEUE,
            nobody: PasswordHash {
                cost,
                salt: random::bytes::<16>(random).to_vec(),
                // No input is known to have this output.
                hash: random::bytes::<32>(random).to_vec(),
            },
        }
    }

    /// Hashes a new password.
    pub(crate) async fn hash(
        &self,
        password: Secret<String>,
        random: &dyn Random,
    ) -> Result<PasswordHash, AccountError> {
        let blank = PasswordHash {
            cost: self.cost,
            salt: random::bytes::<16>(random).to_vec(),
            hash: vec![0; 32],
        };
        let hash = self.run(password, blank.clone()).await?;
        Ok(PasswordHash { hash, ..blank })
    }

    /// Whether a password is the one of a hash. Without a hash it is none, after the same work.
    pub(crate) async fn verify(
        &self,
        password: Secret<String>,
        hash: Option<&PasswordHash>,
    ) -> Result<bool, AccountError> {
        let expected = hash.unwrap_or(&self.nobody).clone();
        let found = self.run(password, expected.clone()).await?;
        let is_equal = bool::from(found.ct_eq(&expected.hash));
        Ok(is_equal && hash.is_some())
    }

    /// Whether a hash costs a guesser what new ones cost.
    pub(crate) fn is_current(&self, hash: &PasswordHash) -> bool {
        hash.cost == self.cost
    }

    async fn run(
        &self,
        password: Secret<String>,
        like: PasswordHash,
    ) -> Result<Vec<u8>, AccountError> {
        let _place = self.enter().ok_or(AccountError::Busy)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| AccountError::Busy)?;
        let hashed = tokio::task::spawn_blocking(move || {
            // The turn ends with the work, also when nobody waits for it any more.
            let _turn = turn;
            derive(&password, &like)
        });
        if let Ok(Some(hash)) = hashed.await {
            return Ok(hash);
        }
        tracing::error!("a password could not be hashed");
        Err(AccountError::Busy)
    }

    fn enter(&self) -> Option<Place<'_>> {
        let place = Place(&self.inside);
        let others = self.inside.fetch_add(1, Ordering::AcqRel);
        (others < self.most_inside).then_some(place)
    }
}

/// A place in the queue, which is free again when this goes.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn derive(password: &Secret<String>, like: &PasswordHash) -> Option<Vec<u8>> {
    let Cost {
        memory_kib,
        passes,
        lanes,
    } = like.cost;
    let params = Params::new(memory_kib, passes, lanes, Some(like.hash.len())).ok()?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut hash = vec![0; like.hash.len()];
    argon2
        .hash_password_into(password.expose().as_bytes(), &like.salt, &mut hash)
        .ok()?;
    Some(hash)
}

impl From<AccountError> for Fault {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Store(error) => error.into(),
            AccountError::Busy => Self::passing("too many passwords are being hashed"),
            other => Self::new(&other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use hallpass_protocol::random::SystemRandom;

    use super::*;

    const CHEAP: Cost = Cost {
        memory_kib: 8,
        passes: 1,
        lanes: 1,
    };

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[tokio::test]
    async fn s_12_a_guess_at_nobody_is_hashed_like_one_at_somebody() {
        let hasher = Hasher::with_turns(CHEAP, 1, &SystemRandom);
        let password = secret("engines of analysis");
        let somebody = hasher.hash(password, &SystemRandom).await.unwrap();
        // What Argon2 is given decides what it costs: all but the values is the same.
        assert_eq!(hasher.nobody.cost, somebody.cost);
        assert_eq!(hasher.nobody.salt.len(), somebody.salt.len());
        assert_eq!(hasher.nobody.hash.len(), somebody.hash.len());
    }

    #[tokio::test]
    async fn only_the_password_itself_verifies() {
        let hasher = Hasher::new(CHEAP, &SystemRandom);
        let hash = hasher.hash(secret("right"), &SystemRandom).await.unwrap();
        let again = hasher.hash(secret("right"), &SystemRandom).await.unwrap();
        assert_ne!(hash, again, "two equal passwords look alike");
        for (password, expected) in [("right", true), ("Right", false), ("", false)] {
            let answer = hasher.verify(secret(password), Some(&hash)).await;
            assert_eq!(answer, Ok(expected), "{password}");
        }
        assert_eq!(hasher.verify(secret("right"), None).await, Ok(false));
    }

    /// RFC 9106 has vectors with a secret and associated data only; this one is of the reference
    /// implementation's own tests.
    #[tokio::test]
    async fn a_hash_of_the_reference_implementation_verifies() {
        let hash: PasswordHash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$\
            CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
            .parse()
            .unwrap();
        let hasher = Hasher::new(CHEAP, &SystemRandom);
        assert!(!hasher.is_current(&hash));
        assert_eq!(
            hasher.verify(secret("password"), Some(&hash)).await,
            Ok(true)
        );
    }

    #[tokio::test]
    async fn beyond_the_queue_nobody_waits() {
        let hasher = Hasher::with_turns(CHEAP, 1, &SystemRandom);
        let turn = hasher.turns.acquire().await.unwrap();
        let mut waiting: Vec<_> = (0..=LONGEST_QUEUE)
            .map(|_| Box::pin(hasher.verify(secret("x"), None)))
            .collect();
        for guess in &mut waiting {
            // One look takes the place in the queue.
            assert!(futures_poll(guess.as_mut()).await.is_none());
        }
        let one_more = hasher.verify(secret("x"), None).await;
        assert_eq!(one_more, Err(AccountError::Busy));
        // Whoever gives up leaves a place.
        drop(waiting.pop());
        drop(turn);
        for guess in waiting {
            assert_eq!(guess.await, Ok(false));
        }
        assert_eq!(hasher.verify(secret("x"), None).await, Ok(false));
    }

    async fn futures_poll<F: Future>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(match future.as_mut().poll(context) {
                std::task::Poll::Ready(output) => Some(output),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }
}
