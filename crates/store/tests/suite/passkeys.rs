//! Passkeys and the challenges that they answered.

use hallpass_issuer::factors::passkey::{OwnPasskey, Passkey};
use hallpass_protocol::UserId;
use hallpass_protocol::webauthn::CosePublicKey;
use hallpass_store::{Store, StoreError, passkey_challenges, passkeys, users};
use hallpass_testing::authenticator::{Authenticator, Kind};

use crate::records::{hash, minutes, now};

fn passkey(user: &str, id: &[u8], ago: u64) -> OwnPasskey {
    let key = Authenticator::new(Kind::EdDsa).cose_key;
    OwnPasskey {
        user: UserId::new(user),
        name: "laptop".to_owned(),
        passkey: Passkey {
            credential_id: id.to_vec(),
            public_key: CosePublicKey::read(&key).unwrap(),
            sign_count: u32::MAX,
            uv_initialized: true,
            backup_eligible: true,
            backup_state: false,
            aaguid: [7; 16],
        },
        transports: vec!["internal".to_owned(), "hybrid".to_owned()],
        created_at: now() - minutes(ago),
        last_used_at: None,
    }
}

async fn insert(store: &Store, own: &OwnPasskey) -> Result<bool, StoreError> {
    let own = own.clone();
    store.write(move |tx| passkeys::insert(tx, &own)).await
}

async fn listed(store: &Store, user: &'static str) -> Vec<OwnPasskey> {
    let user = UserId::new(user);
    let listed = store.read(move |tx| passkeys::list_by_user(tx, &user));
    listed.await.unwrap()
}

pub(crate) async fn a_passkey_comes_back_whole_and_is_its_persons(store: &Store) {
    let (one, two) = (passkey("ada", b"1", 5), passkey("ada", b"2", 9));
    let other = passkey("bob", b"3", 1);
    for own in [&one, &two, &other] {
        assert_eq!(insert(store, own).await, Ok(true));
    }
    assert_eq!(listed(store, "ada").await, [two.clone(), one.clone()]);
    assert_eq!(listed(store, "bob").await, [other]);
    let found = store.read(|tx| Ok((passkeys::find(tx, b"1")?, passkeys::find(tx, b"4")?)));
    assert_eq!(found.await, Ok((Some(one.clone()), None)));

    let mut used = OwnPasskey {
        name: "phone".to_owned(),
        last_used_at: Some(now()),
        ..one.clone()
    };
    used.passkey.sign_count = 7;
    used.passkey.backup_state = true;
    let note = used.passkey.clone();
    let (ada, bob) = (UserId::new("ada"), UserId::new("bob"));
    let changed = store.write(move |tx| {
        passkeys::note_use(tx, &note, now())?;
        Ok((
            passkeys::rename(tx, (&ada, b"1"), "phone")?,
            // Another person's is as unknown as one that never was.
            passkeys::rename(tx, (&bob, b"1"), "mine")?,
            passkeys::delete(tx, (&bob, b"1"))?,
            passkeys::delete(tx, (&ada, b"2"))?,
            passkeys::delete(tx, (&ada, b"2"))?,
        ))
    });
    assert_eq!(changed.await, Ok((true, false, false, true, false)));
    assert_eq!(listed(store, "ada").await, [used]);
    let gone = store.write(|tx| users::delete(tx, &UserId::new("ada")));
    gone.await.unwrap();
    assert_eq!(listed(store, "ada").await, []);
    assert_eq!(listed(store, "bob").await.len(), 1);
}

pub(crate) async fn a_80_a_credential_id_belongs_to_whoever_had_it_first(store: &Store) {
    let first = passkey("ada", b"1", 5);
    assert_eq!(insert(store, &first).await, Ok(true));
    for second in [passkey("eve", b"1", 1), passkey("ada", b"1", 1)] {
        assert_eq!(insert(store, &second).await, Ok(false));
    }
    assert_eq!(listed(store, "ada").await, [first]);
    assert_eq!(listed(store, "eve").await, []);
}

pub(crate) async fn a_80_a_challenge_is_answered_once(store: &Store) {
    let take = |text: &'static str| {
        store.write(move |tx| passkey_challenges::take(tx, &hash(text), now() + minutes(5)))
    };
    let (one, same) = tokio::join!(take("one"), take("one"));
    assert_ne!(one.unwrap(), same.unwrap());
    assert_eq!(take("two").await, Ok(true));
    let purge = |at| store.write(move |tx| passkey_challenges::purge_expired(tx, at, 10));
    assert_eq!(purge(now()).await, Ok(0));
    assert_eq!(take("one").await, Ok(false));
    assert_eq!(purge(now() + minutes(5)).await, Ok(2));
}
