//! The keychain of the desktop: macOS Keychain, Windows Credential Manager, Secret Service.
//!
//! It keeps keys of 32 bytes and nothing else, because some keychains take no more than 2.5 kB.
//! <https://specifications.freedesktop.org/secret-service/latest/>

use std::fmt;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use hallpass_protocol::Secret;

use super::store_error::StoreError;

/// Keeps small secrets by name.
pub(super) trait Keychain: fmt::Debug + Send + Sync {
    /// The secret of that name; `None` when there is none.
    fn get(&self, name: &str) -> Result<Option<Secret<Vec<u8>>>, StoreError>;

    /// Keeps a secret.
    fn set(&self, name: &str, secret: &[u8]) -> Result<(), StoreError>;

    /// Forgets a secret.
    fn forget(&self, name: &str) -> Result<(), StoreError>;
}

/// The keychain of this machine. Each call opens it anew, and has two seconds.
#[derive(Debug)]
pub(super) struct SystemKeychain {
    service: String,
}

impl SystemKeychain {
    /// `service` is how people find the entries in their keychain program.
    pub(super) fn new(service: impl Into<String>) -> Self {
        Self {
            service: service.into(),
        }
    }
}

impl Keychain for SystemKeychain {
    fn get(&self, name: &str) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
        let (service, name) = (self.service.clone(), name.to_owned());
        within_limit(move || system::get(&service, &name))
    }

    fn set(&self, name: &str, secret: &[u8]) -> Result<(), StoreError> {
        let (service, name) = (self.service.clone(), name.to_owned());
        let secret = Secret::new(secret.to_vec());
        within_limit(move || system::set(&service, &name, &secret))
    }

    fn forget(&self, name: &str) -> Result<(), StoreError> {
        let (service, name) = (self.service.clone(), name.to_owned());
        within_limit(move || system::forget(&service, &name))
    }
}

/// Does the work on a thread of its own: a keychain that hangs, or waits for somebody to unlock it,
/// is left behind.
fn within_limit<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, StoreError> {
    let (sender, receiver) = channel();
    let thread = std::thread::Builder::new().name("keychain".to_owned());
    // The receiver is gone when the time is up; nobody wants the answer then.
    let started = thread.spawn(move || drop(sender.send(work())));
    let done = match started {
        Ok(_) => receiver.recv_timeout(LIMIT).map_err(|error| match error {
            RecvTimeoutError::Timeout => {
                format!("no answer within {} s: locked, or stuck", LIMIT.as_secs())
            }
            RecvTimeoutError::Disconnected => "it stopped".to_owned(),
        }),
        Err(error) => Err(error.to_string()),
    };
    done.flatten().map_err(|reason| StoreError::Keychain {
        reason: crate::clean::text(&reason),
    })
}

/// How long one call may take.
const LIMIT: Duration = Duration::from_secs(2);

#[cfg(any(target_os = "macos", windows, feature = "secret-service"))]
mod system {
    use hallpass_protocol::Secret;
    use keyring_core::api::CredentialStoreApi as _;
    use keyring_core::{Entry, Error};

    #[cfg(target_os = "macos")]
    use apple_native_keyring_store::keychain::Store;
    #[cfg(windows)]
    use windows_native_keyring_store::Store;
    #[cfg(not(any(target_os = "macos", windows)))]
    use zbus_secret_service_keyring_store::Store;

    pub(super) fn get(service: &str, name: &str) -> Result<Option<Secret<Vec<u8>>>, String> {
        match entry(service, name)?.get_secret() {
            Ok(secret) => Ok(Some(Secret::new(secret))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(reason(&error)),
        }
    }

    pub(super) fn set(service: &str, name: &str, secret: &Secret<Vec<u8>>) -> Result<(), String> {
        entry(service, name)?
            .set_secret(secret.expose())
            .map_err(|error| reason(&error))
    }

    pub(super) fn forget(service: &str, name: &str) -> Result<(), String> {
        match entry(service, name)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(reason(&error)),
        }
    }

    fn entry(service: &str, name: &str) -> Result<Entry, String> {
        #[cfg(not(any(target_os = "macos", windows)))]
        super::bus::is_there()?;
        let store = Store::new().map_err(|error| reason(&error))?;
        store
            .build(service, name, None)
            .map_err(|error| reason(&error))
    }

    /// Never the error's `Debug`: it can hold what was read.
    fn reason(error: &Error) -> String {
        match error {
            Error::NoStorageAccess(cause) => format!("locked: {cause}"),
            Error::PlatformFailure(cause) => cause.to_string(),
            Error::Ambiguous(_) => "two entries have one name".to_owned(),
            other => other.to_string(),
        }
    }
}

#[cfg(not(any(target_os = "macos", windows, feature = "secret-service")))]
mod system {
    use hallpass_protocol::Secret;

    pub(super) fn get(_: &str, _: &str) -> Result<Option<Secret<Vec<u8>>>, String> {
        Err(ABSENT.to_owned())
    }

    pub(super) fn set(_: &str, _: &str, _: &Secret<Vec<u8>>) -> Result<(), String> {
        Err(ABSENT.to_owned())
    }

    pub(super) fn forget(_: &str, _: &str) -> Result<(), String> {
        Err(ABSENT.to_owned())
    }

    const ABSENT: &str = "this program was built without it";
}

/// Looks for the bus before it is called: a library that finds none may start one by itself, once
/// per process.
#[cfg(all(feature = "secret-service", not(any(target_os = "macos", windows))))]
mod bus {
    use std::env::var_os;
    use std::path::PathBuf;

    pub(super) fn is_there() -> Result<(), String> {
        if let Some(address) = var_os("DBUS_SESSION_BUS_ADDRESS") {
            let address = address.to_string_lossy();
            // `autolaunch:` and `unixexec:` start programs.
            let is_plain = |one: &str| one.starts_with("unix:") || one.starts_with("tcp:");
            return if address.split(';').all(is_plain) {
                Ok(())
            } else {
                Err("no D-Bus session: its address is none of a socket".to_owned())
            };
        }
        let folder = var_os("XDG_RUNTIME_DIR").map_or_else(
            || {
                let me = crate::credentials::file_access::owner::me();
                PathBuf::from(format!("/run/user/{me}"))
            },
            PathBuf::from,
        );
        if folder.join("bus").exists() {
            Ok(())
        } else {
            Err(ABSENT.to_owned())
        }
    }

    const ABSENT: &str = "no D-Bus session";
}
