//! Authenticator apps, codes on paper, and values that are drawn once.

use hallpass_issuer::account::{Account, Role, Status, Username};
use hallpass_issuer::factors::totp::{Step, TotpSeed};
use hallpass_issuer::sign_in_event::{Outcome, SignInEvent};
use hallpass_protocol::{Secret, UserId};
use hallpass_store::totp_secrets::TotpSecret;
use hallpass_store::{Store, lasting_secrets, recovery_codes, sign_in_events, totp_secrets, users};

use crate::records::{hash, minutes, now};

/// What an app and the server share.
pub(crate) fn totp_secret() -> TotpSecret {
    TotpSecret {
        seed: TotpSeed::from_bytes(*b"the seed of twenty b"),
        last_step: Step::at(now()),
        created_at: now(),
        last_used_at: None,
    }
}

fn ada() -> UserId {
    UserId::new("ada")
}

pub(crate) async fn an_app_comes_back_whole_and_is_replaced(store: &Store) {
    let find =
        |user: &'static str| store.read(move |tx| totp_secrets::find(tx, &UserId::new(user)));
    assert!(find("ada").await.unwrap().is_none());
    let save = store.write(|tx| totp_secrets::save(tx, &ada(), &totp_secret()));
    save.await.unwrap();
    assert!(find("eve").await.unwrap().is_none());
    let step = Step::from_number(Step::at(now()).number() + 1);
    let used = store.write(move |tx| totp_secrets::note_used(tx, &ada(), step, now() + minutes(1)));
    used.await.unwrap();
    let found = find("ada").await.unwrap().unwrap();
    assert_eq!(found.seed.as_bytes(), b"the seed of twenty b");
    assert_eq!((found.last_step, found.created_at), (step, now()));
    assert_eq!(found.last_used_at, Some(now() + minutes(1)));
    // Another app begins anew.
    let other = TotpSecret {
        seed: TotpSeed::from_bytes([9; 20]),
        ..totp_secret()
    };
    let save = store.write(move |tx| totp_secrets::save(tx, &ada(), &other));
    save.await.unwrap();
    let found = find("ada").await.unwrap().unwrap();
    assert_eq!(found.seed.as_bytes(), &[9; 20]);
    assert_eq!(
        (found.last_step, found.last_used_at),
        (Step::at(now()), None)
    );
    let delete = || store.write(|tx| totp_secrets::delete(tx, &ada()));
    assert_eq!(delete().await, Ok(true));
    assert_eq!(delete().await, Ok(false));
    assert!(find("ada").await.unwrap().is_none());
}

pub(crate) async fn a_recovery_code_is_redeemed_once_by_its_person(store: &Store) {
    let codes: Vec<_> = ["1", "2", "3"].into_iter().map(hash).collect();
    let replace = codes.clone();
    let saved = store.write(move |tx| recovery_codes::replace(tx, &ada(), &replace, now()));
    saved.await.unwrap();
    let redeem = |user: &'static str, n: usize| {
        let code = codes[n];
        store.write(move |tx| recovery_codes::redeem(tx, &UserId::new(user), &code, now()))
    };
    let left = || store.read(|tx| recovery_codes::count_unused(tx, &ada()));
    assert_eq!(redeem("eve", 0).await, Ok(false));
    assert_eq!(left().await, Ok(3));
    // Of two at once one gets it.
    let (one, other) = tokio::join!(redeem("ada", 0), redeem("ada", 0));
    assert!(one.unwrap() != other.unwrap());
    assert_eq!(left().await, Ok(2));
    let fresh = vec![hash("4")];
    let replaced = store.write(move |tx| recovery_codes::replace(tx, &ada(), &fresh, now()));
    replaced.await.unwrap();
    assert_eq!(redeem("ada", 1).await, Ok(false));
    assert_eq!(left().await, Ok(1));
    let deleted = store.write(|tx| recovery_codes::delete_by_user(tx, &ada()));
    assert_eq!(deleted.await, Ok(1));
    assert_eq!(left().await, Ok(0));
}

pub(crate) async fn s_262_a_lasting_value_is_drawn_once_for_all_who_ask(store: &Store) {
    let name = lasting_secrets::RECOVERY_CODES;
    let draw = |byte: u8| {
        let drawn = Secret::new([byte; 32]);
        store.write(move |tx| lasting_secrets::load_or_insert(tx, name, &drawn))
    };
    let found = store.read(move |tx| lasting_secrets::find(tx, name));
    assert!(found.await.unwrap().is_none());
    let (one, other) = tokio::join!(draw(1), draw(2));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.expose(), other.expose());
    assert_eq!(draw(3).await.unwrap().expose(), one.expose());
}

pub(crate) async fn a_sign_in_that_waits_is_finished_once(store: &Store) {
    let event = SignInEvent {
        id: [7; 16],
        user: ada(),
        outcome: Outcome::Unfinished,
        ..SignInEvent::of_nobody(now(), "192.0.2.1".parse().unwrap())
    };
    let kept = event.clone();
    store
        .write(move |tx| sign_in_events::save(tx, &kept))
        .await
        .unwrap();
    let waits = |user: &'static str| {
        store.read(move |tx| sign_in_events::is_waiting(tx, (&[7; 16], &UserId::new(user))))
    };
    let finish = |user: &'static str| {
        store.write(move |tx| {
            sign_in_events::finish(tx, (&[7; 16], &UserId::new(user)), now() + minutes(1))
        })
    };
    assert_eq!(waits("ada").await, Ok(true));
    assert_eq!(waits("eve").await, Ok(false));
    assert_eq!(finish("eve").await, Ok(false));
    let (one, other) = tokio::join!(finish("ada"), finish("ada"));
    assert!(one.unwrap() != other.unwrap());
    assert_eq!(waits("ada").await, Ok(false));
    let listed = store.read(|tx| sign_in_events::list_by_user(tx, &ada(), 9));
    let listed = listed.await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].outcome, Outcome::SignedIn);
    assert_eq!(listed[0].at, now() + minutes(1));
}

pub(crate) async fn factors_go_with_their_person(store: &Store) {
    let account = Account {
        id: ada(),
        username: Username::parse("ada").unwrap(),
        display_name: None,
        email: None,
        email_verified_at: None,
        status: Status::Active,
        role: Role::User,
        created_at: now(),
        locale: None,
        last_login_at: None,
        security_epoch: 0,
    };
    let gone = store.write(move |tx| {
        users::insert(tx, &account)?;
        totp_secrets::save(tx, &account.id, &totp_secret())?;
        recovery_codes::replace(tx, &account.id, &[hash("1")], now())?;
        users::delete(tx, &account.id)?;
        let totp = totp_secrets::find(tx, &account.id)?;
        Ok((
            totp.is_none(),
            recovery_codes::count_unused(tx, &account.id)?,
        ))
    });
    assert_eq!(gone.await, Ok((true, 0)));
}
