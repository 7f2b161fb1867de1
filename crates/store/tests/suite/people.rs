//! Accounts: people, passwords, links, mail, and those who guess.

use std::time::Duration;

use hallpass_issuer::account::{Account, EmailAddress, Role, Status, Username};
use hallpass_issuer::account_link::{AccountLink, Purpose};
use hallpass_issuer::authorization::RevokeReason;
use hallpass_issuer::factors::password::{Cost, PasswordHash};
use hallpass_issuer::limits::LOGIN_PER_ACCOUNT;
use hallpass_issuer::lockout::Tries;
use hallpass_issuer::mail::{Due, Kind};
use hallpass_issuer::sign_up::SignUp;
use hallpass_protocol::{Scopes, UserId};
use hallpass_store::{
    Store, StoreError, account_links, authorizations, browser_sessions, counters, email_outbox,
    passwords, sign_ups, users,
};

use crate::records::{ISSUER, authorization, browser_session, hash, minutes, now, session_id};

fn account(id: &str, username: &str, email: &str) -> Account {
    Account {
        id: UserId::new(id),
        username: Username::parse(username).unwrap(),
        display_name: Some("Ada Lovelace".to_owned()),
        email: EmailAddress::parse(email),
        email_verified_at: Some(now()),
        status: Status::Active,
        role: Role::Admin,
        created_at: now() - minutes(5),
        locale: Some("de".to_owned()),
        last_login_at: None,
        security_epoch: 1,
    }
}

async fn insert(store: &Store, account: &Account) -> Result<(), StoreError> {
    let account = account.clone();
    store.write(move |tx| users::insert(tx, &account)).await
}

pub(crate) async fn an_account_comes_back_whole_and_is_found_by_its_names(store: &Store) {
    let mut ada = account("1", "Ada", "Ada@Example.com");
    insert(store, &ada).await.unwrap();
    let find = |name: &'static str| {
        let name = Username::parse(name).unwrap();
        store.read(move |tx| users::find_by_username(tx, &name))
    };
    assert_eq!(find("aDa").await, Ok(Some(ada.clone())));
    assert_eq!(find("adam").await, Ok(None));
    let by_email = |email: &'static str| {
        let email = EmailAddress::parse(email).unwrap();
        store.read(move |tx| users::find_by_verified_email(tx, &email))
    };
    assert_eq!(by_email("ada@example.COM").await, Ok(Some(ada.clone())));
    assert_eq!(by_email("ada@example.org").await, Ok(None));

    ada.lock();
    ada.role = Role::Auditor;
    ada.display_name = None;
    ada.email_verified_at = None;
    let changed = ada.clone();
    store
        .write(move |tx| {
            users::save(tx, &changed)?;
            users::note_locale(tx, &changed.id, "fr")?;
            users::note_login(tx, &changed.id, now())
        })
        .await
        .unwrap();
    ada.last_login_at = Some(now());
    ada.locale = Some("fr".to_owned());
    let id = ada.id.clone();
    let found = store.read(move |tx| users::find(tx, &id)).await;
    assert_eq!(found, Ok(Some(ada)));
    assert_eq!(by_email("ada@example.com").await, Ok(None));
}

pub(crate) async fn one_name_and_one_proven_address_have_one_account(store: &Store) {
    insert(store, &account("1", "ada", "ada@example.com"))
        .await
        .unwrap();
    let same_name = account("2", "ADA", "other@example.com");
    assert_eq!(insert(store, &same_name).await, Err(StoreError::Conflict));
    let same_address = account("2", "bob", "ADA@example.com");
    assert_eq!(
        insert(store, &same_address).await,
        Err(StoreError::Conflict)
    );
    // What nobody proved is nobody's.
    let unproven = Account {
        email_verified_at: None,
        ..same_address.clone()
    };
    assert_eq!(insert(store, &unproven).await, Ok(()));
    let proven = store.write(move |tx| users::save(tx, &same_address)).await;
    assert_eq!(proven, Err(StoreError::Conflict));
}

pub(crate) async fn accounts_are_listed_in_the_order_of_their_names(store: &Store) {
    for (id, name) in [("1", "carol"), ("2", "Ada"), ("3", "bob")] {
        let email = format!("{name}@example.com");
        insert(store, &account(id, name, &email)).await.unwrap();
    }
    let names = |after: &'static str, limit| async move {
        let listed = store.read(move |tx| users::list(tx, after, limit)).await;
        let names = listed.unwrap().into_iter();
        names
            .map(|account| account.username.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("", 2).await, ["Ada", "bob"]);
    assert_eq!(names("bob", 2).await, ["carol"]);
}

pub(crate) async fn a_password_is_replaced_and_rehashed(store: &Store) {
    let user = UserId::new("1");
    let hashed = |byte: u8| PasswordHash {
        cost: Cost::default(),
        salt: vec![byte; 16],
        hash: vec![byte; 32],
    };
    let find = || {
        let user = user.clone();
        store.read(move |tx| passwords::find(tx, &user))
    };
    assert_eq!(find().await, Ok(None));
    for byte in [1, 2] {
        let (user, hash) = (user.clone(), hashed(byte));
        let save = store.write(move |tx| passwords::save(tx, &user, &hash, now()));
        save.await.unwrap();
    }
    assert_eq!(find().await, Ok(Some(hashed(2))));
    for (old, new) in [(2, 3), (2, 9)] {
        let (user, both) = (user.clone(), (hashed(old), hashed(new)));
        let rehash = store.write(move |tx| passwords::rehash(tx, &user, (&both.0, &both.1)));
        rehash.await.unwrap();
        assert_eq!(find().await, Ok(Some(hashed(3))), "a stale rehash won");
    }
}

pub(crate) async fn a_link_is_found_until_it_is_used_or_over(store: &Store) {
    let link = |token: &str, user: &str, purpose: Purpose| AccountLink {
        token_hash: hash(token),
        user: UserId::new(user),
        purpose,
        created_at: now(),
        expires_at: now() + purpose.lifetime(),
    };
    let links = [
        link("a", "1", Purpose::Invitation),
        link("b", "1", Purpose::Reset),
        link("c", "2", Purpose::Reset),
        link("d", "2", Purpose::Reset),
    ];
    let kept = links.clone();
    let insert = store.write(move |tx| kept.iter().try_for_each(|l| account_links::insert(tx, l)));
    insert.await.unwrap();
    let find = |token: &'static str| store.read(move |tx| account_links::find(tx, &hash(token)));
    assert_eq!(find("a").await, Ok(Some(links[0].clone())));
    assert_eq!(find("b").await, Ok(Some(links[1].clone())));
    let delete = store.write(|tx| account_links::delete_by_user(tx, &UserId::new("1")));
    assert_eq!(delete.await, Ok(2));
    assert_eq!(find("a").await, Ok(None));
    store
        .write(|tx| account_links::delete(tx, &hash("d")))
        .await
        .unwrap();
    assert_eq!(find("d").await, Ok(None));
    let purge = |at| store.write(move |tx| account_links::purge_expired(tx, at, 10));
    assert_eq!(purge(now() + minutes(14)).await, Ok(0));
    assert_eq!(purge(now() + minutes(15)).await, Ok(1));
    assert_eq!(find("c").await, Ok(None));
}

pub(crate) async fn a_link_to_a_new_account_is_found_until_it_is_used_or_over(store: &Store) {
    let sign_up = |token: &str, at| {
        let email = EmailAddress::parse("Ada@Example.com").unwrap();
        SignUp::new(hash(token), email, at)
    };
    let links = [sign_up("a", now()), sign_up("b", now() + minutes(1))];
    let kept = links.clone();
    let insert = store.write(move |tx| kept.iter().try_for_each(|l| sign_ups::insert(tx, l)));
    insert.await.unwrap();
    let find = |token: &'static str| store.read(move |tx| sign_ups::find(tx, &hash(token)));
    assert_eq!(find("a").await, Ok(Some(links[0].clone())));
    assert_eq!(find("c").await, Ok(None));
    let delete = |token: &'static str| store.write(move |tx| sign_ups::delete(tx, &hash(token)));
    assert_eq!(delete("a").await, Ok(true));
    assert_eq!(delete("a").await, Ok(false));
    assert_eq!(find("a").await, Ok(None));
    let purge = |at| store.write(move |tx| sign_ups::purge_expired(tx, at, 10));
    let day = minutes(24 * 60);
    assert_eq!(purge(now() + day).await, Ok(0));
    assert_eq!(find("b").await, Ok(Some(links[1].clone())));
    assert_eq!(purge(now() + day + minutes(1)).await, Ok(1));
    assert_eq!(find("b").await, Ok(None));
}

pub(crate) async fn whoever_has_an_address_or_is_called_so_stands_in_the_way(store: &Store) {
    let holder = |email: &'static str| {
        let email = EmailAddress::parse(email).unwrap();
        let found = store.read(move |tx| users::find_by_address_or_username(tx, &email));
        async move { found.await.unwrap().map(|account| account.id.to_string()) }
    };
    let unproven = |id, name, email| Account {
        email_verified_at: None,
        ..account(id, name, email)
    };
    insert(store, &unproven("1", "ada", "ada@example.com"))
        .await
        .unwrap();
    insert(
        store,
        &unproven("2", "Eve@Example.org", "other@example.org"),
    )
    .await
    .unwrap();
    assert_eq!(holder("ADA@example.com").await.as_deref(), Some("1"));
    assert_eq!(holder("eve@example.org").await.as_deref(), Some("2"));
    assert_eq!(holder("ada@example.org").await, None);
    // Who proved it comes before who only says so.
    insert(store, &account("3", "grace", "ada@example.com"))
        .await
        .unwrap();
    assert_eq!(holder("ada@example.com").await.as_deref(), Some("3"));
    let mut locked = account("3", "grace", "ada@example.com");
    locked.lock();
    let save = store.write(move |tx| users::save(tx, &locked));
    save.await.unwrap();
    assert_eq!(holder("ada@example.com").await.as_deref(), Some("3"));
}

pub(crate) async fn mail_is_claimed_by_one_and_tried_again(store: &Store) {
    let kinds = [
        Kind::Invitation(UserId::new("1")),
        Kind::Recovery {
            typed: "ada".to_owned(),
        },
        Kind::SignUp {
            typed: "ada@example.com".to_owned(),
        },
    ];
    for (n, kind) in (0_u8..).zip(kinds.clone()) {
        let mut due = Due::new([n; 16], kind, now() + Duration::from_secs(n.into()));
        due.locale = (n == 1).then(|| "de".to_owned());
        store
            .write(move |tx| email_outbox::insert(tx, &due))
            .await
            .unwrap();
    }
    let claim = |at| store.write(move |tx| email_outbox::claim(tx, at, minutes(2)));
    let later = now() + Duration::from_secs(9);
    let mut claimed = Vec::new();
    for _ in 0..3 {
        claimed.push(claim(later).await.unwrap().unwrap());
    }
    let found: Vec<_> = claimed.iter().map(|due| due.kind.clone()).collect();
    assert_eq!(found, kinds);
    let found: Vec<_> = claimed.iter().map(|due| due.locale.as_deref()).collect();
    assert_eq!(found, [None, Some("de"), None]);
    assert_eq!(claim(later).await, Ok(None));

    // The node that took the first died: somebody else does it.
    let again = claim(later + minutes(2)).await.unwrap().unwrap();
    assert_eq!(again.id, [0; 16]);
    let failed = again.postponed(later + minutes(2)).unwrap();
    let postponed = failed.clone();
    store
        .write(move |tx| {
            email_outbox::postpone(tx, &postponed)?;
            email_outbox::delete(tx, &[1; 16])?;
            email_outbox::delete(tx, &[2; 16])
        })
        .await
        .unwrap();
    assert_eq!(store.read(email_outbox::count_rows).await, Ok(1));
    let early = failed.due_at - Duration::from_secs(1);
    assert_eq!(claim(early).await, Ok(None));
    assert_eq!(claim(failed.due_at).await, Ok(Some(failed)));
}

pub(crate) async fn s_12_what_was_typed_is_not_readable_in_the_outbox(store: &Store) {
    let typed = "hunter2 typed into the wrong field".to_owned();
    let kinds = [
        Kind::Recovery {
            typed: typed.clone(),
        },
        Kind::SignUp { typed },
    ];
    for (n, kind) in (9_u8..).zip(kinds) {
        let due = Due::new([n; 16], kind, now());
        let kept = due.clone();
        store
            .write(move |tx| email_outbox::insert(tx, &kept))
            .await
            .unwrap();
        let claimed = store.write(|tx| email_outbox::claim(tx, now(), minutes(1)));
        assert_eq!(claimed.await, Ok(Some(due)));
    }
}

pub(crate) async fn two_guesses_at_once_are_both_counted(store: &Store) {
    let bucket = hash("guesser");
    let mut guesses = tokio::task::JoinSet::new();
    for _ in 0..30 {
        let store = store.clone();
        guesses.spawn(async move {
            let guess = store.write(move |tx| {
                let tries = counters::load(tx, &bucket)?;
                match tries.charge(LOGIN_PER_ACCOUNT, now()) {
                    Ok(charged) => counters::save(tx, &bucket, charged).map(|()| true),
                    Err(_) => Ok(false),
                }
            });
            guess.await
        });
    }
    let allowed = guesses.join_all().await;
    let allowed = allowed.into_iter().filter(|answer| *answer == Ok(true));
    assert_eq!(allowed.count(), 10);
}

pub(crate) async fn counters_are_forgotten_when_they_are_quiet(store: &Store) {
    let bucket = hash("guesser");
    let tries = Tries::default().charge(LOGIN_PER_ACCOUNT, now()).unwrap();
    let save = store.write(move |tx| {
        assert_eq!(counters::load(tx, &bucket)?, Tries::default());
        counters::save(tx, &bucket, tries)
    });
    save.await.unwrap();
    let load = || store.write(move |tx| counters::load(tx, &bucket));
    assert_eq!(load().await, Ok(tries));
    let purge = |at| store.write(move |tx| counters::purge_expired(tx, at, minutes(60), 10));
    assert_eq!(purge(now() + minutes(59)).await, Ok(0));
    assert_eq!(purge(now() + minutes(60)).await, Ok(1));
    assert_eq!(load().await, Ok(Tries::default()));
    store
        .write(move |tx| counters::save(tx, &bucket, tries))
        .await
        .unwrap();
    store
        .write(move |tx| counters::delete(tx, &bucket))
        .await
        .unwrap();
    assert_eq!(load().await, Ok(Tries::default()));
}

pub(crate) async fn s_65_revoking_a_person_ends_all_that_they_have_at_this_issuer(store: &Store) {
    let mut theirs = authorization();
    let mut elsewhere = authorization();
    "/other".clone_into(&mut elsewhere.issuer);
    let mut somebody_s = authorization();
    somebody_s.seed.user.id = UserId::new("bob");
    let session = browser_session("cookie");
    let user = theirs.seed.user.id.clone();
    let kept = [theirs.clone(), elsewhere.clone(), somebody_s.clone()];
    let revoke = store.write(move |tx| {
        kept.iter()
            .try_for_each(|one| authorizations::insert(tx, one))?;
        browser_sessions::insert(tx, &session)?;
        let reason = RevokeReason::AccountChanged;
        let ended = authorizations::revoke_by_user(tx, (ISSUER, &user), reason, now())?;
        Ok((
            ended,
            browser_sessions::end_by_user(tx, (ISSUER, &user), None, now())?,
        ))
    });
    assert_eq!(revoke.await, Ok((1, 1)));
    let find = |id| store.read(move |tx| authorizations::find(tx, id));
    theirs.revoke(RevokeReason::AccountChanged, now());
    assert_eq!(find(theirs.id).await, Ok(Some(theirs)));
    assert_eq!(find(elsewhere.id).await, Ok(Some(elsewhere)));
    assert_eq!(find(somebody_s.id).await, Ok(Some(somebody_s)));
    let cookie = store.read(|tx| browser_sessions::find(tx, ISSUER, &hash("cookie")));
    assert_eq!(cookie.await.unwrap().unwrap().ended_at, Some(now()));
}

pub(crate) async fn s_246_signing_out_of_a_browser_ends_what_was_granted_online(store: &Store) {
    let online = authorization();
    let mut offline = authorization();
    offline.seed.scopes = Scopes::parse("openid offline_access").unwrap();
    let mut like = authorization();
    like.seed.scopes = Scopes::parse("x.offline_access").unwrap();
    let mut elsewhere = authorization();
    elsewhere.seed.browser_session = Some(session_id("another browser"));
    let kept = [
        online.clone(),
        offline.clone(),
        like.clone(),
        elsewhere.clone(),
    ];
    let revoke = store.write(move |tx| {
        kept.iter()
            .try_for_each(|one| authorizations::insert(tx, one))?;
        let reason = RevokeReason::SignedOut;
        let session = session_id("cookie");
        authorizations::revoke_online_by_browser_session(tx, &session, reason, now())
    });
    assert_eq!(revoke.await, Ok(2));
    for (one, lives) in [
        (online, false),
        (offline, true),
        (like, false),
        (elsewhere, true),
    ] {
        let found = store
            .read(move |tx| authorizations::is_live(tx, one.id))
            .await;
        assert_eq!(found, Ok(lives));
    }
}
