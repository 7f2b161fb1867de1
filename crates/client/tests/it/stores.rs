//! Sign-ins into the stores that a person can choose.

use hallpass_client::{
    ErrorKind, Generation, LockAttempt, MemoryStore, SessionKey, SessionRecord, SignIn, Store,
    StoreError, StoreInfo, StorePlace, TokenStore, Versioned,
};

use crate::fake::Fake;
use crate::person::Person;

#[tokio::test]
async fn c_74_a_session_is_sealed_from_the_first_sign_in_on_and_opens_for_the_next_client() {
    let fake = Fake::start().await;
    let person = Person::who_signs_in(&fake);
    let folder = tempfile::tempdir().unwrap();
    let passphrase = folder.path().join("passphrase");
    std::fs::write(&passphrase, "correct horse").unwrap();
    let place = StorePlace::in_state_dir("acme", folder.path()).passphrase_file(Some(passphrase));
    let client = || {
        let store = Store::Sealed.open(&place);
        fake.client(&person).store(store).build().unwrap()
    };
    client().sign_in(SignIn::browser()).await.unwrap();
    let session = client().sign_in(SignIn::silent_only()).await.unwrap();
    assert_eq!(session.access_token().await.unwrap().expose(), "at-1");
    for file in std::fs::read_dir(folder.path().join("sessions")).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("at-1") && !text.contains("rt-1"), "{text}");
    }
}

#[tokio::test]
async fn nobody_signs_in_for_a_session_that_cannot_be_kept() {
    let fake = Fake::start().await;
    let person = Person::who_signs_in(&fake);
    let folder = tempfile::tempdir().unwrap();
    // No passphrase is named.
    let store = Store::Sealed.open(&StorePlace::in_state_dir("acme", folder.path()));
    let client = fake.client(&person).store(store).build().unwrap();
    let error = client.sign_in(SignIn::browser()).await.unwrap_err();
    assert_eq!((error.kind(), error.exit_code()), (&ErrorKind::Store, 9));
    assert!(error.hint().unwrap().contains("HALLPASS_PASSPHRASE_FILE"));
    assert!(person.opened().is_empty() && fake.seen("/token").is_empty());
}

#[tokio::test]
async fn a_damaged_session_does_not_spoil_the_next_sign_in() {
    let fake = Fake::start().await;
    let person = Person::who_signs_in(&fake);
    let folder = tempfile::tempdir().unwrap();
    let place = StorePlace::in_state_dir("acme", folder.path());
    let store = Store::File.open(&place);
    let client = fake.client(&person).store(store).build().unwrap();
    client.sign_in(SignIn::browser()).await.unwrap();
    let key = client.store().list().unwrap().remove(0);
    let path = folder.path().join(format!("sessions/{}.json", key.hash()));
    std::fs::write(&path, "{").unwrap();
    client.sign_in(SignIn::browser().force()).await.unwrap();
    assert!(client.session().await.unwrap().is_some());
}

#[tokio::test]
async fn what_a_store_has_to_say_is_said_before_the_browser_opens() {
    let fake = Fake::start().await;
    let person = Person::who_signs_in(&fake);
    let client = fake.client(&person).store(Talkative::default()).build();
    let signed_in = client.unwrap().sign_in(SignIn::browser()).await;
    signed_in.unwrap();
    assert_eq!(person.notices().first().unwrap(), "no keychain here");
}

/// Keeps sessions in memory, and has something to say.
#[derive(Debug, Default)]
struct Talkative(MemoryStore);

impl TokenStore for Talkative {
    fn load(&self, key: &SessionKey) -> Result<Option<Versioned<SessionRecord>>, StoreError> {
        self.0.load(key)
    }

    fn compare_and_swap(
        &self,
        key: &SessionKey,
        old: Option<Generation>,
        new: &SessionRecord,
    ) -> Result<Generation, StoreError> {
        self.0.compare_and_swap(key, old, new)
    }

    fn remove(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.0.remove(key)
    }

    fn try_lock(&self, key: &SessionKey) -> Result<LockAttempt, StoreError> {
        self.0.try_lock(key)
    }

    fn list(&self) -> Result<Vec<SessionKey>, StoreError> {
        self.0.list()
    }

    fn describe(&self) -> StoreInfo {
        self.0.describe()
    }

    fn take_notice(&self) -> Option<String> {
        Some("no keychain here".to_owned())
    }
}
