//! What people see of their own account, end and delete.

use std::net::{IpAddr, Ipv4Addr};

use hallpass_issuer::account::{Account, EmailAddress, Role, Status, Username};
use hallpass_issuer::factors::password::{Cost, PasswordHash};
use hallpass_issuer::sign_in_event::{Outcome, SignInEvent};
use hallpass_issuer::user::SignIn;
use hallpass_protocol::time::SystemClock;
use hallpass_protocol::{AuthorizationId, Clock as _, UserId, random::SystemRandom};
use hallpass_store::{
    Store, authorizations, browser_sessions, consents, passwords, sign_in_events, users,
};

use crate::records::{ISSUER, authorization, browser_session, minutes, now, user};

fn event(id: u8, user: &str, ago: u64) -> SignInEvent {
    SignInEvent {
        id: [id; 16],
        user: UserId::new(user),
        at: now() - minutes(ago),
        outcome: Outcome::SignedIn,
        address: IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]),
        browser: Some("Firefox on Linux".to_owned()),
    }
}

async fn save(store: &Store, event: SignInEvent) {
    let saved = store
        .write(move |tx| sign_in_events::save(tx, &event))
        .await;
    saved.unwrap();
}

async fn listed(store: &Store, user: &'static str, limit: u32) -> Vec<SignInEvent> {
    let listed = store.read(move |tx| sign_in_events::list_by_user(tx, &UserId::new(user), limit));
    listed.await.unwrap()
}

pub(crate) async fn tries_to_sign_in_are_listed_and_forgotten(store: &Store) {
    let refused = SignInEvent {
        outcome: Outcome::Refused,
        browser: None,
        ..event(3, "ada", 1)
    };
    for event in [event(1, "ada", 9), event(2, "ada", 5), refused.clone()] {
        save(store, event).await;
    }
    save(store, event(4, "bob", 9)).await;
    assert_eq!(
        listed(store, "ada", 9).await,
        [refused.clone(), event(2, "ada", 5), event(1, "ada", 9)]
    );
    assert_eq!(
        listed(store, "ada", 1).await,
        std::slice::from_ref(&refused)
    );
    // One at a time, the oldest first; exactly as old as is remembered is too old.
    let purge = || store.write(|tx| sign_in_events::purge_expired(tx, now(), minutes(5), 2));
    assert_eq!(purge().await, Ok(2));
    assert_eq!(purge().await, Ok(1));
    assert_eq!(purge().await, Ok(0));
    assert_eq!(listed(store, "ada", 9).await, [refused]);
    let forget = store.write(|tx| sign_in_events::delete_by_user(tx, &UserId::new("ada")));
    forget.await.unwrap();
    assert_eq!(listed(store, "ada", 9).await, []);
}

pub(crate) async fn tries_at_nobody_are_one_row(store: &Store) {
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    save(store, SignInEvent::of_nobody(now(), here)).await;
    let last = SignInEvent::of_nobody(now() + minutes(1), here);
    save(store, last.clone()).await;
    assert_eq!(listed(store, "", 9).await, [last]);
}

pub(crate) async fn a_person_names_their_own_authorizations_only(store: &Store) {
    let kept = authorization();
    let (id, owner) = (kept.id, kept.seed.user.id.clone());
    let insert = store.write(move |tx| authorizations::insert(tx, &kept));
    insert.await.unwrap();
    let rename =
        |issuer: &'static str, user: UserId, id: AuthorizationId, label: Option<&'static str>| {
            store.write(move |tx| authorizations::rename(tx, (issuer, &user), id, label))
        };
    let labels = || {
        let owner = owner.clone();
        store.read(move |tx| authorizations::list_labels(tx, ISSUER, &owner))
    };
    let unknown = AuthorizationId::generate(SystemClock.now(), &SystemRandom);
    for (issuer, user, id) in [
        (ISSUER, UserId::new("eve"), id),
        ("/elsewhere", owner.clone(), id),
        (ISSUER, owner.clone(), unknown),
    ] {
        assert_eq!(rename(issuer, user, id, Some("x")).await, Ok(false));
    }
    assert_eq!(labels().await, Ok(vec![]));
    assert_eq!(
        rename(ISSUER, owner.clone(), id, Some("laptop")).await,
        Ok(true)
    );
    assert_eq!(labels().await, Ok(vec![(id, "laptop".to_owned())]));
    assert_eq!(rename(ISSUER, owner.clone(), id, None).await, Ok(true));
    assert_eq!(labels().await, Ok(vec![]));
    let reason = hallpass_issuer::authorization::RevokeReason::User;
    let revoke = store.write(move |tx| authorizations::revoke(tx, id, reason, now()));
    assert_eq!(revoke.await, Ok(true));
    assert_eq!(
        rename(ISSUER, owner.clone(), id, Some("x")).await,
        Ok(false)
    );
}

pub(crate) async fn live_browsers_are_listed_for_their_person(store: &Store) {
    let mut one = browser_session("one");
    one.sign_in = SignIn {
        browser: Some("Firefox on Linux".to_owned()),
        ..SignIn::by_password(3)
    };
    let mut newer = browser_session("newer");
    newer.auth_time = one.auth_time + minutes(1);
    let (mut over, mut ended) = (browser_session("over"), browser_session("ended"));
    over.expires_at = now();
    ended.ended_at = Some(now());
    let mut foreign = browser_session("foreign");
    foreign.user.id = UserId::new("eve");
    let all = [one.clone(), newer.clone(), over, ended, foreign];
    let insert = store.write(move |tx| {
        let mut all = all.iter();
        all.try_for_each(|session| browser_sessions::insert(tx, session))
    });
    insert.await.unwrap();
    let live = store.read(|tx| browser_sessions::list_live(tx, (ISSUER, &user().id), now()));
    assert_eq!(live.await, Ok(vec![newer, one]));
}

pub(crate) async fn a_deleted_person_leaves_no_word_of_themselves(store: &Store) {
    let account = Account {
        id: user().id,
        username: Username::parse("ada").unwrap(),
        display_name: None,
        email: EmailAddress::parse("ada@example.com"),
        email_verified_at: Some(now()),
        status: Status::Active,
        role: Role::User,
        created_at: now(),
        locale: None,
        last_login_at: None,
        security_epoch: 0,
    };
    let kept = authorization();
    let id = kept.id;
    let hash = PasswordHash {
        cost: Cost::default(),
        salt: vec![1; 16],
        hash: vec![2; 32],
    };
    let insert = store.write(move |tx| {
        users::insert(tx, &account)?;
        passwords::save(tx, &account.id, &hash, now())?;
        browser_sessions::insert(tx, &browser_session("one"))?;
        authorizations::insert(tx, &kept)?;
        authorizations::rename(tx, (ISSUER, &account.id), kept.id, Some("laptop"))
    });
    assert_eq!(insert.await, Ok(true));
    let forget = store.write(|tx| {
        let id = user().id;
        authorizations::forget_user(tx, ISSUER, &id)?;
        browser_sessions::delete_by_user(tx, ISSUER, &id)?;
        consents::delete_by_user(tx, ISSUER, &id)?;
        users::delete(tx, &id)
    });
    forget.await.unwrap();
    let found = store.read(move |tx| {
        let ada = user().id;
        Ok((
            users::find(tx, &ada)?,
            passwords::find(tx, &ada)?.is_some(),
            browser_sessions::list_live(tx, (ISSUER, &ada), now())?,
            authorizations::list_labels(tx, ISSUER, &ada)?,
            authorizations::find(tx, id)?,
        ))
    });
    let (account, has_password, browsers, labels, left) = found.await.unwrap();
    assert_eq!((account, has_password), (None, false));
    assert!(browsers.is_empty() && labels.is_empty());
    // The row stays: it says what ended.
    let left = left.unwrap();
    assert_eq!(left.seed.user.id, user().id);
    assert!(left.seed.user.claims.is_empty());
    assert_eq!((left.address, left.seed.sign_in), (None, SignIn::default()));
}
