//! Whether a session can be kept: one that is none is written, read, locked and removed.

use hallpass_client::{
    LockAttempt, Scopes, Secret, SessionKey, SessionRecord, Timestamp, TokenStore, TokenType,
};

use super::check::Check;
use crate::failure::Failure;
use crate::profile::Profile;

/// Tries the store of a profile.
pub(super) fn look(profile: &Profile) -> Vec<Check> {
    let store = match profile.store() {
        Ok(store) => store,
        Err(failure) => return vec![broken("store", &failure)],
    };
    let key = SessionKey::new("https://doctor.invalid", "hallpass-doctor");
    let round_trip = round_trip(store.as_ref(), &key);
    let lock = lock(store.as_ref(), &key);
    let info = store.describe();
    let mut checks = vec![match round_trip {
        Ok(()) => Check::pass("store", format!("{}: {}", info.kind, info.place)),
        Err(failure) => broken("store", &failure),
    }];
    if let Some(notice) = store.take_notice() {
        checks.push(Check::warn("keychain", notice));
    } else {
        checks.push(match (info.key, info.is_encrypted) {
            (Some("keyring"), _) => Check::pass("keychain", "holds the key of the sessions"),
            (Some(other), _) => {
                Check::skip("keychain", format!("not used; the key is from the {other}"))
            }
            (None, true) => Check::skip("keychain", "not used"),
            (None, false) => Check::warn("keychain", "not used; sessions are not encrypted")
                .hint("--store keyring, or --store sealed with HALLPASS_PASSPHRASE_FILE"),
        });
    }
    checks.push(match lock {
        Ok(()) => Check::pass("lock", "holds other processes off"),
        Err(failure) => broken("lock", &failure),
    });
    checks.push(session(profile, store.as_ref()));
    checks
}

/// The profile's own session, as far as this machine knows.
fn session(profile: &Profile, store: &dyn TokenStore) -> Check {
    let Some(key) = profile.session_key() else {
        return Check::skip("session", "no server and client yet");
    };
    match store.load(&key) {
        Ok(None) => Check::skip("session", "nobody is signed in"),
        Ok(Some(found)) if found.value.reauth_required => Check::warn("session", "it has ended")
            .hint(format!("run `{}`", profile.login_command())),
        Ok(Some(found)) => Check::pass(
            "session",
            if found.value.refresh_token.is_some() {
                "renews itself"
            } else {
                "ends with its token"
            },
        ),
        Err(error) => broken("session", &error.into()),
    }
}

fn round_trip(store: &dyn TokenStore, key: &SessionKey) -> Result<(), Failure> {
    store.prepare()?;
    let old = store.load(key)?.map(|found| found.generation);
    store.compare_and_swap(key, old, &probe())?;
    let found = store.load(key)?;
    let token = found.and_then(|found| found.value.access_token);
    store.remove(key)?;
    if token.is_some_and(|token| token.expose() == PROBE) {
        return Ok(());
    }
    Err(Failure::store("what was written does not come back"))
}

fn lock(store: &dyn TokenStore, key: &SessionKey) -> Result<(), Failure> {
    let LockAttempt::Locked(held) = store.try_lock(key)? else {
        return Err(Failure::store(
            "another process holds a lock that only this command takes",
        ));
    };
    let second = store.try_lock(key)?;
    drop(held);
    match second {
        LockAttempt::Busy(_) => Ok(()),
        LockAttempt::Locked(_) => Err(Failure::store(
            "two holders at once: the file system does not lock",
        )
        .hint_to("keep the state on a local disk: HALLPASS_HOME")),
    }
}

/// A session that nobody signed in to.
fn probe() -> SessionRecord {
    SessionRecord {
        token_endpoint: "https://doctor.invalid/token".to_owned(),
        access_token: Some(Secret::from(PROBE)),
        token_type: TokenType::Bearer,
        dpop_key: None,
        refresh_token: None,
        id_token: None,
        claims: None,
        identity: None,
        asked: Scopes::default(),
        resource: Vec::new(),
        audience: Vec::new(),
        scope: Scopes::default(),
        expires_at: None,
        lifetime: None,
        server_ahead: 0,
        signed_in_at: Timestamp::from_unix_seconds(0),
        reauth_required: false,
        intent: None,
        registration: None,
    }
}

fn broken(id: &'static str, failure: &Failure) -> Check {
    let check = Check::fail(id, failure.message());
    match failure.hint() {
        Some(hint) => check.hint(hint),
        None => check,
    }
}

const PROBE: &str = "hallpass-doctor-probe";
